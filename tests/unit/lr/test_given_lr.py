"""A dataset of pairs from its files to the scores, and pairs that do not fit."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from sisr.analysis.audit import audit_kernels
from sisr.base.cells import Cell
from sisr.base.errors import ImageError
from sisr.base.images import read_image, write_png
from sisr.base.manifest import LrManifest
from sisr.data.datasets import prepare_files
from sisr.lr.given_lr import take_pairs
from sisr.report.shown_run import names
from sisr.scoring.score import Evaluation, score_cell
from sisr.upscaling.upscale import ScaledModel, upscale_cell


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """RealSR's names: HR and LR of several scales in one folder."""
    rng = np.random.default_rng(3)
    for number in (1, 2):
        hr = rng.integers(0, 256, (24, 8 * 4 * number, 3), np.uint8)
        write_png(tmp_path / f"set/Canon_00{number}_HR.png", hr)
        for scale in (2, 4):
            lr = 255 - hr[::scale, ::scale]  # which no kernel makes
            write_png(tmp_path / f"set/Canon_00{number}_LR{scale}.png", lr)
    files = {path.name: path for path in (tmp_path / "set").glob("*_HR.png")}
    prepare_files("pairs", files, tmp_path / "hr/pairs", tmp_path / "hr/pairs.json")
    return tmp_path


def take(folder: Path, scale: int = 4) -> LrManifest:
    hr = folder / "hr/pairs.json"
    return take_pairs(hr, folder / "set", scale, folder / f"lr/x{scale}", folder / f"lr/x{scale}.json")


def test_pairs_are_scored_on_the_given_lr(folder: Path) -> None:
    found = take(folder)
    assert LrManifest.read(folder / "lr/x4.json") == found
    assert (found.kernel, found.scale) == ("given", 4)
    for image, number in zip(found.images, (1, 2), strict=True):
        original = read_image(folder / f"set/Canon_00{number}_LR4.png").array
        assert np.array_equal(read_image(folder / "lr" / image.file).array, original)
        assert (image.hr_height, image.hr_width) == (24, 32 * number)
    model = ScaledModel.of_run("nearest", 4, None)
    upscale_cell(model, folder / "lr/x4.json", folder / "sr", folder / "sr.json")
    cell = Cell("pairs", "given", 4, "nearest")
    score_cell(cell, folder / "hr/pairs.json", folder / "sr.json", Evaluation(["psnr@rgb"]), folder / "s.csv")
    rows = list(csv.DictReader((folder / "s.csv").open()))
    assert [row["image"] for row in rows] == ["Canon_001_HR", "Canon_002_HR"]
    hr = read_image(folder / "set/Canon_001_HR.png").array.astype(float)
    sr = (255 - hr[::4, ::4]).repeat(4, 0).repeat(4, 1)
    # The protocol cuts a border of the scale.
    expected = 10 * math.log10(255**2 / ((hr - sr)[4:-4, 4:-4] ** 2).mean())
    assert float(rows[0]["value"]) == pytest.approx(expected, abs=1e-5)


def test_nothing_is_documented_of_given_lr() -> None:
    shown = names(["psnr@rgb"], ["nearest"], ["set5"], ["matlab-bicubic", "given"], {})
    assert list(shown.kernels.values()) == ["MATLAB bicubic", "no kernel (as given)"]
    shifts = [{"kernel": "given", "scale": "4", "dataset": "pairs", "model": "", "down": "1", "right": "2"}]
    (row,) = audit_kernels([("given", 4, "pairs")], shifts)
    assert (row.label, row.images[:2]) == ("no kernel (as given)", (1, 2))
    assert row.ramp_agrees and row.images_agree


def test_an_lr_image_of_another_size_is_named(folder: Path) -> None:
    write_png(folder / "set/Canon_002_LR4.png", np.zeros((6, 15, 3), np.uint8))
    with pytest.raises(
        ImageError,
        match=r"^dataset 'pairs': .*Canon_002_LR4\.png: expected 16x6 pixels, 1/4 of Canon_002_HR\.png "
        r"\(64x24\), found 15x6$",
    ):
        take(folder)
    assert take(folder, 2).scale == 2


@pytest.mark.parametrize(
    ("lost", "copied", "message"),
    [
        ("Canon_001_LR4.png", None, "expected 8x6 pixels, 1/4 of Canon_001_HR.png"),
        (None, "Canon_001_LRx4.png", "2 LR images in .*: Canon_001_LR4.png, Canon_001_LRx4.png"),
        (None, "Nikon_001_LR4.png", r"Nikon_001_LR4.png: no HR image of that name"),
    ],
)
def test_pairs_that_do_not_match(folder: Path, lost: str | None, copied: str | None, message: str) -> None:
    if lost:
        (folder / "set" / lost).unlink()
    if copied:
        (folder / "set" / copied).write_bytes((folder / "set/Canon_001_LR4.png").read_bytes())
    with pytest.raises(ImageError, match=message):
        take(folder)
