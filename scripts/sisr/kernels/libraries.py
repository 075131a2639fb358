"""Downsampling with OpenCV and Pillow, as found in training code and in practice.

OpenCV's linear, cubic and Lanczos kernels are those of enlarging: they read 2, 4 or 8 HR samples a side,
however much they shrink, so that finer detail aliases.  Pillow widens its kernels by the scale, as MATLAB
does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sisr.errors import ConfigError, unknown

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
    "bicubic": "BICUBIC",
    "lanczos": "LANCZOS",
}


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


def _require_border(found: str, expected: str, program: str) -> None:
    if found != expected:
        raise ConfigError(f"{program} has no choice of border: expected '{expected}', found '{found}'")
