"""BSRGAN's degradation (Zhang et al., Designing a practical degradation model ..., ICCV 2021).

Follows ``degradation_bsrgan`` of https://github.com/cszn/KAIR (utils/utils_blindsr.py): two blurs, two
downsamplings, Gaussian noise and JPEG in a random order (the downsamplings keep theirs), at x4 sometimes
halved before, and a JPEG at the end.  What differs:

* all random numbers come from the given generator, so that an image always gets the same degradation;
* the whole image is degraded, not a random patch;
* no camera-sensor noise: its model of a camera is another network, which the published code leaves out too;
* 8 bits between the steps (:mod:`sisr.lr.kernels.steps`);
* the Gaussian of the subsampling branch is evaluated at its shifted position instead of being interpolated.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from sisr.lr.kernels import filtering, matlab, steps
from sisr.lr.kernels.filtering import Floats, Pixels
from sisr.lr.kernels.steps import chance


def bsrgan(hr: NDArray[np.uint8], scale: int, *, border: str, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Degrade an image: uint8 (H, W[, 3]) -> (H/scale, W/scale[, 3]); ``border`` is that of the blurs."""
    image = hr if hr.ndim == 3 else hr[..., None]
    factor = scale
    if scale == 4 and chance(rng, 0.25):
        image = _halved(image, rng)
        factor = 2
    order = [int(step) for step in rng.permutation(6)]
    first, second = sorted((order.index(2), order.index(3)))
    order[first], order[second] = 2, 3
    size = (hr.shape[0] // scale, hr.shape[1] // scale)
    for step in order:
        if step in (0, 1):
            image = filtering.blur(image, _blur(factor, rng), border)
        elif step == 2:
            image = _downsampled(image, factor, border, rng)
        elif step == 3:
            image = steps.resize(image, *size, rng)
        elif step == 4:
            image = _noisy(image, rng)
        elif chance(rng, 0.9):
            image = _compressed(image, rng)
    image = _compressed(image, rng)
    return image if hr.ndim == 3 else image[..., 0]


def _halved(image: Pixels, rng: np.random.Generator) -> Pixels:
    if chance(rng, 0.5):
        return steps.resize(image, image.shape[0] // 2, image.shape[1] // 2, rng)
    return matlab.imresize(image, Fraction(1, 2))


def _blur(factor: int, rng: np.random.Generator) -> Floats:
    """A Gaussian of 7 to 25 pixels a side, anisotropic in half of the cases."""
    size = 2 * int(rng.integers(2, 12)) + 3
    if chance(rng, 0.5):
        variances = np.maximum((4 + factor) * rng.random(2), 1e-3)
        down, right = np.sqrt(variances)
        return steps.bell(size, (float(down), float(right)), float(rng.uniform(0, np.pi)))
    return filtering.gaussian(size, max((2 + 0.2 * factor) * float(rng.random()), 1e-3))


def _downsampled(image: Pixels, factor: int, border: str, rng: np.random.Generator) -> Pixels:
    """Resized by a random factor, or blurred and subsampled."""
    height, width = image.shape[:2]
    if chance(rng, 0.75):
        shrink = float(rng.uniform(1, 2 * factor))
        return steps.resize(image, int(height / shrink), int(width / shrink), rng)
    sigma = float(rng.uniform(0.1, 0.6 * factor))
    size = 25 if factor % 2 else 26  # a middle on the centre of the factor x factor pixels
    return filtering.sample(image, filtering.gaussian(size, sigma), factor, border)


def _noisy(image: Pixels, rng: np.random.Generator) -> Pixels:
    """Gaussian noise of 2 to 25: in colour, in gray, or correlated between the channels."""
    kind = steps.pick(rng, [0.4, 0.4, 0.2])
    if kind < 2:
        return steps.gaussian_noise(image, float(rng.integers(2, 26)), kind == 1, rng)
    from scipy.linalg import orth

    basis = orth(rng.random((3, 3)))
    covariance = np.abs(25**2 * (basis.T @ np.diag(rng.random(3)) @ basis))
    return steps.correlated_noise(image, covariance, rng)


def _compressed(image: Pixels, rng: np.random.Generator) -> Pixels:
    return steps.jpeg(image, int(rng.integers(30, 96)))
