"""Given LR sets: what made them, by which label they are shown, and names that say otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sisr.base import registry
from sisr.base.errors import ManifestError
from sisr.base.images import write_png
from sisr.data.datasets import prepare_files
from sisr.inquiry import given_sets
from sisr.inquiry.candidates import LrDifference
from sisr.inquiry.given_sets import GivenSet, found_beside, identify_given, shown_label
from sisr.inquiry.identity import Identity
from sisr.lr import kernels
from sisr.lr.given_lr import take_pairs
from sisr.report.shown_run import names
from sisr.report.site.methods import paragraph
from test_whois import Pixels, few, scene

__all__ = ["few"]
KNOWN = registry.load("kernels")
SAID = {"label": "Pairs", "folder": "pairs"}


class Given:
    """A run's folder with the dataset ``pairs`` at x2, whose LR images a function makes."""

    def __init__(self, root: Path, config: Path) -> None:
        self.root, self.config = root, config
        self.out = root / "lr/pairs/given/x2.identity.json"

    def identify(self, make: Any, images: int = 2, **said: str) -> GivenSet:
        sources = {}
        for seed in range(images):
            hr = scene(seed, 64, 72)
            sources[f"s{seed}.png"] = self.root / f"in/s{seed}.png"
            write_png(sources[f"s{seed}.png"], hr)
            write_png(self.root / f"given/s{seed}.png", make(hr, seed))
        prepare_files("pairs", sources, self.root / "hr/pairs", self.root / "hr/pairs.json")
        lr = self.out.parent / "x2.json"
        take_pairs(self.root / "hr/pairs.json", self.root / "given", 2, self.out.parent / "x2", lr)
        found = identify_given(
            self.root / "hr/pairs.json", lr, {**SAID, **said}, self.out, config=self.config
        )
        assert GivenSet.read(self.out) == found
        return found


@pytest.fixture
def given(tmp_path: Path, few: Path) -> Given:
    return Given(tmp_path, few)


def by(kernel: str) -> Any:
    return lambda hr, seed: kernels.apply(kernel, hr, 2)


def test_the_kernel_is_named_in_the_label_and_in_all_that_shows_it(given: Given) -> None:
    found = given.identify(by("matlab-bicubic"), lr_kernel="matlab-bicubic")
    assert (found.label, found.warnings) == ("MATLAB bicubic, exact", ())
    assert json.loads(given.out.read_text())["identity"]["exact"] == ["matlab-bicubic"]
    found = found_beside(given.root, [("pairs", "given", 2), ("set5", "matlab-bicubic", 2)])[0]
    shown = names(["psnr@rgb"], ["nearest"], ["set5"], ["given"], {}, (), [found])
    assert shown.kernels == {"given": "given (MATLAB bicubic, exact)"}
    (line,) = found.remarks("Pairs")
    assert line.startswith("LR images given by Pairs ×2 (2 of 2 images looked at): LR is matlab-bicubic at")
    shown = names(
        ["psnr@rgb"],
        ["nearest"],
        ["set5"],
        ["given"],
        {},
        (),
        [GivenSet(**{**vars(found), "dataset": "set5"})],
    )
    assert line.replace("Pairs", "Set5") in paragraph(shown, [2], {"set5": 2}, {})


@pytest.mark.parametrize(
    ("said", "warned"),
    [
        ({"lr_kernel": "matlab-bicubic"}, "lr_kernel says MATLAB bicubic, but LR is by OpenCV area, exact"),
        ({"folder": "sets/LR_bicubic/X2"}, "the name 'LR_bicubic' says otherwise: LR is by OpenCV area,"),
        ({"folder": "LRBI/Set5/x2"}, "the name 'LRBI' says otherwise: LR is by OpenCV area, exact"),
        ({"label": "Set5, Pillow bicubic"}, "says Pillow bicubic, but LR is by OpenCV area, exact"),
        ({"folder": "lr_x4"}, "the folder 'lr_x4' names another scale than its images have"),
        # Nothing is said, or nothing that is wrong.
        ({"folder": "Area51/LR/x2"}, ""),
        ({"folder": "opencv_linear_x2"}, ""),
        ({"folder": "LR_bicubic/X2", "lr_kernel": "given"}, ""),
        ({"folder": "LR_bicubic/X2", "lr_kernel": "opencv-area"}, ""),
    ],
)  # fmt: skip
def test_what_a_set_is_said_to_be(said: dict[str, str], warned: str) -> None:
    """By its entry, its label or its folders; whatever else these are called."""
    # At x2 both are the mean of 2 x 2; the first is the label.
    exact, nothing = ("opencv-area", "opencv-linear"), LrDifference(0, 9, 0, 0)
    identity = Identity(2, 2, 9, exact, exact[0], nothing, exact[0], "", "", None)
    entry = {**SAID, **said}
    found = given_sets._warnings(identity, given_sets._claims(entry, KNOWN), KNOWN)
    found += given_sets._other_scales(entry, 2)
    assert [warned in line for line in found] == ([True] if warned else [])


def test_a_set_that_no_kernel_made_is_not_warned_of_where_it_is_said_to_be_random(given: Given) -> None:
    rng = np.random.default_rng(0)

    def noisy(hr: Pixels, seed: int) -> Pixels:
        lr = kernels.apply("matlab-bicubic", hr, 2) + rng.normal(0, 4, (32, 36, 3))
        return np.clip(np.rint(lr), 0, 255).astype(np.uint8)

    found = given.identify(noisy, images=1, folder="pairs/DN")
    assert found.label.startswith("no registered kernel; nearest MATLAB bicubic; noise sigma about ")
    assert 3.6 < float(found.label.rpartition(" ")[2]) < 4.4
    assert found.warnings == ()
    found = given.identify(noisy, images=1, folder="pairs/LRBI")
    assert found.warnings == (f"pairs x2: the name 'LRBI' says otherwise: LR is by {found.label}",)


def test_a_few_images_of_many_are_looked_at_and_wrong_ones_are_named(
    given: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given_sets, "MOST", 3)

    def one_other(hr: Pixels, seed: int) -> Pixels:
        return kernels.apply("pillow-bicubic" if seed == 2 else "matlab-bicubic", hr, 2)

    found = given.identify(one_other, images=6)
    assert (found.images, found.looked_at) == (6, 3)
    assert found.label == "MATLAB bicubic, exact in 2 of 3"
    (line,) = found.warnings
    assert line.startswith("pairs x2: not all LR images are of one make: s2 is pillow-bicubic (")


def test_labels_of_several_sets() -> None:
    one = GivenSet("a", 2, 9, 9, "MATLAB bicubic, exact", "")
    same, other = (
        GivenSet(name, 2, 9, 9, label, "")
        for name, label in (("b", one.label), ("c", "no registered kernel"))
    )
    labels = {"a": "A", "b": "B", "c": "C"}
    assert shown_label([one, same], labels) == "given (MATLAB bicubic, exact)"
    assert shown_label([one, other], labels) == "given (A: MATLAB bicubic, exact; C: no registered kernel)"
    other = GivenSet("a", 4, 9, 9, "no registered kernel", "")
    assert shown_label([one, other], labels).endswith("; A ×4: no registered kernel)")
    assert shown_label([one, same, other, one], labels) == "given (4 sets, not of one kernel)"


def test_a_damaged_finding_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x2.identity.json").write_text('{"dataset": "a"}')
    with pytest.raises(ManifestError, match=r"x2\.identity\.json: not what identifying an LR set writes"):
        GivenSet.read(tmp_path / "x2.identity.json")
