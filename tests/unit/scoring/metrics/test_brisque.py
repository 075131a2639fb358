"""BRISQUE, beside piq's, which is given the same machine."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from sisr.base.colour import Uint8Image
from sisr.base.errors import ModelError, ScoreError
from sisr.data import assets
from sisr.models import compat
from sisr.scoring.metrics.brisque import Brisque
from sisr.scoring.metrics.code import Setting, scorer_of
from sisr.scoring.metrics.protocol import parse_measure

MEASURE = parse_measure("brisque@yiq-uint8-nocrop")


@pytest.fixture(scope="module")
def files(resources: Path) -> dict[str, Path]:
    fetched = assets.fetch("brisque-machine", resources, progress=False)
    return {"machine": fetched.path("allmodel"), "ranges": fetched.path("brisque.py")}


@pytest.fixture(scope="module")
def gray() -> Uint8Image:
    return np.ascontiguousarray(pytest.importorskip("skimage.data").camera()[100:228, 150:290])


@pytest.mark.parametrize("size", [(128, 140), (96, 64)])
def test_equals_piq(
    files: dict[str, Path], gray: Uint8Image, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    torch = pytest.importorskip("torch")
    compat.prepare_torchvision()
    piq = pytest.importorskip("piq")
    module = sys.modules["piq.brisque"]
    scorer = Brisque(Setting("yiq-uint8-nocrop", 2, files))
    # The weights that piq would download are these, in tensors of its own.
    machine = (torch.from_numpy(scorer._weights), torch.from_numpy(scorer._vectors.copy()))
    monkeypatch.setattr(module, "load_url", lambda *_, **__: machine)
    image = gray[: size[0], : size[1]]
    expected = float(piq.brisque(torch.from_numpy(image[None, None] / 255), data_range=1.0))
    assert scorer(image, image) == pytest.approx(expected, abs=1e-6)


def test_the_machine_is_that_of_the_release(files: dict[str, Path]) -> None:
    """Its size, width and offset, as piq has them; other packages carry another one."""
    scorer = Brisque(Setting("yiq-uint8-nocrop", 2, files))
    assert scorer._vectors.shape == (774, 36)
    assert (scorer._gamma, scorer._rho) == (0.05, -153.591)


def test_worse_for_noise_and_deaf_to_hr(files: dict[str, Path], gray: Uint8Image) -> None:
    paths = {"brisque-machine/allmodel": files["machine"], "brisque-machine/brisque.py": files["ranges"]}
    scorer = scorer_of(MEASURE, paths, 2)
    noise = np.random.default_rng(0).normal(0, 25, gray.shape)
    noisy = np.clip(gray + noise, 0, 255).astype(np.uint8)
    assert scorer(gray, noisy) > scorer(gray, gray) + 20
    assert scorer(noisy, gray) == scorer(gray, gray)


def test_rounding_in_flat_areas_decides_nothing(files: dict[str, Path], gray: Uint8Image) -> None:
    """What two machines may differ by is no structure."""
    scorer = Brisque(Setting("yiq-uint8-nocrop", 2, files))
    plane = gray.astype(np.float64)
    plane[20:80, 30:110] = 201
    rounding = np.random.default_rng(0).normal(0, 1e-12, plane.shape)
    assert scorer.of_plane(plane + rounding) == pytest.approx(scorer.of_plane(plane), abs=1e-6)


def test_images_that_say_nothing(files: dict[str, Path]) -> None:
    scorer = Brisque(Setting("yiq-uint8-nocrop", 2, files))
    black = np.zeros((64, 64), np.uint8)
    with pytest.raises(ScoreError, match="BRISQUE: the image has no structure"):
        scorer(black, black)
    with pytest.raises(ScoreError, match="image of 20x13 is too small: BRISQUE needs 14x14"):
        scorer(black[:13, :20], black[:13, :20])


def test_files_that_are_something_else(files: dict[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "other"
    for text in (
        "",
        "svm_type c_svc\nkernel_type rbf\nSV\n",
        "import os\n_scaler = np.array([[1, os.sep]])\n",
    ):
        other.write_text(text)
        with pytest.raises(ModelError, match="not a machine of BRISQUE"):
            Brisque(Setting("yiq-uint8-nocrop", 2, files | {"machine": other}))
        with pytest.raises(ModelError, match="expected ranges of 36 features"):
            Brisque(Setting("yiq-uint8-nocrop", 2, files | {"ranges": other}))
