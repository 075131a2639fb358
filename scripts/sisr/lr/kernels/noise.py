"""Noise on the LR image: DN."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sisr.lr.kernels import matlab
from sisr.lr.kernels.filtering import strips, to_pixels


def bicubic_noise(
    hr: NDArray[np.uint8], scale: int, *, border: str, rng: np.random.Generator, sigma: float
) -> NDArray[np.uint8]:
    """MATLAB bicubic, then white Gaussian noise of ``sigma`` on the 8-bit scale, clipped and rounded."""
    return add_white(matlab.shrink(hr, scale, border=border), sigma, rng)


def add_white(image: NDArray[np.uint8], sigma: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Independent normal noise in every pixel and channel; in the order of the rows."""
    noisy = np.empty_like(image)
    for begin, end in strips(len(image), image[0].size):
        rows = image[begin:end]
        noisy[begin:end] = to_pixels(rows + sigma * rng.standard_normal(rows.shape))
    return noisy
