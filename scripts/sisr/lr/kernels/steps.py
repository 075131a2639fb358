"""Steps of the second-order degradations: random blur kernels, resizing, JPEG, noise, each 8 bits in and out.

The original programs keep floating-point images between the steps.  Here each step clips and rounds to 8
bits, as a chain of image files would: so the result does not depend on how a processor orders sums, and an
image of 8k x 8k fits into memory.  The rounding adds an error of 0.3 (of 255) to noise of 1 to 30.

Images are uint8 (h, w, c) with c = 1 or 3.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sisr.lr.kernels.filtering import Floats, Pixels, grid, mahalanobis, strips, to_pixels

#: BT.601 weights of R, G, B, as torchvision's and OpenCV's gray.
_GRAY = np.array([0.299, 0.587, 0.114])


# --- blur kernels ---------------------------------------------------------------------------------------


def bell(
    size: int, sigmas: tuple[float, float], angle: float, shape: str = "gaussian", beta: float = 1
) -> Floats:
    """PSF of an elliptic bell, (size, size).

    ``gaussian``: exp(-r / 2) of the squared distance r in units of the ellipse; ``generalised``:
    exp(-r**beta / 2); ``plateau``: 1 / (1 + r**beta).
    """
    r = mahalanobis(size, (sigmas[0] ** 2, sigmas[1] ** 2), angle)
    if shape == "plateau":
        weights = 1 / (1 + r**beta)
    else:
        weights = np.exp(-(r if shape == "gaussian" else r**beta) / 2)
    return weights / weights.sum()


def sinc(size: int, cutoff: float) -> Floats:
    """Ideal circular low-pass cut to (size, size); ``cutoff`` in radians a pixel, at most pi."""
    from scipy.special import j1

    distance = np.hypot(*grid(size))
    distance[distance == 0] = 1e-9  # j1(x) / x -> 1/2
    weights = cutoff * j1(cutoff * distance) / (2 * np.pi * distance)
    return weights / weights.sum()


# --- resizing -------------------------------------------------------------------------------------------


def resize(image: Pixels, height: int, width: int, rng: np.random.Generator) -> Pixels:
    """``cv2.resize`` to at least 1 x 1 with one of INTER_LINEAR, INTER_CUBIC, INTER_AREA, drawn."""
    import cv2

    chosen = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA)[int(rng.integers(3))]
    size = (max(1, width), max(1, height))
    resized = np.asarray(cv2.resize(image, size, interpolation=chosen), np.uint8)
    return resized.reshape(*size[::-1], image.shape[2])


# --- JPEG -----------------------------------------------------------------------------------------------


def jpeg(image: Pixels, quality: int) -> Pixels:
    """What OpenCV decodes of what it encoded as JPEG, as the original programs do; colour 4:2:0."""
    import cv2

    gray = image.shape[2] == 1
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, stream = cv2.imencode(".jpg", image if gray else image[..., ::-1], options)
    decoded = cv2.imdecode(stream, cv2.IMREAD_GRAYSCALE if gray else cv2.IMREAD_COLOR)
    assert decoded is not None  # it is our own
    pixels = np.asarray(decoded if gray else cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB, dst=decoded), np.uint8)
    return pixels.reshape(image.shape)


# --- noise ----------------------------------------------------------------------------------------------


def gaussian_noise(image: Pixels, sigma: float, gray: bool, rng: np.random.Generator) -> Pixels:
    """Normal noise of ``sigma`` (of 255), the same in all channels if ``gray``."""

    def noise(rows: Pixels) -> Floats:
        return sigma * rng.standard_normal((*rows.shape[:2], 1 if gray else rows.shape[2]))

    return _add(image, noise)


def correlated_noise(image: Pixels, covariance: Floats, rng: np.random.Generator) -> Pixels:
    """Normal noise with the (3, 3) ``covariance`` between R, G and B; a gray image gets that of R."""
    channels = image.shape[2]
    mixing = np.linalg.cholesky(covariance[:channels, :channels] + 1e-9 * np.eye(channels))
    return _add(image, lambda rows: rng.standard_normal(rows.shape) @ mixing.T)


def poisson_noise(image: Pixels, strength: float, gray: bool, rng: np.random.Generator) -> Pixels:
    """``strength`` times shot noise, the same in all channels if ``gray``.

    As BasicSR counts photons: the brightest pixel gets as many as the image has values, rounded up to a power
    of two.
    """
    occurs = np.zeros(256, bool)
    for begin, end in strips(len(image), image[0].size):
        occurs[_gray(image[begin:end]) if gray else image[begin:end]] = True
    photons = 2 ** np.ceil(np.log2(np.count_nonzero(occurs)))

    def noise(rows: Pixels) -> Floats:
        signal = (_gray(rows) if gray else rows) / 255
        return 255 * strength * (rng.poisson(signal * photons) / photons - signal)

    return _add(image, noise)


def _gray(rows: Pixels) -> Pixels:
    return rows if rows.shape[2] == 1 else to_pixels(rows @ _GRAY)[..., None]


def _add(image: Pixels, noise: Callable[[Pixels], Floats]) -> Pixels:
    """Add noise that is drawn for strips of rows, in their order."""
    noisy = np.empty_like(image)
    for begin, end in strips(len(image), image[0].size):
        rows = image[begin:end]
        noisy[begin:end] = to_pixels(rows + noise(rows))
    return noisy


def chance(rng: np.random.Generator, probability: float) -> bool:
    """True with the given probability."""
    return bool(rng.random() < probability)


def pick(rng: np.random.Generator, probabilities: NDArray[np.float64] | list[float]) -> int:
    """Index drawn with the given probabilities, which sum to 1."""
    return int(np.searchsorted(np.cumsum(probabilities)[:-1], rng.random(), side="right"))
