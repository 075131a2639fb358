"""LR sets and folders."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sisr.base.errors import ConfigError, ImageError
from sisr.base.images import pixel_digest, read_image
from sisr.base.manifest import LrManifest
from sisr.data.datasets import prepare_files
from sisr.lr import kernels
from sisr.lr.degrade import degrade, degrade_folder, make_lr

RNG = np.random.default_rng(13)
COLOUR = RNG.integers(0, 256, (21, 26, 3), dtype=np.uint8)
GRAY = RNG.integers(0, 256, (16, 12), dtype=np.uint8)


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    Image.fromarray(COLOUR).save(folder / "a colour.png")
    Image.fromarray(GRAY).save(folder / "gray.png")
    return folder


@pytest.fixture
def hr(tmp_path: Path, sources: Path) -> Path:
    files = {path.name: path for path in sources.iterdir()}
    manifest = tmp_path / "run" / "hr" / "mine.json"
    prepare_files("mine", files, manifest.with_suffix(""), manifest)
    return manifest


def lr_set(
    hr: Path, kernel: str = "matlab-bicubic", scale: int = 4, where: str = "lr"
) -> tuple[Path, LrManifest]:
    manifest = hr.parents[1] / where / "mine" / kernel / f"x{scale}.json"
    return manifest, make_lr(hr, kernel, scale, out_dir=manifest.with_suffix(""), manifest=manifest)


def test_manifest_of_an_lr_set(hr: Path) -> None:
    manifest, content = lr_set(hr)
    assert LrManifest.read(manifest) == content
    assert (content.dataset, content.kernel, content.scale) == ("mine", "matlab-bicubic", 4)
    assert content.function == "matlab-imresize"
    assert content.params == {"kernel": "cubic"}
    assert (content.border, content.phase) == ("mirror", (0, 0))
    colour, gray = content.images
    assert (colour.name, gray.name) == ("a_colour", "gray")
    assert colour.crop == {"bottom": 1, "right": 2}
    assert (colour.hr_height, colour.hr_width) == (20, 24)
    assert (colour.height, colour.width, colour.channels) == (5, 6, 3)
    assert gray.crop == {"bottom": 0, "right": 0}
    assert (gray.height, gray.width, gray.channels) == (4, 3, 1)
    for image in content.images:
        assert image.file == f"x4/{image.name}.png"
        assert image.sha256 == pixel_digest(read_image(manifest.parent / image.file).array)


def test_crop_comes_before_the_kernel(hr: Path) -> None:
    manifest, content = lr_set(hr)
    lr = read_image(manifest.parent / content.images[0].file).array
    assert np.array_equal(lr, kernels.apply("matlab-bicubic", COLOUR[:20, :24], 4))


def test_same_hr_gives_same_bytes(hr: Path) -> None:
    (one, _), (two, _) = lr_set(hr), lr_set(hr, where="again")
    assert one.read_bytes() == two.read_bytes()
    for name in ("a_colour.png", "gray.png"):
        assert (one.with_suffix("") / name).read_bytes() == (two.with_suffix("") / name).read_bytes()


def test_image_smaller_than_the_scale_is_named(hr: Path) -> None:
    with pytest.raises(ImageError, match="mine/gray: expected at least 16x16 pixels for x8, found 12x16"):
        lr_set(hr, scale=8)
    assert not (hr.parents[1] / "lr" / "mine" / "matlab-bicubic" / "x8.json").exists()


def test_unknown_kernel_and_bad_scale(hr: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'matlab-bicubic'"):
        lr_set(hr, "matlab-bicubc")
    with pytest.raises(ConfigError, match="scale: expected 1 or more, found 0"):
        degrade(COLOUR, "matlab-bicubic", 0)


def test_folder_keeps_names(tmp_path: Path, sources: Path) -> None:
    Image.fromarray(GRAY).save(sources / "photo.x1.tif")
    written = degrade_folder(sources, tmp_path / "lr", "opencv-area", 2)
    assert [path.name for path in written] == ["a colour.png", "gray.png", "photo.x1.png"]
    assert np.array_equal(read_image(written[0]).array, kernels.apply("opencv-area", COLOUR[:20], 2))


def test_folder_errors_come_before_any_file(tmp_path: Path, sources: Path) -> None:
    before = {path: path.read_bytes() for path in sources.iterdir()}
    with pytest.raises(ImageError, match="expected another folder"):
        degrade_folder(sources, sources, "matlab-bicubic", 2)
    with pytest.raises(ConfigError, match="unknown kernel"):
        degrade_folder(sources, tmp_path / "lr", "cubic", 2)
    (sources / "gray.jpg").touch()
    with pytest.raises(ImageError, match=r"'gray\.jpg' and 'gray\.png'"):
        degrade_folder(sources, tmp_path / "lr", "matlab-bicubic", 2)
    with pytest.raises(ImageError, match="expected a folder of images"):
        degrade_folder(tmp_path / "none", tmp_path / "lr", "matlab-bicubic", 2)
    assert not (tmp_path / "lr").exists()
    (sources / "gray.jpg").unlink()
    assert {path: path.read_bytes() for path in sources.iterdir()} == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_folder_that_cannot_be_written(tmp_path: Path, sources: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(ImageError, match="cannot write the image: Permission denied"):
        degrade_folder(sources, locked, "matlab-bicubic", 2)
