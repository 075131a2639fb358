"""Blur kernels given as arrays (point spread functions, PSF), and LR samples taken through them.

A PSF is a float64 array (k, l) that sums to 1; ``psf[i, j]`` is the weight of the HR pixel ``i`` below and
``j`` right of its first tap (correlation: nothing is flipped).  Its *position* is its centre of mass.

**Rounding.** Sums are taken in float64 by OpenCV and rounded half up, with ties found by a margin of
:data:`TIE`, which is far above the errors of the sums.  A symmetric PSF on a straight edge between 0 and 255
is exactly 127.5 on paper; without the margin the order of the sum, and so the processor, would decide.

Images are worked on in strips, so that memory does not grow with their height.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sisr.base.errors import ConfigError, unknown
from sisr.lr.kernels import matlab

Floats = NDArray[np.float64]
Pixels = NDArray[np.uint8]

#: Sums nearer than this to a tie are ties; the errors of float64 sums of 8-bit values are below 1e-10.
TIE = 1e-8

#: Values of a strip: 8 bytes each while they are summed.
_STRIP = 2**21


def _reflect(positions: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """... 2 1 | 0 1 .. n-1 | n-2 n-3 ...: the edge sample is not repeated."""
    period = max(2 * n - 2, 1)
    folded = positions % period
    return np.minimum(folded, period - folded)


def _wrap(positions: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return positions % n


#: Positions of any distance beyond the border -> positions in [0, n).
BORDERS = {**matlab.BORDERS, "reflect": _reflect, "wrap": _wrap}


# --- point spread functions -----------------------------------------------------------------------------


def grid(size: int) -> tuple[Floats, Floats]:
    """Distances (down, right) of a square's pixels from its middle, float64 (size, size) each."""
    axis = np.arange(size) - (size - 1) / 2
    down, right = np.meshgrid(axis, axis, indexing="ij")
    return down, right


def gaussian(size: int, sigma: float) -> Floats:
    """MATLAB's ``fspecial('gaussian', size, sigma)``: (size, size), tiny weights set to zero.

    >>> gaussian(3, sigma=1).round(4).tolist()[1]
    [0.1238, 0.2042, 0.1238]
    """
    down, right = grid(size)
    weights = np.exp(-(down**2 + right**2) / (2 * sigma**2))
    weights[weights < np.finfo(np.float64).eps * weights.max()] = 0
    return weights / weights.sum()


def mahalanobis(size: int, variances: tuple[float, float], angle: float) -> Floats:
    """Squared distance from the middle in units of an ellipse, (size, size).

    ``variances`` are those along the axes, in HR pixels squared; the first axis is turned by ``angle``
    radians from the right, counter-clockwise.
    """
    down, right = grid(size)
    along = np.cos(angle) * right - np.sin(angle) * down
    across = np.sin(angle) * right + np.cos(angle) * down
    return along**2 / variances[0] + across**2 / variances[1]


def position(psf: Floats) -> tuple[float, float]:
    """Centre of mass, (down, right) from the first tap."""
    down, right = np.indices(psf.shape)
    return float((psf * down).sum() / psf.sum()), float((psf * right).sum() / psf.sum())


def first_tap(size: int, scale: int) -> int:
    """HR position that a PSF's first tap reads for LR sample 0, such that its middle lies on the sample.

    Where one of size and scale is odd and the other even there is no such position; then the middle lies
    half a pixel above (or left of) the sample.
    """
    return (scale - size) // 2


def phase(psf: Floats, scale: int) -> tuple[float, float]:
    """Where :func:`sample` puts LR samples, (down, right) in HR pixels from the centre of their area."""
    down, right = (
        at + first_tap(size, scale) - (scale - 1) / 2
        for at, size in zip(position(psf), psf.shape, strict=True)
    )
    return down, right


def centred(psf: Floats, scale: int) -> Floats:
    """The PSF moved by cubic splines until its centre of mass lies on the LR sample (phase 0).

    The kernel shift of KernelGAN (https://github.com/sefibk/KernelGAN), repeated until it is exact: what a
    shift pushes out of the array moves the centre of mass again.
    """
    from scipy import ndimage

    moved = psf
    # As KernelGAN, a tap whose place lies outside the array by however little is 0, so that a row goes at
    # once where the shift passes a whole pixel.  Where the centre lies in that leap no shift is exact; then
    # the row fades out.
    for mode in ("constant", "grid-constant"):
        shift, moved = np.zeros(2), psf
        for _ in range(20):
            off = np.array(phase(moved, scale))
            if np.abs(off).max() < 1e-9:
                return moved
            shift -= off
            moved = ndimage.shift(psf, shift, mode=mode)
            moved = moved / moved.sum()
    return moved


# --- sampling an image ----------------------------------------------------------------------------------


def sample(hr: Pixels, psf: Floats, scale: int, border: str) -> Pixels:
    """Blur, then keep one pixel of each block: uint8 (H, W[, 3]) -> (H/scale, W/scale[, 3]).

    LR sample ``i`` is the sum of ``psf * hr`` whose first tap lies at ``i * scale + first_tap(size, scale)``.
    """
    lr = np.empty((hr.shape[0] // scale, hr.shape[1] // scale, *hr.shape[2:]), np.uint8)
    first = first_tap(psf.shape[0], scale), first_tap(psf.shape[1], scale)
    for begin, end in strips(len(lr), hr[0].size * scale):
        sums = _sums(hr, psf, border, (begin * scale + first[0], first[1]), (end - begin, lr.shape[1]), scale)
        lr[begin:end] = to_pixels(sums)
    return lr


def blur(image: Pixels, psf: Floats, border: str) -> Pixels:
    """Blur without sampling: uint8 in, uint8 of the same size out."""
    return sample(image, psf, 1, border)


def blur_bicubic(hr: Pixels, psf: Floats, scale: int, border: str) -> Pixels:
    """Blur, then MATLAB's bicubic imresize, in floating point up to the last rounding.

    ``border`` is that of the blur; bicubic mirrors.  The PSF must have odd sides.
    """
    lr = np.empty((hr.shape[0] // scale, hr.shape[1] // scale, *hr.shape[2:]), np.uint8)
    first = first_tap(psf.shape[0], 1), first_tap(psf.shape[1], 1)
    margin = 3  # LR rows that see a strip's border: bicubic reads 2 * scale HR pixels each way
    for begin, end in strips(len(lr), hr[0].size * scale):
        top, bottom = max(begin - margin, 0), min(end + margin, len(lr))
        shape = ((bottom - top) * scale, hr.shape[1])
        blurred = _sums(hr, psf, border, (top * scale + first[0], first[1]), shape, 1)
        lr[begin:end] = to_pixels(matlab.imresize(blurred, Fraction(1, scale))[begin - top : end - top])
    return lr


def strips(rows: int, values: int) -> Iterator[tuple[int, int]]:
    """Cut ``rows`` rows of ``values`` values each into strips (begin, end) of about ``_STRIP`` values."""
    step = max(1, _STRIP // max(values, 1))
    for begin in range(0, rows, step):
        yield begin, min(begin + step, rows)


def to_pixels(values: NDArray[Any]) -> Pixels:
    """Clip to [0, 255] and round half up, ties found by :data:`TIE`; uint8."""
    return np.floor(np.clip(values, 0, 255) + (0.5 + TIE)).astype(np.uint8)


def _sums(
    image: Pixels,
    psf: Floats,
    border: str,
    first: tuple[int, int],
    shape: tuple[int, int],
    step: int,
) -> Floats:
    """float64 (*shape[, 3]): sums over the PSF with its first tap at ``first + step * (row, column)``."""
    import cv2

    if border not in BORDERS:
        raise ConfigError(unknown("border", border, BORDERS))
    reach = [start + step * (n - 1) + k for start, n, k in zip(first, shape, psf.shape, strict=True)]
    rows = BORDERS[border](np.arange(first[0], reach[0]), image.shape[0])
    columns = BORDERS[border](np.arange(first[1], reach[1]), image.shape[1])
    padded = image[rows][:, columns].astype(np.float64)  # for 8-bit images OpenCV would sum in float32
    # OpenCV's own border is never read: the anchor is the first tap, and sums that begin too late are left.
    sums = cv2.filter2D(padded, cv2.CV_64F, psf, anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)
    kept = sums[: step * (shape[0] - 1) + 1 : step, : step * (shape[1] - 1) + 1 : step]
    return np.ascontiguousarray(kept.reshape(*shape, *image.shape[2:]))
