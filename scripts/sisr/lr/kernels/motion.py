"""Motion blur along a straight line, then MATLAB bicubic."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sisr.lr.kernels import filtering
from sisr.lr.kernels.filtering import Floats, grid


def motion_bicubic(
    hr: NDArray[np.uint8], scale: int, *, border: str, rng: np.random.Generator, length: Sequence[float]
) -> NDArray[np.uint8]:
    """Blur with :func:`line` of a uniform angle and a uniform length, in LR pixels; then bicubic."""
    shortest, longest = length
    pixels = scale * float(rng.uniform(shortest, longest))
    psf = line(pixels, float(rng.uniform(0, math.pi)))
    return filtering.blur_bicubic(hr, psf, scale, border)


def line(length: float, angle: float) -> Floats:
    """PSF of a motion by ``length`` HR pixels, ``angle`` radians counter-clockwise from the right.

    As MATLAB's ``fspecial('motion', length, angle)``: a pixel's weight is 1 minus its distance from the
    segment of ``length - 1`` pixels, where that is positive.  The sides are odd; the middle is the centre.
    """
    half = max(length - 1, 0) / 2
    size = 2 * math.ceil(half + 1) + 1
    down, right = grid(size)
    along = np.cos(angle) * right - np.sin(angle) * down
    across = np.sin(angle) * right + np.cos(angle) * down
    beyond = np.maximum(np.abs(along) - half, 0)
    weights = np.maximum(1 - np.hypot(across, beyond), 0)
    return weights / weights.sum()
