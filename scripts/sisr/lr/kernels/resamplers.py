"""Downsampling with OpenCV, Pillow, PyTorch, scikit-image and BasicSR, as training code and users do it.

The libraries are called, not rewritten.  OpenCV's linear, cubic and Lanczos kernels are those of enlarging:
they read 2, 4 or 8 HR samples a side, however much they shrink, so that finer detail aliases.  Pillow, and
PyTorch with ``antialias``, widen their kernels by the scale, as MATLAB does; scikit-image blurs first;
BasicSR's ``imresize`` is MATLAB's without its rounding between the passes.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sisr.base import extensions
from sisr.base.errors import ConfigError, unknown

_OPENCV = {
    "nearest": "INTER_NEAREST",
    "linear": "INTER_LINEAR",
    "cubic": "INTER_CUBIC",
    "area": "INTER_AREA",
    "lanczos4": "INTER_LANCZOS4",
}
_PILLOW = {
    "nearest": "NEAREST",
    "box": "BOX",
    "bilinear": "BILINEAR",
    "hamming": "HAMMING",
    "bicubic": "BICUBIC",
    "lanczos": "LANCZOS",
}
_TORCH = ("nearest", "bilinear", "bicubic")


def opencv_resize(hr: NDArray[np.uint8], scale: int, *, border: str, interpolation: str) -> NDArray[np.uint8]:
    """``cv2.resize`` to (H/scale, W/scale); beyond its border the edge is replicated."""
    import cv2

    if interpolation not in _OPENCV:
        raise ConfigError(unknown("OpenCV interpolation", interpolation, _OPENCV))
    _require_border(border, "replicate", "OpenCV")
    size = (hr.shape[1] // scale, hr.shape[0] // scale)
    return np.asarray(cv2.resize(hr, size, interpolation=getattr(cv2, _OPENCV[interpolation])), np.uint8)


def pillow_resize(hr: NDArray[np.uint8], scale: int, *, border: str, interpolation: str) -> NDArray[np.uint8]:
    """``PIL.Image.resize`` to (H/scale, W/scale); at the border it drops the taps outside and normalises."""
    from PIL import Image

    if interpolation not in _PILLOW:
        raise ConfigError(unknown("Pillow interpolation", interpolation, _PILLOW))
    _require_border(border, "renormalise", "Pillow")
    size = (hr.shape[1] // scale, hr.shape[0] // scale)
    resampling = getattr(Image.Resampling, _PILLOW[interpolation])
    return np.asarray(Image.fromarray(hr).resize(size, resampling))


def torch_resize(hr: NDArray[np.uint8], scale: int, *, border: str, interpolation: str) -> NDArray[np.uint8]:
    """``torch.nn.functional.interpolate`` to (H/scale, W/scale), with ``antialias=True`` unless nearest.

    The image is float32 on [0, 255], as in training code; the result is clipped and rounded half to even
    (``torch.round``).  PyTorch also accepts uint8, with integer weights: that is another, Pillow-like kernel.
    At the border it drops the taps outside and normalises.
    """
    import torch
    from torch.nn.functional import interpolate

    if interpolation not in _TORCH:
        raise ConfigError(unknown("PyTorch interpolation", interpolation, _TORCH))
    filtered = interpolation != "nearest"
    _require_border(border, "renormalise" if filtered else "none", "PyTorch")
    size = (hr.shape[0] // scale, hr.shape[1] // scale)
    planes = []
    for plane in np.atleast_3d(hr).transpose(2, 0, 1):  # one by one: float32 of the whole takes 4 times hr
        tensor = torch.from_numpy(plane.astype(np.float32))[None, None]
        lr = interpolate(tensor, size, mode=interpolation, antialias=filtered)
        planes.append(lr[0, 0].round().clamp(0, 255).byte().numpy())
    return np.dstack(planes) if hr.ndim == 3 else planes[0]


def skimage_resize(hr: NDArray[np.uint8], scale: int, *, border: str, order: int) -> NDArray[np.uint8]:
    """``skimage.transform.resize`` with ``anti_aliasing=True``, then ``img_as_ubyte``.

    A Gaussian of sigma ``(scale - 1) / 2`` HR pixels, then interpolation of ``order`` (1: linear, 3: cubic).
    """
    from skimage.transform import resize
    from skimage.util import img_as_ubyte

    _require_border(border, "reflect", "scikit-image's default")
    size = (hr.shape[0] // scale, hr.shape[1] // scale)
    planes = [  # one by one: float64 of the whole takes 8 times hr
        img_as_ubyte(resize(plane, size, order=order, mode="reflect", anti_aliasing=True))
        for plane in np.atleast_3d(hr).transpose(2, 0, 1)
    ]
    return np.dstack(planes) if hr.ndim == 3 else planes[0]


def basicsr_imresize(hr: NDArray[np.uint8], scale: int, *, border: str) -> NDArray[np.uint8]:
    """``imresize`` of BasicSR (KAIR's is the same code) on float32 in [0, 1], then clipped and rounded.

    The rounding is that of BasicSR's ``tensor2img``, half to even.  BasicSR cannot mirror more pixels than an
    image has; one of a single LR pixel a side is mirrored here beforehand.
    """
    _require_border(border, "mirror", "BasicSR")
    imresize = _imresize_of_basicsr()
    margins = [(scale, scale) if side == scale else (0, 0) for side in hr.shape[:2]]
    inner = tuple(np.s_[1:2] if before else np.s_[:] for before, _ in margins)
    planes = []
    for plane in np.atleast_3d(hr).transpose(2, 0, 1):  # one by one: float32 of the whole takes 4 times hr
        lr = imresize(np.pad(plane, margins, "symmetric").astype(np.float32) / np.float32(255), 1 / scale)
        planes.append((lr[inner].clip(0, 1) * 255).round().astype(np.uint8))
    return np.dstack(planes) if hr.ndim == 3 else planes[0]


@cache
def _imresize_of_basicsr() -> Callable[[NDArray[np.float32], float], NDArray[np.float32]]:
    """The function, from its file alone: importing the package would import all of its 650 modules."""
    file = extensions.place("basicsr.utils.matlab_functions")
    if file is None:
        raise ConfigError("BasicSR is not installed; `make setup` and envs/torch.post-deploy.sh do it")
    spec = importlib.util.spec_from_file_location("_basicsr_matlab_functions", file)
    assert spec is not None and spec.loader is not None  # it ends in .py
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.imresize


def subsample(hr: NDArray[np.uint8], scale: int, *, border: str) -> NDArray[np.uint8]:
    """``hr[::scale, ::scale]``: the top left pixel of each block, and no filter.

    >>> subsample(np.arange(16, dtype=np.uint8).reshape(4, 4), 2, border="none").tolist()
    [[0, 2], [8, 10]]
    """
    _require_border(border, "none", "subsampling")
    return np.ascontiguousarray(hr[::scale, ::scale])


def _require_border(found: str, expected: str, program: str) -> None:
    if found != expected:
        raise ConfigError(f"{program} has no choice of border: expected '{expected}', found '{found}'")
