"""Where an image's samples lie: sub-pixel shifts of LR grids and of SR images against the HR image.

A *shift* is (down, right) in HR pixels.  An image of sampling distance ``s`` (the scale for an LR image, 1
for an SR image) has shift ``d`` where its sample ``i`` shows what the HR image has at
``(i + 0.5) * s - 0.5 + d``: at ``d = 0`` in the centre of the s x s pixels that it stands for.  A positive
shift thus looks *below and to the right*, and the enlarged image seems moved up and to the left.

Two measurements that share nothing:

:func:`ramp_shift`
    A kernel on ramps of known slope.  For a linear kernel whose weights sum to 1 the mean value says in
    closed form where the samples lie: it is the centroid of the weights.
:func:`image_shift`
    Registration of real images, for LR and SR alike, without knowing what made them.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sisr.base.colour import rgb_to_y

Floats = NDArray[np.float64]

#: Shift that is called zero, in HR pixels: what the measurement on ramps resolves.
TOLERANCE = 0.02

# --- on ramps -------------------------------------------------------------------------------------------

#: Side of a ramp along and across its slope in pixels.  The middle third is used, so that kernels of up to 65
#: pixels see no border: MATLAB's Lanczos at x8 has 48.
_ALONG, _ACROSS = 96, 128
#: Least and greatest slope in levels a pixel, amplitude of the noise in levels, and number of ramps an axis.
_SLOPES, _DITHER, _RAMPS = (1.2, 2.0), 30, 16


class Downsampler(Protocol):
    """uint8 (H, W) and a key for random numbers -> uint8 (H / scale, W / scale)."""

    def __call__(self, hr: NDArray[np.uint8], key: str) -> NDArray[np.uint8]: ...


class RampShift(NamedTuple):
    """Shift on ramps in HR pixels, and the half width of each axis' 99.9 % interval."""

    down: float
    right: float
    down_error: float
    right_error: float


def ramp_shift(downsample: Downsampler, scale: int) -> RampShift:
    """Shift of a downsampling function's grid, from ramps along each axis.

    Rounding to 8 bits alone would hide a quarter of a pixel on a ramp of 2 levels a pixel.  So every ramp
    carries noise, which spreads what is rounded evenly over the fractions of a level, and is used four times:
    with the noise added and subtracted, which cancels the noise itself, and each of them also as its negative
    (255 - v), which cancels the direction in which ties are rounded and, drawn from the same key, noise that
    the kernel itself adds.  Every ramp has another slope and key, so that what a coarser quantiser (JPEG's)
    or a random blur does to one is not done to all.

    The error of the mean is below 0.02 pixels for linear kernels; for kernels that draw random numbers or
    compress it is what the returned intervals say.
    """
    rng = np.random.default_rng(0)
    along, across = (side - side % scale for side in (_ALONG, _ACROSS))
    centres = (np.arange(along // scale) + 0.5) * scale - 0.5
    middle = np.flatnonzero((centres >= along / 3) & (centres <= 2 * along / 3 - 1))
    rows = slice(across // scale // 4, across // scale - across // scale // 4)

    found: Floats = np.empty((_RAMPS, 2))
    for number, slope in enumerate(np.linspace(*_SLOPES, _RAMPS)):
        first = 127.5 - slope * (along - 1) / 2
        line = first + slope * np.arange(along)
        expected = first + slope * centres[middle]
        noise = rng.uniform(-_DITHER, _DITHER, (across, along))
        for axis in range(2):
            total = 0.0
            for sign in (1, -1):
                for negative in (False, True):
                    ramp = np.rint(line + sign * noise).astype(np.uint8)
                    hr = 255 - ramp if negative else ramp
                    key = f"ramp/{number}/{axis}"
                    lr = downsample(hr if axis else np.ascontiguousarray(hr.T), key).astype(float)
                    lr = lr if axis else lr.T
                    values = (255 - lr if negative else lr)[rows, middle]
                    total += float((values - expected).mean()) / slope / 4
            found[number, axis] = total
    down, right = found.mean(axis=0)
    errors = found.std(axis=0, ddof=1) / np.sqrt(_RAMPS)
    errors *= interval(_RAMPS)
    return RampShift(float(down), float(right), float(errors[0]), float(errors[1]))


def interval(count: int) -> float:
    """Half width of the 99.9 % interval of a mean over ``count`` values, in standard errors (Student's t)."""
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, 0.9995))


# --- on images ----------------------------------------------------------------------------------------

#: Standard deviation, in samples of the scale, of the Gaussian that both images are smoothed with.
_SIGMA = 1.0
#: Samples left out at each border, where smoothing sees beyond it.
_BORDER = 4
_ITERATIONS = 12
#: Images with fewer inner samples than this have no measurable shift.
_LEAST = 48


def image_shift(
    hr: NDArray[np.uint8], image: NDArray[np.uint8], distance: int, scale: int
) -> tuple[float, float]:
    """Shift of an image against the HR image that it was made from.

    Parameters
    ----------
    hr : uint8 (H, W) or (H, W, 3), sides multiples of ``distance``
    image : uint8 (H / distance, W / distance[, 3]); luma is compared
    distance : of the image's samples in HR pixels: the scale for an LR image, 1 for an SR image
    scale : of the super-resolution; both are smoothed over as many HR pixels, which takes away what was lost
        at this scale and what aliased

    Returns
    -------
    (down, right) in HR pixels; NaN for images that are too small or too plain to tell.

    Notes
    -----
    Least squares on the images themselves (Lucas and Kanade, IJCAI 1981): the shift, a gain and an offset
    with which the smoothed HR image, interpolated by cubic splines, is nearest to the smoothed image.  Its
    second derivatives are fitted too: they are what another blur adds, and without them a strong blur would
    move the result through the borders.  On shifts that are known exactly the error is below 0.006 pixels,
    where phase correlation (scikit-image's, with and without window and whitening) is off by up to 0.13: an
    image is not periodic, and its borders pull it to zero.  Aliasing in images made without antialiasing
    is noise to it: about 0.03 pixels an image of Set5 at x4.
    """
    from scipy import ndimage

    height, width = image.shape[:2]
    if hr.shape[:2] != (height * distance, width * distance):
        expected, found = (height * distance, width * distance), hr.shape[:2]
        raise ValueError(f"expected an HR image of {expected}, found {found}")
    truth, seen = rgb_to_y(hr), rgb_to_y(image)
    # An SR image is as smooth as an LR image after smoothing; every scale-th sample of it says it all.
    stride = scale // distance
    smooth = _SIGMA * scale
    seen = ndimage.gaussian_filter(seen, smooth / distance, mode="nearest")[::stride, ::stride]
    step = distance * stride
    inner = np.s_[_BORDER : seen.shape[0] - _BORDER, _BORDER : seen.shape[1] - _BORDER]
    target = seen[inner].ravel()
    if min(seen.shape) <= 2 * _BORDER or target.size < _LEAST:
        return float("nan"), float("nan")
    # Splines of the smoothed image and of its derivatives; the second ones are what another blur adds.
    splines = [
        ndimage.spline_filter(ndimage.gaussian_filter(truth, smooth, order=order, mode="nearest"), order=3)
        for order in ((1, 0), (0, 1), (0, 0), (2, 0), (1, 1), (0, 2))
    ]
    shift = np.zeros(2)
    for _ in range(_ITERATIONS):
        first = (distance - 1) / 2 + shift
        sampled = [
            ndimage.affine_transform(
                spline, [step, step], first, output_shape=seen.shape, mode="nearest", prefilter=False
            )[inner].ravel()
            for spline in splines
        ]
        columns = np.stack([*sampled, np.ones_like(target)], axis=1)
        solution, _, rank, _ = np.linalg.lstsq(columns, target, rcond=1e-8)
        if rank < columns.shape[1] or solution[2] == 0:
            return float("nan"), float("nan")
        update = solution[:2] / solution[2]
        shift += update
        if not (np.abs(shift) < 2 * scale).all():
            return float("nan"), float("nan")
        if np.abs(update).max() < 1e-4:
            break
    return float(shift[0]), float(shift[1])
