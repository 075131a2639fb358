"""Real-ESRGAN's second-order degradation (Wang et al., ICCV workshops 2021).

Follows https://github.com/xinntao/Real-ESRGAN (realesrgan/models/realesrgan_model.py with the settings of
options/train_realesrgan_x4plus.yml): blur, resize, noise, JPEG, twice, the last JPEG before or after the
final resize and sinc filter.  What differs:

* all random numbers come from the given generator, so that an image always gets the same degradation;
* the HR image is degraded as it is; in training it is sharpened before (and sharp targets are learnt);
* 8 bits between the steps (:mod:`sisr.lr.kernels.steps`), and real JPEG with a whole-numbered quality
instead of
  a differentiable imitation;
* resizing by OpenCV instead of PyTorch, whose area mode averages whole pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sisr.lr.kernels import filtering, steps
from sisr.lr.kernels.filtering import Floats, Pixels
from sisr.lr.kernels.steps import chance, pick

#: Probabilities of the kinds of blur kernels: Gaussian, generalised, plateau; each isotropic and anisotropic.
_BLURS = [
    ("gaussian", True, 0.45),
    ("gaussian", False, 0.25),
    ("generalised", True, 0.12),
    ("generalised", False, 0.03),
    ("plateau", True, 0.12),
    ("plateau", False, 0.03),
]
#: Exponents below and above 1, one of the two ranges in half of the cases each.
_BETAS = {"generalised": (0.5, 4.0), "plateau": (1.0, 2.0)}
#: Kernel sides 7, 9 .. 21.
_SIDES = range(7, 22, 2)


def realesrgan(
    hr: NDArray[np.uint8], scale: int, *, border: str, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Degrade an image: uint8 (H, W[, 3]) -> (H/scale, W/scale[, 3]); ``border`` is that of the blurs."""
    image = hr if hr.ndim == 3 else hr[..., None]
    height, width = hr.shape[0] // scale, hr.shape[1] // scale

    image = filtering.blur(image, _kernel(3.0, rng), border)
    factor = _factor([0.2, 0.7, 0.1], 0.15, 1.5, rng)
    image = steps.resize(image, int(hr.shape[0] * factor), int(hr.shape[1] * factor), rng)
    image = _noisy(image, 30, 3.0, rng)
    image = _compressed(image, rng)

    if chance(rng, 0.8):
        image = filtering.blur(image, _kernel(1.5, rng), border)
    factor = _factor([0.3, 0.4, 0.3], 0.3, 1.2, rng)
    image = steps.resize(image, int(height * factor), int(width * factor), rng)
    image = _noisy(image, 25, 2.5, rng)

    compress_first = chance(rng, 0.5)
    if compress_first:
        image = _compressed(image, rng)
    image = steps.resize(image, height, width, rng)
    if chance(rng, 0.8):
        image = filtering.blur(image, steps.sinc(_side(rng), float(rng.uniform(np.pi / 3, np.pi))), border)
    if not compress_first:
        image = _compressed(image, rng)
    return image if hr.ndim == 3 else image[..., 0]


def _side(rng: np.random.Generator) -> int:
    return _SIDES[int(rng.integers(len(_SIDES)))]


def _kernel(longest_sigma: float, rng: np.random.Generator) -> Floats:
    """A random PSF: sinc in 10 % of the cases, else one of ``_BLURS`` with sigmas from 0.2 up."""
    side = _side(rng)
    if chance(rng, 0.1):
        lowest = np.pi / 3 if side < 13 else np.pi / 5
        return steps.sinc(side, float(rng.uniform(lowest, np.pi)))
    shape, isotropic, _ = _BLURS[pick(rng, [probability for *_, probability in _BLURS])]
    first = float(rng.uniform(0.2, longest_sigma))
    second, angle = first, 0.0
    if not isotropic:
        second, angle = float(rng.uniform(0.2, longest_sigma)), float(rng.uniform(-np.pi, np.pi))
    beta = 1.0
    if shape in _BETAS:
        low, high = _BETAS[shape]
        beta = float(rng.uniform(low, 1) if chance(rng, 0.5) else rng.uniform(1, high))
    return steps.bell(side, (first, second), angle, shape, beta)


def _factor(probabilities: list[float], low: float, high: float, rng: np.random.Generator) -> float:
    """Up, down or keep, with the given probabilities."""
    kind = pick(rng, probabilities)
    return float(rng.uniform(1, high)) if kind == 0 else float(rng.uniform(low, 1)) if kind == 1 else 1.0


def _noisy(image: Pixels, sigma: float, strength: float, rng: np.random.Generator) -> Pixels:
    """Gaussian or Poisson noise in equal shares, gray in 40 % of the cases."""
    if chance(rng, 0.5):
        drawn = float(rng.uniform(1, sigma))
        return steps.gaussian_noise(image, drawn, chance(rng, 0.4), rng)
    drawn = float(rng.uniform(0.05, strength))
    return steps.poisson_noise(image, drawn, chance(rng, 0.4), rng)


def _compressed(image: Pixels, rng: np.random.Generator) -> Pixels:
    return steps.jpeg(image, round(float(rng.uniform(30, 95))))
