"""Who made these LR images: kernels by name, exactly, and what departs from them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from sisr.base import registry
from sisr.base.errors import ConfigError
from sisr.base.images import modcrop, read_image, write_png
from sisr.cli import app
from sisr.inquiry import lone
from sisr.inquiry.whois import identify
from sisr.lr import kernels
from sisr.lr.degrade import degrade_folder
from sisr.lr.kernels.filtering import blur_bicubic, gaussian
from sisr.lr.kernels.gaussian import anisotropic
from sisr.lr.kernels.jpeg import compressed
from sisr.lr.kernels.noise import add_white
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[3]
PAN = "raw.githubusercontent.com/zhaohengyuan1/PAN/4d045d18592c5771cd3990da88f292812774e538/datasets"
#: Kernels that need no large library; the release test has all.
FEW = (
    *("matlab-bicubic", "matlab-bicubic-replicate", "pillow-nearest", "pillow-bicubic"),
    *("opencv-linear", "opencv-cubic", "opencv-area", "bd", "gaussian8-4", "jpeg70"),
)
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration with few kernels."""
    config = tmp_path_factory.mktemp("few") / "config"
    shutil.copytree(ROOT / "config", config)
    entries = registry.load("kernels")
    text = yaml.safe_dump({name: dict(entries[name]) for name in FEW}, sort_keys=False)
    (config / "kernels.yaml").write_text(text, encoding="utf-8")
    return config


def scene(seed: int, height: int = 98, width: int = 110) -> Pixels:
    """Edges, slopes and texture, in colour."""
    rng = np.random.default_rng(seed)
    down, right = np.mgrid[:height, :width]
    image = np.empty((height, width, 3))
    for channel in range(3):
        waves = sum(
            a * np.sin(b * down + c * right + d)
            for a, b, c, d in zip(
                *rng.uniform([[4], [0.05], [0.05], [0]], [[12], [0.9], [0.9], [6]], (4, 6)), strict=True
            )
        )
        edges = 50 * (np.sin(down / 9 + seed) * np.cos(right / 11 + channel) > 0.2)
        image[..., channel] = 95 + waves + edges + rng.normal(0, 3, (height, width))
    return np.clip(image, 0, 255).astype(np.uint8)


def texture() -> Pixels:
    """Detail of all sizes and no period."""
    rng = np.random.default_rng(0)
    layers = [
        np.kron(rng.normal(0, 9, (256 // size, 256 // size, 3)), np.ones((size, size, 1)))
        for size in (1, 2, 8, 32)
    ]
    shifted = [np.roll(layer, 5 * number, (0, 1)) for number, layer in enumerate(layers)]
    return np.clip(128 + np.sum(shifted, axis=0), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def hr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hr")
    for seed in range(2):
        write_png(folder / f"scene{seed}.png", scene(seed))
    return folder


@pytest.mark.parametrize("scale", [4, pytest.param(3, marks=pytest.mark.release)])
def test_kernels_are_named_exactly(hr: Path, few: Path, tmp_path: Path, scale: int) -> None:
    for kernel in FEW:
        degrade_folder(hr, tmp_path / kernel, kernel, scale)
        found = identify(hr, tmp_path / kernel, scale, config=few)
        assert kernel in found.exact, found.sentence()
        assert found.oddities == ()
        assert (found.difference.differing, found.scale, found.images) == (0, scale, 2)
        assert found.difference.values == 2 * 3 * (98 // scale) * (110 // scale)
        assert found.phase == kernels.phase(registry.entry("kernels", found.exact[0]), scale)


def test_classes_are_those_of_equal_kernels(hr: Path, few: Path, tmp_path: Path) -> None:
    degrade_folder(hr, tmp_path, "opencv-area", 2)
    found = identify(hr, tmp_path, config=few)  # the scale follows from the sizes
    assert found.exact[:2] == ("opencv-linear", "opencv-area")  # the mean of 2 x 2 at x2, and not at x4
    assert found.sentence().startswith("LR is opencv-linear at x2, exactly: 0 of ")


def test_wrong_files_among_many_are_named(few: Path, tmp_path: Path) -> None:
    for seed in range(20):
        write_png(tmp_path / f"hr/s{seed}.png", scene(seed, 64, 64))
    degrade_folder(tmp_path / "hr", tmp_path / "lr", "matlab-bicubic", 2)
    degrade_folder(tmp_path / "hr", tmp_path / "other", "opencv-cubic", 2)
    shutil.copy(tmp_path / "other/s3.png", tmp_path / "lr/s3.png")
    shutil.copy(tmp_path / "lr/s12.png", tmp_path / "lr/s11.png")
    write_png(tmp_path / "lr/s0.png", compressed(read_image(tmp_path / "lr/s0.png").array, 83, "4:4:4"))
    found = identify(tmp_path / "hr", tmp_path / "lr", 2, config=few)
    assert found.exact == ("matlab-bicubic",)
    odd = {one.image: one.what for one in found.oddities}
    assert sorted(odd) == ["s0", "s11", "s3"]
    assert odd["s3"].startswith("is opencv-cubic")
    assert odd["s11"].startswith("shows s12")
    assert odd["s0"].startswith("is matlab-bicubic, then JPEG 83, 4:4:4")
    assert "not in s0, s3, s11" in found.sentence()


def test_pairs_in_wrong_order(hr: Path, few: Path, tmp_path: Path) -> None:
    degrade_folder(hr, tmp_path / "lr", "pillow-bicubic", 2)
    for number in range(2):
        (tmp_path / f"lr/scene{number}.png").rename(tmp_path / f"lr/t{1 - number}.png")
    found = identify(hr, tmp_path / "lr", 2, config=few)
    assert found.exact == ("pillow-bicubic",)
    assert found.found == ("pairs are in another order (2 of 2 wrong)",)
    assert found.notes == ("names do not match: paired in their order",)


def made(hr: Path, target: Path, make: Any) -> Path:
    for path in sorted(hr.iterdir()):
        write_png(target / path.name, make(read_image(path).array))
    return target


def test_jpeg_of_any_quality_after_a_kernel(hr: Path, few: Path, tmp_path: Path) -> None:
    def make(image: Pixels) -> Pixels:
        return compressed(kernels.apply("opencv-cubic", modcrop(image, 2), 2), 63, "4:2:2")

    found = identify(hr, made(hr, tmp_path, make), 2, config=few)
    assert found.exact == ("opencv-cubic, then JPEG 63, 4:2:2",)
    assert found.jpeg == "quality 63, 4:2:2"


def test_lr_of_a_part_of_hr_and_of_hr_that_was_not_cropped(hr: Path, few: Path, tmp_path: Path) -> None:
    def of_part(image: Pixels) -> Pixels:
        return kernels.apply("matlab-bicubic", np.ascontiguousarray(image[5:89, 7:91]), 4)

    found = identify(hr, made(hr, tmp_path / "part", of_part), 4, config=few)
    assert found.exact == ("matlab-bicubic",)
    assert found.found == ("LR begins 5 HR pixels down and 7 right of HR's top left corner",)

    def of_all(image: Pixels) -> Pixels:
        return kernels.resolve("pillow-resize")(image, 4, border="renormalise", interpolation="bicubic")

    found = identify(hr, made(hr, tmp_path / "all", of_all), 4, config=few)
    assert found.exact == ("pillow-bicubic of uncropped HR",)


@pytest.mark.parametrize(("sigma", "noise"), [(2.6, 8.0), pytest.param(1.7, 0.0, marks=pytest.mark.release)])
def test_width_of_a_blur_and_noise_that_no_kernel_has(
    few: Path, tmp_path: Path, sigma: float, noise: float
) -> None:
    write_png(tmp_path / "hr/a.png", scene(5, 192, 192))
    rng = np.random.default_rng(0)

    def make(image: Pixels) -> Pixels:
        lr = blur_bicubic(image, gaussian(21, sigma), 3, "reflect")
        return add_white(lr, noise, rng) if noise else lr

    found = identify(tmp_path / "hr", made(tmp_path / "hr", tmp_path / "lr", make), 3, config=few)
    assert found.exact == ()
    assert found.sentence().startswith("No kernel known here made LR at x3")
    assert found.blur is not None
    assert found.blur.width == pytest.approx(sigma, rel=0.15)
    if noise:
        assert found.noise == pytest.approx(noise, rel=0.1)


def test_gold_sets_are_matlabs(mirror: Path, few: Path) -> None:
    found = identify(mirror / PAN / "Set5/HR", mirror / PAN / "Set5/LR_bicubic/X4", config=few)
    assert (found.exact, found.scale, found.oddities) == (("matlab-bicubic",), 4, ())


def test_lr_without_hr(tmp_path: Path) -> None:
    sharp = texture()
    write_png(tmp_path / "png/a.png", compressed(sharp, 60))
    from PIL import Image

    (tmp_path / "jpg").mkdir()
    Image.fromarray(sharp).save(tmp_path / "jpg/a.jpg", quality=77, subsampling="4:2:2")
    write_png(tmp_path / "sharp/a.png", sharp)
    larger = np.asarray(Image.fromarray(sharp[:96, :96]).resize((288, 288), Image.Resampling.BICUBIC))
    write_png(tmp_path / "larger/a.png", larger)
    assert lone.look(tmp_path / "jpg").images[0].jpeg == "JPEG quality 77, 4:2:2"
    assert lone.look(tmp_path / "png").images[0].jpeg == "JPEG quality 60, 4:2:0"
    [plain] = lone.look(tmp_path / "sharp").images
    assert (plain.jpeg, plain.cut_off, plain.enlarged) == ("", 0.5, None)
    assert lone.look(tmp_path / "larger").images[0].enlarged == pytest.approx(3, abs=0.05)


def test_the_command_says_it_in_words_and_in_json(tmp_path: Path) -> None:
    write_png(tmp_path / "lr/a.png", compressed(scene(1, 128, 128), 50))
    run = CliRunner().invoke(app, ["whois", str(tmp_path / "lr")])
    assert run.output.startswith("1 of 1 went through JPEG, mostly quality 50, 4:2:0; detail up to")
    run = CliRunner().invoke(app, ["whois", str(tmp_path / "lr"), "--json"])
    assert json.loads(run.output)["images"][0]["jpeg"] == "JPEG quality 50, 4:2:0"
    run = CliRunner().invoke(app, ["whois", str(tmp_path / "lr"), str(tmp_path / "none")])
    assert (run.exit_code, "expected a folder of images" in run.output) == (1, True)


@pytest.mark.release
def test_the_command_with_hr_images(tmp_path: Path) -> None:
    write_png(tmp_path / "hr/a.png", scene(1, 384, 400))
    degrade_folder(tmp_path / "hr", tmp_path / "lr", "jpeg50", 4)
    run = CliRunner().invoke(app, ["whois", str(tmp_path / "hr"), str(tmp_path / "lr"), "--json"])
    assert run.exit_code == 0, run.output
    said = json.loads(run.output)
    assert (said["exact"][0], said["differing"], said["scale"]) == ("jpeg50", 0, 4)


# --- the whole walk ---------------------------------------------------------------------------------------

SCALES = (2, 3, 4)


@pytest.mark.release
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("kernel", list(registry.load("kernels")))
def test_every_kernel_on_five_images(mirror: Path, tmp_path: Path, kernel: str, scale: int) -> None:
    entry = registry.entry("kernels", kernel)
    try:
        kernels.require_scale(kernel, entry, scale)
    except ConfigError:
        pytest.skip(f"{kernel} is not defined at x{scale}")
    hr = mirror / PAN / "Set5/HR"
    degrade_folder(hr, tmp_path, kernel, scale)
    found = identify(hr, tmp_path, scale)
    if not entry.get("random"):
        assert kernel in found.exact, found.sentence()
        assert found.oddities == ()
        return
    assert found.exact == ()
    if kernel == "dn":
        assert found.noise == pytest.approx(30, rel=0.1)
    if kernel == "div2krk":
        params = kernels.params(entry, scale)
        from numpy.random import default_rng

        widths = []
        for path in sorted(hr.iterdir()):
            key = f"0/{path.stem}/{kernel}/x{scale}"
            import hashlib

            rng = default_rng(int.from_bytes(hashlib.sha256(key.encode()).digest()))
            psf = anisotropic(rng, scale, params["size"], params["variance"], params["noise"])
            down, right = np.indices(psf.shape)
            spread = sum(float((psf * (axis - (psf * axis).sum()) ** 2).sum()) for axis in (down, right))
            widths.append((spread / 2) ** 0.5)
        assert found.blur is not None
        assert found.blur.width == pytest.approx(float(np.median(widths)), rel=0.15)
