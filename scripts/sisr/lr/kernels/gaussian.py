"""Gaussian blur before decimation: BD, Gaussian8, and the random anisotropic kernels of DIV2KRK."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sisr.base.errors import ConfigError
from sisr.lr.kernels import filtering
from sisr.lr.kernels.filtering import Floats, gaussian, mahalanobis


def gaussian_subsample(
    hr: NDArray[np.uint8], scale: int, *, border: str, sigma: float, size: int
) -> NDArray[np.uint8]:
    """Blur with ``fspecial('gaussian', size, sigma)``, round to 8 bits, keep one pixel of each block.

    As RCAN's Prepare_TestData_HR_LR.m makes its BD images: at x3 the middle pixel of each 3 x 3; at even
    scales an even kernel, which lies between pixels, so that the sample is the centre of its block as well.
    """
    if (size - scale) % 2:
        kind = "an odd" if scale % 2 else "an even"
        raise ConfigError(f"gaussian-subsample: size: expected {kind} number at x{scale}, found {size}")
    return filtering.sample(hr, gaussian(size, sigma), scale, border)


def gaussian_bicubic(
    hr: NDArray[np.uint8], scale: int, *, border: str, sigma: float, size: int
) -> NDArray[np.uint8]:
    """Blur with a Gaussian of ``sigma`` HR pixels, then MATLAB bicubic; rounded once, at the end.

    As DAN makes the Gaussian8 sets (https://github.com/greatlog/DAN, codes/utils/deg_utils.py).
    """
    if size % 2 == 0:
        raise ConfigError(f"gaussian-bicubic: size: expected an odd number, found {size}")
    return filtering.blur_bicubic(hr, gaussian(size, sigma), scale, border)


def anisotropic_subsample(
    hr: NDArray[np.uint8],
    scale: int,
    *,
    border: str,
    rng: np.random.Generator,
    size: int,
    variance: Sequence[float],
    noise: float,
) -> NDArray[np.uint8]:
    """Blur with a PSF of :func:`anisotropic`, then keep one pixel of each block."""
    return filtering.sample(hr, anisotropic(rng, scale, size, variance, noise), scale, border)


def anisotropic(
    rng: np.random.Generator, scale: int, size: int, variance: Sequence[float], noise: float
) -> Floats:
    """Random PSF of DIV2KRK (Bell-Kligler et al., KernelGAN, NeurIPS 2019, section 5).

    A Gaussian of ``size`` x ``size`` pixels at x2 whose variances along its two axes are uniform in
    ``variance`` (HR pixels squared), turned by a uniform angle, each weight multiplied by a uniform number in
    ``1 +- noise``.  At x4 the PSF is that of shrinking twice by it, as KernelGAN derives it ("analytic
    kernel").  Then its centre of mass is moved onto the LR sample, as KernelGAN does.

    Raises
    ------
    ConfigError : a scale other than 2 and 4
    """
    if scale not in (2, 4):
        raise ConfigError(f"anisotropic-gaussian: scale: expected 2 or 4, found {scale}")
    low, high = variance
    variances = (float(rng.uniform(low, high)), float(rng.uniform(low, high)))
    weights = np.exp(-mahalanobis(size, variances, float(rng.uniform(0, np.pi))) / 2)
    weights *= rng.uniform(1 - noise, 1 + noise, (size, size))
    weights /= weights.sum()
    return filtering.centred(weights if scale == 2 else twice(weights), scale)


def twice(psf: Floats) -> Floats:
    """PSF of blurring and halving twice: the PSF, blurred by itself with taps two pixels apart.

    The outer ``k // 2`` pixels are cut off, as KernelGAN does: (k, k) -> (2k - 1, 2k - 1) for odd k.
    """
    size = len(psf)
    wide = np.zeros((3 * size - 2, 3 * size - 2))
    for (row, column), weight in np.ndenumerate(psf):
        wide[2 * row : 2 * row + size, 2 * column : 2 * column + size] += weight * psf
    cut = size // 2
    inner = wide[cut : len(wide) - cut, cut : len(wide) - cut]
    return inner / inner.sum()
