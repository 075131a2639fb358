"""How an LR image was blurred and how noisy it is, where no known kernel made it.

A Gaussian of any width and direction is fitted to the HR and LR image: the one with which the blurred HR
image, sampled, is nearest to the LR image.  It is applied as a product of spectra, which takes any width and
any fraction of a pixel; only pixels far from the cut-out's border are compared.  What is left, less the
rounding, is the noise, where it has no structure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from sisr.lr.kernels import matlab

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float64]

#: LR pixels of the cut-out's side and of the border that is not compared, by scale at least.
_HR_SIDE, _BORDER = 288, 8
#: Widths that are tried first, in HR pixels.
_WIDTHS = np.geomspace(0.25, 8, 18)
#: Neighbours of what noise leaves are less alike than this.
_WHITE = 0.12
#: Predictions this near to black or white, in standard deviations, say nothing of noise: it is cut off there.
_CLEAR = 2.5
#: Squared error, in squared levels, of rounding to 8 bits.
_ROUNDING = 1 / 12


@dataclass(frozen=True)
class Blur:
    """A Gaussian in HR pixels (the wider axis first; its direction in degrees from the right, upwards).

    ``form``: ``sampled`` or ``bicubic`` (MATLAB's after the Gaussian).  ``error``: standard deviation of what
    is left; ``noise``: that of white noise, or None where what is left has structure.
    """

    wide: float
    narrow: float
    angle: float
    form: str
    error: float
    noise: float | None

    @property
    def width(self) -> float:
        """Of the round Gaussian with the same mean variance."""
        return math.sqrt((self.wide**2 + self.narrow**2) / 2)

    def __str__(self) -> str:
        then = "every sample taken from it" if self.form == "sampled" else "then bicubic"
        if self.wide < 1.12 * self.narrow:
            return f"Gaussian blur of sigma {self.width:.2f} HR pixels, {then}"
        widths = f"{self.wide:.2f} x {self.narrow:.2f}"
        return f"Gaussian blur of sigma {widths} HR pixels at {self.angle:.0f} degrees, {then}"


def noise_of(predicted: Floats, seen: Floats) -> tuple[float, float | None]:
    """Standard deviation of ``seen - predicted``, (h, w) each; and of noise, None where it has structure.

    Rounding is taken off the noise.
    """
    left = seen - predicted
    error = float(np.sqrt(np.mean(left**2)))
    for _ in range(3):  # black and white cut noise off; how far off depends on the noise
        clear = (predicted > _CLEAR * error) & (predicted < 255 - _CLEAR * error)
        if clear.mean() < 0.02:
            clear = np.abs(predicted - 127.5) <= np.quantile(np.abs(predicted - 127.5), 0.1)
        error = float(np.sqrt(np.mean(left[clear] ** 2)))
    both = clear[:, 1:] & clear[:, :-1]
    down = clear[1:] & clear[:-1]
    scale = max(error**2, 1e-12)
    alike = float((left[:, 1:] * left[:, :-1])[both].mean()) if both.any() else 0.0
    alike_down = float((left[1:] * left[:-1])[down].mean()) if down.any() else 0.0
    if max(abs(alike), abs(alike_down)) / scale > _WHITE:
        return error, None
    return error, math.sqrt(max(error**2 - _ROUNDING, 0.0))


def fit(hr: Pixels, lr: Pixels, scale: int) -> Blur | None:
    """The Gaussian between two images, HR cropped to the scale; None for those too small or flat."""
    cut = _cut_out(_channel(hr), _channel(lr), scale)
    if cut is None:
        return None
    sharp, seen = cut
    return min((_fitted(sharp, seen, scale, form) for form in ("sampled", "bicubic")), key=lambda b: b.error)


def _channel(image: Pixels) -> Pixels:
    """Green, of which nothing was mixed: luma would average the noise of three channels."""
    return image if image.ndim == 2 else image[..., 1]


def _cut_out(hr: Pixels, lr: Pixels, scale: int) -> tuple[Floats, Floats] | None:
    side = max(24, _HR_SIDE // scale)
    height, width = (min(side, length) for length in lr.shape)
    if min(height, width) < 3 * _BORDER:
        return None
    steps = [
        ((lr.shape[0] - height) * down // 2, (lr.shape[1] - width) * right // 2)
        for down in range(3)
        for right in range(3)
    ]
    top, left = max(steps, key=lambda at: float(lr[at[0] : at[0] + height, at[1] : at[1] + width].std()))
    sharp = hr[top * scale : (top + height) * scale, left * scale : (left + width) * scale]
    seen = lr[top : top + height, left : left + width]
    if np.ptp(seen) == 0:
        return None
    return sharp.astype(np.float64), seen.astype(np.float64)


def _fitted(sharp: Floats, seen: Floats, scale: int, form: str) -> Blur:
    from scipy import fft, optimize

    spectrum = fft.rfft2(sharp)
    rows = fft.fftfreq(sharp.shape[0])[:, None]
    columns = fft.rfftfreq(sharp.shape[1])[None]
    middle = (scale - 1) / 2 if form == "sampled" else 0.0
    moved = spectrum * np.exp(2j * np.pi * middle * (rows + columns)) if middle else spectrum
    inner = np.s_[_BORDER:-_BORDER, _BORDER:-_BORDER]
    fit_for = (seen[inner] > 4) & (seen[inner] < 251)
    if fit_for.mean() < 0.1:
        fit_for[...] = True

    def predict(down: float, right: float, both: float) -> Floats:
        exponent = down * rows**2 + right * columns**2 + 2 * both * rows * columns
        blurred = fft.irfft2(moved * np.exp(-2 * np.pi**2 * exponent), sharp.shape)
        if form == "sampled":
            return blurred[::scale, ::scale]
        return np.asarray(matlab.imresize(blurred, Fraction(1, scale)))

    def variances(point: Floats) -> tuple[float, float, float]:
        # Cholesky's factor, so that every point is a covariance.
        a, b, c = point
        return a * a, b * b + c * c, a * c

    def error(point: Floats) -> float:
        gap = (predict(*variances(point)) - seen)[inner][fit_for]
        return float(np.mean(gap**2))

    start = min(_WIDTHS, key=lambda width: error(np.array([width, width, 0.0])))
    # A simplex with legs of a tenth of the width; round ones first, since most are.
    simplex = np.array([[start, start, 0.0]] * 4)
    simplex[1:] += np.diag([0.15 * start] * 3)
    options = {"initial_simplex": simplex, "maxfev": 70, "xatol": 0.01, "fatol": 1e-4}
    found = optimize.minimize(error, simplex[0], method="Nelder-Mead", options=options).x
    down, right, both = variances(found)
    values, axes = np.linalg.eigh(np.array([[down, both], [both, right]]))
    angle = math.degrees(math.atan2(-axes[0, 1], axes[1, 1])) % 180
    left, noise = noise_of(predict(down, right, both)[inner], seen[inner])
    return Blur(math.sqrt(values[1]), math.sqrt(max(values[0], 0)), angle, form, left, noise)
