"""LR consistency, through a cell: against skimage, and where SR agrees with LR wholly."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
from sisr.base.cells import Cell
from sisr.base.errors import ConfigError, ScoreError
from sisr.base.images import read_image, write_png
from sisr.base.manifest import HrManifest, LrManifest
from sisr.lr import kernels
from sisr.lr.degrade import make_lr
from sisr.scoring.score import Evaluation, LrSet, Pair, score_cell, score_pairs
from skimage.metrics import peak_signal_noise_ratio

MEASURE = "lr-psnr@lr-rgb"
NAMES = ("color", "gray")
SEED = 7


@pytest.fixture
def hr(tmp_path: Path) -> Path:
    manifest = tmp_path / "hr" / "set.json"
    rng = np.random.default_rng(0)
    images = []
    for name, shape in zip(NAMES, ((41, 50, 3), (44, 48)), strict=True):
        write_png(manifest.parent / "set" / f"{name}.png", rng.integers(0, 256, shape, dtype=np.uint8))
        size = {"height": shape[0], "width": shape[1], "channels": 1 if len(shape) == 2 else 3}
        images.append(HrManifest.kind(name=name, file=f"set/{name}.png", **size))
    HrManifest(path=manifest, images=images, dataset="set").write()
    return manifest


def scores(hr: Path, kernel: str, scale: int, model: str) -> dict[str, float]:
    """LR-PSNR of a cell whose model is called what it makes of LR and HR."""
    folder = hr.parents[1]
    lr = make_lr(hr, kernel, scale, out_dir=folder / "lr" / "x", manifest=folder / "lr" / "x.json", seed=SEED)
    images = []
    for name in NAMES:
        whole, low = read_image(folder / "hr" / "set" / f"{name}.png").array, read_image(lr.files[name]).array
        cropped = whole[: whole.shape[0] // scale * scale, : whole.shape[1] // scale * scale]
        sr = {"hr": cropped, "nearest": low.repeat(scale, 0).repeat(scale, 1), "dark": cropped // 2}[model]
        write_png(folder / "sr" / "0of1" / f"{name}.png", sr)
        images.append({"name": name, "file": f"0of1/{name}.png", "seconds": 1.0})
    status = folder / "sr" / "0of1.json"
    status.write_text(json.dumps({"status": "ok", "reason": "", "images": images}))
    out = folder / "out.csv"
    cell = Cell("set", kernel, scale, model)
    score_cell(cell, hr, status, Evaluation([MEASURE]), out, lr=LrSet(lr.path, SEED))
    with out.open(newline="") as stream:
        return {row["image"]: float(row["value"]) for row in csv.DictReader(stream)}


@pytest.mark.parametrize("scale", [2, 3])
def test_against_scikit_image(hr: Path, scale: int) -> None:
    found = scores(hr, "matlab-bicubic", scale, "dark")
    for name in NAMES:
        sr = read_image(hr.parents[1] / "sr" / "0of1" / f"{name}.png").array
        low = read_image(LrManifest.read(hr.parents[1] / "lr" / "x.json").files[name]).array
        again = kernels.apply("matlab-bicubic", sr, scale)
        assert found[name] == pytest.approx(peak_signal_noise_ratio(low, again), abs=1e-6)


def test_what_gives_lr_again_is_identical(hr: Path) -> None:
    assert set(scores(hr, "subsample", 2, "nearest").values()) == {math.inf}
    assert set(scores(hr, "matlab-bicubic", 2, "hr").values()) == {math.inf}
    assert max(scores(hr, "matlab-bicubic", 2, "nearest").values()) < 60


def test_a_random_kernel_draws_what_it_drew(hr: Path) -> None:
    assert set(scores(hr, "bsrgan", 2, "hr").values()) == {math.inf}


def test_two_folders_have_no_lr_images(hr: Path, tmp_path: Path) -> None:
    pair = Pair("color", hr.parent / "set" / "color.png", hr.parent / "set" / "color.png")
    with pytest.raises(ConfigError, match=r"'lr-psnr@lr-rgb' asks for LR images and their kernel"):
        score_pairs([pair], 2, Evaluation([MEASURE]))
    with pytest.raises(ScoreError, match=r"color: no LR image, which lr-psnr@lr-rgb asks for"):
        list(score_pairs([pair], 2, Evaluation([MEASURE], kernel="subsample"), or_full=True))
