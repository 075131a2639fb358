"""Structural similarity (SSIM) of two float64 planes.

Z. Wang, A. C. Bovik, H. R. Sheikh and E. P. Simoncelli, "Image quality assessment: from error visibility to
structural similarity", IEEE Transactions on Image Processing 13 (2004), with K1 = 0.01 and K2 = 0.03.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np

from sisr.base.colour import Float64Plane
from sisr.base.errors import ScoreError

#: Output rows per strip: the five float64 buffers of a strip of usual width stay near the cache.  The result
#: is the sum over strips, so this constant, unlike the number of threads, may change its last bits.
_STRIP = 64


@dataclass(frozen=True)
class Window:
    """A separable averaging window.

    ``taps`` are the 1-D weights (odd in number, sum 1); ``covariance`` multiplies variances and the
    covariance: 1 for population moments, n/(n-1) for sample moments over n = len(taps)^2 pixels.
    """

    taps: tuple[float, ...]
    covariance: float = 1.0

    @property
    def radius(self) -> int:
        return len(self.taps) // 2


def gaussian(size: int, sigma: float) -> Window:
    """Gaussian window of ``size`` taps, normalised to sum 1.

    >>> window = gaussian(11, 1.5)
    >>> round(sum(window.taps), 12), round(window.taps[5], 4)
    (1.0, 0.266)
    """
    weights = [math.exp(-((i - size // 2) ** 2) / (2 * sigma**2)) for i in range(size)]
    total = math.fsum(weights)
    return Window(tuple(weight / total for weight in weights))


def uniform(size: int) -> Window:
    """Flat window of ``size`` taps with sample covariance."""
    return Window((1.0 / size,) * size, covariance=size**2 / (size**2 - 1))


WINDOWS: dict[str, Window] = {
    "gaussian-valid": gaussian(11, 1.5),
    "matlab-downsampled": gaussian(11, 1.5),
    "skimage-default": uniform(7),
}


#: Exponents of the five scales of MS-SSIM, finest first (Wang, Simoncelli, Bovik, Asilomar 2003).
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def multi_scale_ssim(x: Float64Plane, y: Float64Plane, window: Window, peak: float) -> float:
    """MS-SSIM: contrast and structure at five scales, luminance at the coarsest alone; in [0, 1].

    Between scales both planes are averaged over 2 x 2 pixels (beyond the border mirrored, as ``msssim.m``
    does) and subsampled.  A negative mean counts as 0, which has no fractional power otherwise.  A plane on
    which the window does not fit at the coarsest scale raises :class:`ScoreError`.
    """
    smallest = (len(window.taps) - 1) * 2 ** (len(_SCALE_WEIGHTS) - 1) + 1
    if min(x.shape) < smallest:
        height, width = x.shape
        raise ScoreError(
            f"MS-SSIM needs at least {smallest}x{smallest} pixels, found {width}x{height} after the crop"
        )
    value = 1.0
    for scale, weight in enumerate(_SCALE_WEIGHTS, start=1):
        coarsest = scale == len(_SCALE_WEIGHTS)
        value *= max(0.0, mean_ssim(x, y, window, peak, luminance=coarsest)) ** weight
        if not coarsest:
            x, y = _box_subsample(x, 2), _box_subsample(y, 2)
    return value


def mean_ssim(
    x: Float64Plane,
    y: Float64Plane,
    window: Window,
    peak: float,
    threads: int = 1,
    *,
    luminance: bool = True,
) -> float:
    """Mean SSIM over all positions where the window fits inside the planes.

    Without ``luminance`` the mean of its contrast and structure term alone.

    ``x`` and ``y``: float64 ``(H, W)`` on the scale of ``peak``; the result lies in [-1, 1].  It does not
    depend on ``threads``: strips are fixed and summed in order.  A plane smaller than the window raises
    :class:`ScoreError`.
    """
    size = len(window.taps)
    height, width = x.shape
    if height < size or width < size:
        raise ScoreError(f"SSIM needs at least {size}x{size} pixels, found {width}x{height} after the crop")
    rows, columns = height - size + 1, width - size + 1
    starts = range(0, rows, _STRIP)

    def part(first: int, step: int) -> list[float]:
        buffers = np.empty((5, min(_STRIP, rows) + size - 1, width))
        sums = []
        for top in starts[first::step]:
            stop = min(top + _STRIP, rows) + size - 1
            sums.append(_strip_sum(x[top:stop], y[top:stop], window, peak, buffers, luminance))
        return sums

    workers = max(1, min(threads, len(starts)))
    if workers == 1:
        sums = part(0, 1)
    else:
        sums = [0.0] * len(starts)
        with ThreadPoolExecutor(workers) as pool:
            parts = pool.map(part, range(workers), [workers] * workers)
            for first, values in enumerate(parts):
                sums[first::workers] = values
    return math.fsum(sums) / (rows * columns)


def _strip_sum(
    x: Float64Plane,
    y: Float64Plane,
    window: Window,
    peak: float,
    buffers: Float64Plane,
    luminance: bool,
) -> float:
    """Sum of the SSIM map over a strip that includes the window's margin.

    Four filtered maps suffice, since only the sum of the two variances is needed:

        SSIM = (2 mx my + C1)(2 Cov + C2) / ((mx^2 + my^2 + C1)(Var x + Var y + C2))
        Cov = E[xy] - mx my,    Var x + Var y = E[x^2 + y^2] - (mx^2 + my^2)

    A factor k on all (co)variances is the same as C2/k without it.  Both factors of the numerator are
    halved, and the sum is multiplied by 4 instead.
    """
    c1, c2 = (0.01 * peak) ** 2, (0.03 * peak) ** 2 / window.covariance
    r = window.radius
    taps = np.array(window.taps)
    mx, my, moment, product, squares = buffers[:, : x.shape[0]]

    def smooth(source: Float64Plane, target: Float64Plane, delta: float = 0.0) -> Float64Plane:
        # Whole rows are kept, so that what follows runs over contiguous memory; the columns and rows that
        # depend on the border rule are left out of the sum.
        cv2.sepFilter2D(
            source, cv2.CV_64F, taps, taps, dst=target, delta=delta, borderType=cv2.BORDER_REPLICATE
        )
        return target[r:-r]

    np.multiply(x, x, out=squares)
    np.multiply(y, y, out=moment)
    squares += moment
    np.multiply(x, y, out=product)
    variance = smooth(squares, moment, c2)  # E[x^2 + y^2] + C2
    covariance = smooth(product, squares, c2 / 2)  # E[xy] + C2/2
    mx, my = smooth(x, mx), smooth(y, my)

    cross = np.multiply(mx, my, out=product[r:-r])
    mx *= mx
    my *= my
    mx += my  # mx^2 + my^2
    covariance -= cross
    variance -= mx
    if not luminance:
        covariance /= variance
        return 2 * float(covariance[:, r:-r].sum())
    cross += c1 / 2
    mx += c1
    cross *= covariance
    mx *= variance
    cross /= mx
    return 4 * float(cross[:, r:-r].sum())


def downsample(plane: Float64Plane) -> Float64Plane:
    """The automatic downsampling of ``ssim.m`` (2009): f x f means, then every f-th pixel.

    f = max(1, round(min(H, W) / 256)); the mean is MATLAB's ``imfilter(plane, ones(f)/f^2, 'symmetric')``.
    """
    factor = max(1, math.floor(min(plane.shape) / 256 + 0.5))
    return plane if factor == 1 else _box_subsample(plane, factor)


def _box_subsample(plane: Float64Plane, factor: int) -> Float64Plane:
    """f x f means, mirrored beyond the border, of which every f-th is kept."""
    anchor = (factor - 1) // 2  # imfilter centres a window of even size on the left of its middle
    smooth = cv2.blur(plane, (factor, factor), anchor=(anchor, anchor), borderType=cv2.BORDER_REFLECT)
    return np.ascontiguousarray(smooth[::factor, ::factor])


def ssim_map(x: Float64Plane, y: Float64Plane, window: Window, peak: float) -> Float64Plane:
    """SSIM at every position where the window fits: float64 ``(H - size + 1, W - size + 1)``.

    Its mean is :func:`mean_ssim`, to which errors of rounding apart it is equal.
    """
    size = len(window.taps)
    if min(x.shape) < size:
        raise ScoreError(f"SSIM needs at least {size}x{size} pixels, found {x.shape[1]}x{x.shape[0]}")
    c1, c2 = 1e-4 * peak**2, 9e-4 * peak**2
    inner = slice(window.radius, -window.radius)
    taps = np.array(window.taps)

    def smooth(plane: Float64Plane) -> Float64Plane:
        filtered = np.empty_like(plane)
        cv2.sepFilter2D(plane, cv2.CV_64F, taps, taps, dst=filtered)
        return filtered[inner, inner]

    mx, my = smooth(x), smooth(y)
    covariance = window.covariance * (smooth(x * y) - mx * my)
    variances = window.covariance * (smooth(x * x + y * y) - mx * mx - my * my)
    return (2 * mx * my + c1) * (2 * covariance + c2) / ((mx * mx + my * my + c1) * (variances + c2))
