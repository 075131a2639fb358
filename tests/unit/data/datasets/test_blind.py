"""Images without HR: their LR set, their measures, and crops without an HR tile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sisr.analysis import summaries
from sisr.base.errors import ImageError
from sisr.base.images import read_image, write_png
from sisr.data import user_images
from sisr.data.datasets import prepare_files
from sisr.lr import given_lr
from sisr.report import given_tables
from sisr.report.figures import crop_choice, crops


def test_measures_without_reference() -> None:
    """NIQE alone: PI, which is registered too, cannot be computed."""
    assert user_images.measures_of(["psnr@rgb", "lpips@alex-v0.1"]) == ["niqe@y-bt601-uint8"]
    assert user_images.measures_of(["psnr@rgb", "niqe@y-bt601-uint8"]) == ["niqe@y-bt601-uint8"]


def test_lr_set_is_the_images_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    write_png(tmp_path / "a.png", pixels)
    prepare_files("user-images", {"a.png": tmp_path / "a.png"}, tmp_path / "hr", tmp_path / "hr.json")
    found = given_lr.take_lr(tmp_path / "hr.json", 4, tmp_path / "lr", tmp_path / "lr.json")
    (image,) = found.images
    assert (image.name, image.height, image.width, image.channels) == ("a", 5, 7, 3)
    assert np.array_equal(read_image(tmp_path / image.file).array, pixels)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5 * 7 * 8 - 1)
    with pytest.raises(ImageError, match=r"^user-images/a: x4 of 7x5 pixels has .* restrict the scales$"):
        given_lr.take_lr(tmp_path / "hr.json", 4, tmp_path / "lr", tmp_path / "lr.json")


def test_only_images_with_every_score_are_averaged(tmp_path: Path) -> None:
    table = tmp_path / "scores.csv"
    lines = ["dataset,image,kernel,scale,model,metric,protocol,value"]
    for image, model in (("a", "x"), ("b", "x"), ("a", "y")):
        lines.append(f"user-images,{image},given,2,{model},niqe,y-bt601-uint8,5.0000")
    table.write_text("\n".join(lines) + "\n")
    assert set(given_tables.complete(summaries.read_scores(table))["image"]) == {"a"}


def test_crops_without_hr(tmp_path: Path) -> None:
    lr, sr = tmp_path / "lr.png", {name: tmp_path / f"{name}.png" for name in ("x", "y")}
    pixels = np.random.default_rng(0).integers(0, 256, (40, 60), np.uint8)
    write_png(lr, pixels)
    big = pixels.repeat(2, 0).repeat(2, 1)
    write_png(sr["x"], big)
    big[20:32, 40:56] = 255 - big[20:32, 40:56]
    write_png(sr["y"], big)
    region = crop_choice.pick_region(None, sr, 2, (16, 12), lr=lr)
    assert region == (40, 20, 16, 12)
    text = crops.SheetText("t", {}, {}, ())
    with_hr = crops.crop_sheet(crops.ImageFiles(sr["x"], lr, sr, 2), region, text, tmp_path / "with.png")
    without = crops.crop_sheet(crops.ImageFiles(None, lr, sr, 2), region, text, tmp_path / "without.png")
    with Image.open(with_hr) as one, Image.open(without) as other:
        assert other.width < one.width
