from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sisr.base.errors import ConfigError, ImageError
from sisr.report.figures import crop_choice, crops
from sisr.scoring.gather import SCORE_COLUMNS
from sisr.scoring.metrics.protocol import Measure

PSNR = Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, "", True)
LPIPS = Measure("lpips", "alex-v0.1", "LPIPS", "", "lower", 4, 6, "", False)
SCALE = 4


@dataclass
class Case:
    hr: Path
    lr: Path
    srs: dict[str, Path]
    out: Path

    def draw(self, region: tuple[int, ...] = (40, 20, 48, 36), **changes: Any) -> Image.Image:
        values = {name: {PSNR.id: 30.0 + i, LPIPS.id: 0.2 + i} for i, name in enumerate(self.srs)}
        labels = {name: name.title() for name in self.srs}
        text = crops.SheetText("baby (Set5), ×4", labels, values, [PSNR, LPIPS])
        image = crops.ImageFiles(self.hr, self.lr, self.srs, SCALE)
        crops.crop_sheet(image, region, replace(text, **changes), self.out)
        return Image.open(self.out)


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Case]:
    """A seeded HR image whose right half is flat, its LR, and ``models`` SR images of it."""

    def build(models: int = 4, size: tuple[int, int] = (203, 162), gray: bool = False) -> Case:
        rng = np.random.default_rng(5)
        width, height = size
        hr = cv2.resize(rng.integers(0, 256, (height // 6, width // 6, 3), dtype=np.uint8), size)
        hr[:, width // 2 :] = 120
        hr = hr[..., 0] if gray else hr
        w, h = width - width % SCALE, height - height % SCALE
        lr = cv2.resize(hr[:h, :w], (w // SCALE, h // SCALE), interpolation=cv2.INTER_AREA)
        up = cv2.resize(lr, (w, h), interpolation=cv2.INTER_CUBIC).astype(float)
        case = Case(tmp_path / "hr.png", tmp_path / "lr.png", {}, tmp_path / "sheet.png")
        Image.fromarray(hr).save(case.hr)
        Image.fromarray(lr).save(case.lr)
        for i in range(models):
            sr = up + (hr[:h, :w] - up) * i / models
            case.srs[f"model {i}"] = tmp_path / f"sr{i}.png"
            Image.fromarray(sr.round().astype(np.uint8)).save(case.srs[f"model {i}"])
        return case

    return build


def contains(sheet: Image.Image, tile: np.ndarray) -> bool:
    """Whether ``tile`` (h, w, 3) is somewhere in the sheet, pixel by pixel."""
    image = np.asarray(sheet.convert("RGB"))
    found = cv2.matchTemplate(image, tile, cv2.TM_SQDIFF)
    y, x = np.unravel_index(int(found.argmin()), found.shape)
    return bool((image[y : y + tile.shape[0], x : x + tile.shape[1]] == tile).all())


@pytest.mark.parametrize("gray", [False, True])
def test_tiles_are_repeated_pixels_of_the_images(make: Callable[..., Case], gray: bool) -> None:
    case = make(models=4, gray=gray)
    sheet = case.draw((40, 20, 48, 36))
    enlarge = 6  # 300 // 48: all six tiles fit at the largest enlargement
    for path in (case.hr, *case.srs.values()):
        array = np.asarray(Image.open(path).convert("RGB"))[20:56, 40:88]
        tile = array.repeat(enlarge, axis=0).repeat(enlarge, axis=1)
        # The frame of the HR tile lies around it, not on it.
        assert contains(sheet, tile), path.name
    lr = np.asarray(Image.open(case.lr).convert("RGB"))[5:14, 10:22]
    assert contains(sheet, lr.repeat(SCALE * enlarge, axis=0).repeat(SCALE * enlarge, axis=1))


def test_lr_tile_of_a_region_off_the_lr_grid_shows_the_same_field() -> None:
    lr = np.arange(48, dtype=np.uint8).reshape(6, 8)
    whole = lr.repeat(4, axis=0).repeat(4, axis=1)
    box = crop_choice.Region(5, 3, 10, 7)
    assert (crops._cut_lr(lr, box, 4) == whole[3:10, 5:15]).all()


@pytest.mark.parametrize(
    ("models", "size"),
    [
        *((n, (203, 162)) for n in (0, 1, 2, 8, 14, 20)),
        *((n, (320, 900)) for n in (2, 20)),
        (14, (1024, 768)),
    ],
)
def test_sheet_fits_the_report(make: Callable[..., Case], models: int, size: tuple[int, int]) -> None:
    case = make(models, size)
    labels = {name: f"A model with quite a long name {name}" for name in case.srs}
    sheet = case.draw((8, 8, 96, 72), labels=labels, missing={"EDSR": "unavailable: " + "no source " * 40})
    assert sheet.width <= crops.MAX_WIDTH
    assert sheet.height <= crops.MAX_HEIGHT


def test_same_bytes_each_time_and_jpeg_keeps_full_colour_resolution(make: Callable[..., Case]) -> None:
    case = make()
    for suffix in (".png", ".jpg"):
        case.out = case.out.with_suffix(suffix)
        case.draw()
        first = case.out.read_bytes()
        case.draw()
        assert case.out.read_bytes() == first
    from PIL import JpegImagePlugin

    assert JpegImagePlugin.get_sampling(Image.open(case.out)) == 0  # 4:4:4


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ((190, 0, 20, 10), "is not inside the image of 200x160"),  # inside 203x162, outside the cropped HR
        ((-1, 0, 20, 10), "is not inside"),
        ((0, 0, 0, 10), "is not inside"),
        ((0, 0, 20), "is not [x, y, width, height]"),
    ],
)
def test_wrong_region_is_named(make: Callable[..., Case], region: tuple[int, ...], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make().draw(region)
    assert message in str(caught.value) and "hr.png" in str(caught.value)


def test_too_large_a_region_is_an_error_not_an_unreadable_sheet(make: Callable[..., Case]) -> None:
    with pytest.raises(ConfigError, match="600x600 px is too large for a sheet of 4 tiles"):
        make(2, (1024, 768)).draw((0, 0, 600, 600))


def test_wrong_size_of_an_image_is_named(make: Callable[..., Case]) -> None:
    case = make()
    Image.new("RGB", (203, 162)).save(case.srs["model 2"])
    with pytest.raises(ImageError, match=r"sr2.png: size 203x162, expected 200x160"):
        case.draw()
    case = make()
    Image.new("RGB", (50, 41)).save(case.lr)
    with pytest.raises(ImageError, match=r"lr.png: size 50x41, expected 50x40"):
        case.draw()


def test_failed_drawing_leaves_no_file(make: Callable[..., Case]) -> None:
    case = make()
    case.out = case.out.with_suffix(".webp")
    with pytest.raises(ConfigError, match="webp"):
        case.draw()
    assert not list(case.out.parent.glob("*sheet*"))


def test_best_is_by_printed_digits_and_direction() -> None:
    values = {
        "a": {PSNR.id: 30.001, LPIPS.id: 0.3},
        "b": {PSNR.id: 30.004, LPIPS.id: 0.1},
        "c": {PSNR.id: float("nan")},
    }
    srs = dict.fromkeys(values, Path())
    assert crops._best(values, srs, [PSNR, LPIPS]) == {PSNR.id: "30.00", LPIPS.id: "0.1000"}
    values["c"][PSNR.id] = float("inf")
    assert crops._best(values, srs, [PSNR])[PSNR.id] == "inf"
    assert crops._best(values, {"a": Path()}, [PSNR]) == {}


def test_wrap_breaks_at_spaces_and_inside_long_words() -> None:
    font = crops._font(17)
    lines = crops._wrap("OpenCV FSRCNN small with_an_unbreakable_identifier_of_great_length", font, 150)
    assert lines[0] == "OpenCV FSRCNN"
    assert all(font.getlength(line) <= 150 for line in lines)
    assert "".join(lines).endswith("length")


# --- choosing -------------------------------------------------------------------------------------------


def test_region_is_where_the_models_differ(make: Callable[..., Case], tmp_path: Path) -> None:
    case = make(models=3)
    array = np.asarray(Image.open(case.srs["model 1"])).copy()
    array[60:80, 24:48] ^= 0x7F
    Image.fromarray(array).save(case.srs["model 1"])
    region = crop_choice.pick_region(case.hr, case.srs, SCALE, (24, 20))
    assert region == (24, 60, 24, 20)


def test_flat_windows_are_passed_over(make: Callable[..., Case]) -> None:
    case = make(models=2)
    array = np.asarray(Image.open(case.srs["model 1"])).copy()
    array[40:80, 140:190] = 0  # the models differ most where the HR is flat
    Image.fromarray(array).save(case.srs["model 1"])
    region = crop_choice.pick_region(case.hr, case.srs, SCALE)
    hr = np.asarray(Image.open(case.hr))
    assert hr[region.y : region.y + region.h, region.x : region.x + region.w].std() > 4


@pytest.mark.parametrize("models", [0, 1, 5])
def test_default_region_lies_in_the_cropped_image(make: Callable[..., Case], models: int) -> None:
    for size in ((203, 162), (50, 40), (1024, 300)):
        case = make(models, size)
        region = crop_choice.pick_region(case.hr, case.srs, SCALE)
        assert region == crop_choice.pick_region(case.hr, case.srs, SCALE)
        assert region.x % SCALE == region.y % SCALE == 0
        assert 0 < region.x + region.w <= size[0] - size[0] % SCALE
        assert 0 < region.y + region.h <= size[1] - size[1] % SCALE
        json.dumps(region)  # plain ints


def test_picked_images_are_those_with_the_largest_spread() -> None:
    psnr = {"calm": [30, 30.1, 30.2], "wild": [20, 30, 40], "some": [28, 30, 32]}
    rows = [
        ("d", image, "k", 4, f"m{i}", "psnr", "y-bt601", float(value))
        for image, values in psnr.items()
        for i, value in enumerate(values)
    ]
    # A model that scored one image only, and an infinite value, do not take part.
    rows += [
        ("d", "calm", "k", 4, "partial", "psnr", "y-bt601", 5.0),
        ("d", "calm", "k", 4, "perfect", "psnr", "y-bt601", float("inf")),
    ]
    scores = pd.DataFrame(rows, columns=list(SCORE_COLUMNS))
    assert crop_choice.pick_images(scores, [PSNR, LPIPS], "k", 4) == {"d": ["wild", "some"]}
    assert crop_choice.pick_images(scores, [PSNR], "k", 4, per_dataset=9) == {"d": ["wild", "some", "calm"]}
    assert crop_choice.pick_images(scores, [PSNR], "other", 4) == {}
    shuffled = scores.sample(frac=1, random_state=1)
    assert crop_choice.pick_images(shuffled, [PSNR], "k", 4) == {"d": ["wild", "some"]}
