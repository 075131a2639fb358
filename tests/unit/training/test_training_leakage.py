"""Leakage: what counts as the same image, and what training does about it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from sisr.base import registry
from sisr.base.errors import TrainingError
from sisr.base.images import read_image, write_png
from sisr.models.recipes import Recipe, read_recipe
from sisr.models.trained_weights import metadata_of
from sisr.training import leakage
from sisr.training.patches import TrainingImage
from sisr.training.train import Inputs, train
from skimage import data

MIRROR = "raw.githubusercontent.com"
BSDS200 = f"{MIRROR}/jiny2001/dcscn-super-resolution/d382bc30d41c94ac72f8cb148d61cc4864b3b380/data/bsd200"


def source(pixels: np.ndarray, name: str = "x/a.png") -> TrainingImage:
    return TrainingImage(name, "0" * 64, pixels)


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)


@pytest.mark.parametrize(
    "change",
    [
        lambda p: jpeg(p, 30),
        lambda p: cv2.resize(p, (200, 170), interpolation=cv2.INTER_AREA),
        lambda p: cv2.cvtColor(p, cv2.COLOR_RGB2GRAY),
        lambda p: np.ascontiguousarray(p[:, ::-1]),
        lambda p: np.ascontiguousarray(np.rot90(p)),
        lambda p: np.ascontiguousarray(p[4:-4, 4:-4]),
        lambda p: (0.8 * p + 20).astype(np.uint8),
    ],
    ids=["jpeg", "smaller", "gray", "mirrored", "turned", "border", "brightness"],
)
def test_near_duplicates_are_found(change: Callable[[np.ndarray], np.ndarray]) -> None:
    images = {"astronaut": data.astronaut(), "coffee": data.coffee(), "cat": data.chelsea()}
    known = [leakage.fingerprint("mine", name, pixels) for name, pixels in images.items()]
    for name, pixels in images.items():
        hits = leakage.find([source(change(pixels))], known)
        assert [hit.image for hit in hits] == [name]
        assert hits[0].bits is not None


def test_equal_pixels_are_exact_and_other_images_no_hit() -> None:
    known = [leakage.fingerprint("mine", "cat", data.chelsea())]
    (hit,) = leakage.find([source(data.chelsea())], known)
    assert str(hit) == "x/a.png is mine/cat (the same pixels)"
    assert leakage.find([source(data.coffee()), source(data.astronaut())], known) == []


def test_registered_test_sets_are_complete() -> None:
    counts: dict[str, int] = {}
    for one in leakage.read_fingerprints():
        counts[one.dataset] = counts.get(one.dataset, 0) + 1
    expected = {
        name: entry["expected"]["images"]
        for name, entry in registry.load("datasets").items()
        if "asset" in entry
    }
    assert counts == expected


@pytest.mark.mirror
def test_set5_s_woman_is_bsds200_s_302003(mirror: Path) -> None:
    """Martin et al. published her in 2001; Bevilacqua et al. took a smaller crop of her for Set5 in 2012."""
    train_image = source(read_image(mirror / BSDS200 / "302003.png").array, "bsds200/302003.png")
    known = leakage.read_fingerprints()
    (hit,) = leakage.find([train_image], known)
    assert (hit.dataset, hit.image) == ("set5", "woman")
    other = source(read_image(mirror / BSDS200 / "100075.png").array)
    assert leakage.find([other], known) == []
    # Nobody who trains on BSDS200 and tests on Set5 is told by file names or checksums.
    assert hit.bits is not None
    for name in ("fsrcnn-291", "espcn-291"):
        assert "bsds200/302003.png" in read_recipe(name).exclude


@pytest.mark.mirror
def test_fingerprints_are_those_of_the_images(mirror: Path) -> None:
    folder = mirror / MIRROR / "zhaohengyuan1/PAN/4d045d18592c5771cd3990da88f292812774e538/datasets/Set5/HR"
    written = [one for one in leakage.read_fingerprints() if one.dataset == "set5"]
    assert written == [
        leakage.fingerprint("set5", one.image, read_image(folder / f"{one.image}.png").array)
        for one in written
    ]


def test_a_hit_stops_training_or_is_recorded(
    recipe: Callable[..., Recipe], inputs: Inputs, tmp_path: Path, config_copy: Path
) -> None:
    """A test set of the user's own that holds a training image, scaled."""
    image = data.coffee()[:256, :256]
    write_png(inputs.assets["x"]["a.png"], image)
    write_png(tmp_path / "test/cup.png", cv2.resize(image, (200, 200), interpolation=cv2.INTER_AREA))
    with (config_copy / "datasets.yaml").open("a") as stream:
        stream.write(f"\nmine: {{label: Mine, path: {tmp_path / 'test'}, citation: none, licence: none}}\n")
    here = Inputs(inputs.assets, config=config_copy)
    out = tmp_path / "w.safetensors"
    message = r"tiny: training image x/a\.png is mine/cup \(a near duplicate, \d+ of 256 bits differ\)"
    with pytest.raises(TrainingError, match=message):
        train(recipe(), 2, here, out, progress=False)
    assert not out.exists()
    train(recipe(leakage="record"), 2, here, out, progress=False)
    (found,) = metadata_of(out)["leakage"]
    assert (found["trained"], found["dataset"], found["image"]) == ("x/a.png", "mine", "cup")


def test_the_table_is_sorted_and_has_no_path() -> None:
    path = registry.CONFIG / leakage.FINGERPRINTS
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert all(len(row["pixels"]) == 64 and len(row["hash"]) == 64 for row in rows)
    assert len({(row["dataset"], row["image"]) for row in rows}) == len(rows)
