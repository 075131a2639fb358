"""Kernels of libraries equal the libraries, bit for bit."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from sisr.base.errors import ConfigError
from sisr.base.images import modcrop
from sisr.lr import kernels
from sisr.lr.kernels import resamplers
from sisr.models.compat import prepare_torchvision
from skimage import img_as_ubyte
from skimage.transform import resize
from torch.nn.functional import interpolate

RNG = np.random.default_rng(5)
HR = RNG.integers(0, 256, (72, 96, 3), dtype=np.uint8)
IMAGES = pytest.mark.parametrize("hr", [HR, HR[..., 0].copy()], ids=["rgb", "gray"])
SCALES = pytest.mark.parametrize("scale", [2, 3, 4, 8])


@SCALES
@IMAGES
@pytest.mark.parametrize("name", ["nearest", "linear", "cubic", "area", "lanczos4"])
def test_opencv(name: str, hr: np.ndarray, scale: int) -> None:
    expected = cv2.resize(
        hr, None, fx=1 / scale, fy=1 / scale, interpolation=getattr(cv2, f"INTER_{name.upper()}")
    )
    assert np.array_equal(kernels.apply(f"opencv-{name}", hr, scale), expected)


@SCALES
@IMAGES
@pytest.mark.parametrize("name", ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"])
def test_pillow(name: str, hr: np.ndarray, scale: int) -> None:
    size = (hr.shape[1] // scale, hr.shape[0] // scale)
    expected = np.asarray(Image.fromarray(hr).resize(size, Image.Resampling[name.upper()]))
    assert np.array_equal(kernels.apply(f"pillow-{name}", hr, scale), expected)


def as_tensor(hr: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.atleast_3d(hr).transpose(2, 0, 1).copy())[None]


def as_array(lr: torch.Tensor, like: np.ndarray) -> np.ndarray:
    array = lr[0].numpy().transpose(1, 2, 0)
    return array if like.ndim == 3 else array[..., 0]


@SCALES
@IMAGES
@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
def test_torch_antialiased(name: str, hr: np.ndarray, scale: int) -> None:
    # all channels at once, and by the factor: what training code calls
    lr = interpolate(as_tensor(hr).float(), scale_factor=1 / scale, mode=name, antialias=True)
    expected = as_array(lr.round().clamp(0, 255).byte(), hr)
    assert np.array_equal(kernels.apply(f"torch-{name}-aa", hr, scale), expected)


@SCALES
@IMAGES
def test_torch_nearest(hr: np.ndarray, scale: int) -> None:
    expected = as_array(interpolate(as_tensor(hr), scale_factor=1 / scale, mode="nearest"), hr)
    assert np.array_equal(kernels.apply("torch-nearest", hr, scale), expected)


def test_torch_on_8_bits_is_another_kernel() -> None:
    # PyTorch's uint8 path has integer weights and rounds between the passes, as Pillow; ours is float's
    eight_bits = as_array(interpolate(as_tensor(HR), scale_factor=0.25, mode="bicubic", antialias=True), HR)
    difference = np.abs(kernels.apply("torch-bicubic-aa", HR, 4).astype(int) - eight_bits)
    assert 0 < difference.max() <= 2


@SCALES
@IMAGES
def test_skimage(hr: np.ndarray, scale: int) -> None:
    size = (hr.shape[0] // scale, hr.shape[1] // scale)
    expected = img_as_ubyte(resize(hr, size, anti_aliasing=True))
    assert np.array_equal(kernels.apply("skimage-aa", hr, scale), expected)


def basicsr(hr: np.ndarray, scale: int) -> np.ndarray:
    """LR as a user of BasicSR makes it: all channels at once, its own rounding."""
    prepare_torchvision()
    imresize = pytest.importorskip("basicsr.utils.matlab_functions").imresize
    lr = imresize(hr.astype(np.float32) / 255.0, 1 / scale)
    return (torch.from_numpy(lr).clamp(0, 1).numpy() * 255.0).round().astype(np.uint8)


@SCALES
@pytest.mark.parametrize(
    "shape", [(72, 96, 3), (72, 96), (65, 101, 3), (139, 83, 3), (47, 211)], ids=lambda shape: f"{shape}"
)
def test_basicsr(shape: tuple[int, ...], scale: int) -> None:
    hr = modcrop(RNG.integers(0, 256, shape, dtype=np.uint8), scale)
    assert np.array_equal(kernels.apply("basicsr-bicubic", hr, scale), basicsr(hr, scale))


def test_basicsr_is_matlab_without_rounding_between_the_passes() -> None:
    lr, matlab = (
        kernels.apply(kernel, HR, 4).astype(int) for kernel in ("basicsr-bicubic", "matlab-bicubic")
    )
    assert np.abs(lr - matlab).max() == 1
    assert 0.1 < np.mean(lr != matlab) < 0.2


def test_basicsr_is_not_imported_whole() -> None:
    code = (
        "import sys, numpy as np; from sisr.lr import kernels;"
        "kernels.apply('basicsr-bicubic', np.zeros((8, 8), np.uint8), 2);"
        "print([name for name in sys.modules if name.split('.')[0] == 'basicsr'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@SCALES
@IMAGES
def test_three_ways_to_take_the_top_left_pixel(hr: np.ndarray, scale: int) -> None:
    for kernel in ("subsample", "opencv-nearest", "torch-nearest"):
        assert np.array_equal(kernels.apply(kernel, hr, scale), hr[::scale, ::scale])


def test_what_opencv_reads() -> None:
    blocks = HR.reshape(18, 4, 24, 4, 3).astype(int)
    area = np.abs(kernels.apply("opencv-area", HR, 4) - blocks.mean(axis=(1, 3)))
    linear = np.abs(kernels.apply("opencv-linear", HR, 4) - blocks[:, 1:3, :, 1:3].mean(axis=(1, 3)))
    assert area.max() <= 0.5
    assert linear.max() <= 0.5


@pytest.mark.parametrize("kernel", ["pillow-bicubic", "torch-bicubic-aa"])
def test_antialiased_bicubics_are_close_to_matlab_and_opencv_is_not(kernel: str) -> None:
    def distance(kernel: str) -> float:
        lr, matlab = (kernels.apply(k, HR, 4).astype(int)[2:-2, 2:-2] for k in (kernel, "matlab-bicubic"))
        return float(np.abs(lr - matlab).max())

    assert distance(kernel) <= 1
    assert distance("opencv-cubic") > 50


@pytest.mark.parametrize(
    ("resize", "params", "border", "program"),
    [
        (resamplers.opencv_resize, {"interpolation": "cubic"}, "replicate", "OpenCV"),
        (resamplers.pillow_resize, {"interpolation": "bicubic"}, "renormalise", "Pillow"),
        (resamplers.torch_resize, {"interpolation": "bicubic"}, "renormalise", "PyTorch"),
        (resamplers.torch_resize, {"interpolation": "nearest"}, "none", "PyTorch"),
        (resamplers.skimage_resize, {"order": 1}, "reflect", "scikit-image's default"),
        (resamplers.basicsr_imresize, {}, "mirror", "BasicSR"),
        (resamplers.subsample, {}, "none", "subsampling"),
    ],
)
def test_a_library_has_one_border(resize: Any, params: dict[str, Any], border: str, program: str) -> None:
    message = f"^{program} has no choice of border: expected '{border}', found 'wrap'$"
    with pytest.raises(ConfigError, match=message):
        resize(HR, 2, border="wrap", **params)
    assert resize(HR, 2, border=border, **params).shape == (36, 48, 3)
