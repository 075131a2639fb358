"""MATLAB's ``imresize``, value for value, for 8-bit and floating-point images.

The published LR sets of the field were made with MATLAB R2013-R2019 ``imresize(hr, 1/s, 'bicubic')``:

* separable; rows first (dimension 1), then columns, as MATLAB sorts dimensions by scale and keeps ties;
* output size ``ceil(scale * size)``; output sample ``x`` (1-based) lies at ``u = x/scale + (1 - 1/scale)/2``;
* cubic convolution with a = -0.5 (Keys 1981); when shrinking, the kernel is widened by ``1/scale``
  (antialiasing) and the weights of each output sample are normalised to sum to 1;
* 8-bit data are clipped and rounded, half away from zero, **after each of the two passes**; most Python
  ports keep floats between the passes and then differ in about 14 % of the values;
* beyond the border the image is mirrored, edge sample included (``symmetric``), or, in the older sets,
  its edge is replicated.

**Exactness.** For most scales in use (2, 4, 8 and their inverses) every cubic weight is ``n / 2**k``.  Sums
of 8-bit values times such weights are exact in floating point as long as they fit the mantissa, so that
they may be computed in any order, and in particular by banded matrix products; the precision is
chosen from the weights (:func:`_exact_dtype`).  Where weights are not dyadic (x3), and for floating-point
images, taps are added in float64 in the order of MATLAB's weight table, with no fused or reordered sums,
so that ties of the rounding fall alike on every machine.

Validated against the LR sets of PAN (https://github.com/zhaohengyuan1/PAN: Set5 x2 and x4, Set14 x2): no
differing value, provided that HR images of other sizes are first cropped at the bottom and the right to a
multiple of the scale; the border that is mirrored is that of the cropped image.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from sisr.base.errors import ConfigError, ImageError, unknown

Floats = NDArray[np.float64]


# --- kernels: float64 array of distances in samples -> weights ------------------------------------------


def cubic(x: Floats) -> Floats:
    """Cubic convolution, a = -0.5 (Keys, IEEE TASSP 29(6), 1981, eq. 15), support [-2, 2].

    >>> cubic(np.array([0.0, 0.5, 1.0, 1.5])).tolist()
    [1.0, 0.5625, 0.0, -0.0625]
    """
    a1 = np.abs(x)
    a2, a3 = a1 * a1, a1 * a1 * a1
    inner = (1.5 * a3 - 2.5 * a2 + 1) * (a1 <= 1)
    outer = (-0.5 * a3 + 2.5 * a2 - 4 * a1 + 2) * ((a1 > 1) & (a1 <= 2))
    return inner + outer


def linear(x: Floats) -> Floats:
    """Triangle, support [-1, 1].

    >>> linear(np.array([0.0, 0.25, 1.0])).tolist()
    [1.0, 0.75, 0.0]
    """
    return (x + 1) * ((x >= -1) & (x < 0)) + (1 - x) * ((x >= 0) & (x <= 1))


def box(x: Floats) -> Floats:
    """Box, support [-0.5, 0.5): the mean when shrinking, nearest neighbour when enlarging."""
    return ((x >= -0.5) & (x < 0.5)).astype(np.float64)


def lanczos3(x: Floats) -> Floats:
    """Lanczos, three lobes, support [-3, 3], with MATLAB's guard of the removable singularity at 0."""
    eps = np.finfo(np.float64).eps
    value = (np.sin(np.pi * x) * np.sin(np.pi * x / 3) + eps) / ((np.pi**2 * x**2 / 3) + eps)
    return value * (np.abs(x) < 3)


class Kernel(NamedTuple):
    """A weight function and the width of its support in samples."""

    function: Callable[[Floats], Floats]
    width: float


KERNELS: dict[str, Kernel] = {
    "cubic": Kernel(cubic, 4.0),
    "linear": Kernel(linear, 2.0),
    "box": Kernel(box, 1.0),
    "lanczos3": Kernel(lanczos3, 6.0),
}


# --- borders: sample positions, any integer -> positions in [0, n) --------------------------------------


def _mirror(positions: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """... 1 0 | 0 1 .. n-1 | n-1 n-2 ...; periodic, so any distance from the border is defined."""
    folded = positions % (2 * n)
    return np.minimum(folded, 2 * n - 1 - folded)


def _replicate(positions: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    return np.clip(positions, 0, n - 1)


BORDERS: dict[str, Callable[[NDArray[np.int64], int], NDArray[np.int64]]] = {
    "mirror": _mirror,
    "replicate": _replicate,
}


# --- weights --------------------------------------------------------------------------------------------


def contributions(
    in_length: int, out_length: int, scale: float, kernel: Kernel, antialias: bool
) -> tuple[NDArray[np.int64], Floats]:
    """MATLAB's ``contributions``: which samples each output sample sums, and with which weights.

    Returns
    -------
    first : int64 ``(out_length,)``
        0-based position of the first tap; beyond the image where negative or >= ``in_length``.
    weights : float64 ``(out_length, taps)``
        Rows sum to 1; tap ``k`` of output ``i`` reads position ``first[i] + k``.
    """
    function, width = kernel
    stretch = scale if antialias and scale < 1 else 1.0
    width /= stretch
    # The operations and their order are MATLAB's: floor() below turns a last-bit difference into a shift.
    u = np.arange(1, out_length + 1) / scale + 0.5 * (1 - 1 / scale)
    left = np.floor(u - width / 2)
    taps = left[:, None] + np.arange(math.ceil(width) + 2)
    weights = stretch * function(stretch * (u[:, None] - taps))
    weights /= weights.sum(axis=1, keepdims=True)
    used = np.flatnonzero(weights.any(axis=0))
    weights = np.ascontiguousarray(weights[:, used[0] : used[-1] + 1])
    return left.astype(np.int64) - 1 + used[0], weights


def _exact_dtype(weights: Floats) -> type[np.floating] | None:
    """Narrowest type in which 8-bit values times ``weights`` sum exactly in any order; None if none does.

    With all weights multiples of ``2**-k``, each partial sum is a multiple of ``2**-k`` of magnitude at most
    ``255 * sum(|w|)``; it is exact when that magnitude over ``2**-k`` does not exceed ``2**mantissa bits``.
    """
    bound = 255 * np.abs(weights).sum(axis=1).max()
    for bits in range(33):
        scaled = weights * 2.0**bits
        if np.array_equal(scaled, np.rint(scaled)):
            needed = bound * 2.0**bits
            return np.float32 if needed <= 2**24 else np.float64 if needed <= 2**53 else None
    return None


@dataclass(frozen=True)
class _Axis:
    """How one axis is resized: MATLAB's weight table and, where sums are exact, the same as equal blocks.

    Output samples ``[i * b, (i + 1) * b)`` are ``matrix @`` the input positions
    ``begin + i * step + [0, k)``, with ``(b, k) = matrix.shape``.  The last block may go beyond the output.
    """

    in_length: int
    out_length: int
    first: NDArray[np.int64]
    weights: Floats
    matrix: NDArray[np.floating] | None
    step: int

    @property
    def begin(self) -> int:
        """Position that the first block begins to read at; mostly negative, beyond the border."""
        return int(self.first[0])


@lru_cache(maxsize=32)
def _axis(in_length: int, scale: Fraction, kernel: str, antialias: bool) -> _Axis:
    out_length = math.ceil(in_length * scale)
    first, weights = contributions(in_length, out_length, float(scale), KERNELS[kernel], antialias)
    dtype = _exact_dtype(weights)
    # At scale p/q, weights repeat after p output samples, which advance by q input samples.
    period, advance = scale.numerator, scale.denominator
    repeats = np.array_equal(weights[period:], weights[:-period]) and (
        np.array_equal(first[period:], first[:-period] + advance)
    )
    if dtype is None or not repeats or out_length < period:
        return _Axis(in_length, out_length, first, weights, None, 0)
    block = period * math.ceil((_BLOCK_SHRINK if scale < 1 else _BLOCK_ENLARGE) / period)
    rows = np.arange(block)
    offsets = first[rows % period] - first[0] + rows // period * advance
    taps = offsets[:, None] + np.arange(weights.shape[1])
    matrix = np.zeros((block, int(taps[-1, -1]) + 1), dtype)
    np.put_along_axis(matrix, taps, weights[rows % period].astype(dtype), axis=1)
    return _Axis(in_length, out_length, first, weights, matrix, block // period * advance)


# --- resizing -------------------------------------------------------------------------------------------


def imresize(
    image: NDArray[Any],
    scale: float | Fraction,
    border: str = "mirror",
    kernel: str = "cubic",
    antialias: bool = True,
) -> NDArray[Any]:
    """Resize as MATLAB ``imresize(image, scale, kernel)`` does.

    Parameters
    ----------
    image : (h, w) or (h, w, c)
        uint8 on [0, 255], or float32/float64 of any range.  Any size from 1x1.
    scale : > 0; 1/3 and the like may be given as float or, exactly, as ``Fraction(1, 3)``
    border : ``mirror`` (MATLAB) or ``replicate``
    kernel : ``cubic``, ``linear``, ``box`` or ``lanczos3``
    antialias : widen the kernel when shrinking (has no effect when enlarging)

    Returns
    -------
    (ceil(scale*h), ceil(scale*w)[, c]) of the input's type.  8-bit data are clipped and rounded between
    the passes and at the end; floating-point data never, and are summed in float64.

    Raises
    ------
    ImageError : not a 2-D or 3-D image, empty, or of another type
    ConfigError : unknown border or kernel, or a scale that is not positive
    """
    if border not in BORDERS:
        raise ConfigError(unknown("border", border, BORDERS))
    if kernel not in KERNELS:
        raise ConfigError(unknown("kernel", kernel, KERNELS))
    if image.ndim not in (2, 3) or image.size == 0:
        raise ImageError(f"imresize: expected a non-empty (h, w) or (h, w, c) image, found {image.shape}")
    if image.dtype not in (np.uint8, np.float32, np.float64):
        raise ImageError(f"imresize: expected uint8, float32 or float64, found {image.dtype}")
    factor = _fraction(scale)

    cube = image if image.ndim == 3 else image[..., None]
    rows = _axis(cube.shape[0], factor, kernel, antialias)
    columns = _axis(cube.shape[1], factor, kernel, antialias)
    if image.dtype == np.uint8 and rows.matrix is not None and columns.matrix is not None:
        result = _resize_exact(cube, rows, columns, border)
    else:
        result = _resize_ordered(cube, rows, columns, border)
    return result if image.ndim == 3 else result[..., 0]


def shrink(
    hr: NDArray[np.uint8], scale: int, *, border: str, kernel: str = "cubic", antialias: bool = True
) -> NDArray[np.uint8]:
    """Downsampling kernel ``matlab-imresize`` of the registry: ``imresize(hr, 1/scale)``.

    >>> shrink(np.full((8, 8), 9, np.uint8), 4, border="mirror", kernel="cubic").tolist()
    [[9, 9], [9, 9]]
    """
    return imresize(hr, Fraction(1, scale), border, kernel, antialias)


def _fraction(scale: float | Fraction) -> Fraction:
    """Scale as a fraction: floats go to the simple fraction they stand for, so that ceil() is exact."""
    if not (math.isfinite(scale) and scale > 0):
        raise ConfigError(f"imresize: scale must be positive, found {scale}")
    simple = Fraction(scale).limit_denominator(10_000)
    return simple if float(simple) == float(scale) else Fraction(scale)


#: Output samples per block, at least, when shrinking and enlarging.  At scale 1/s each of a block's b samples
#: has a row of s*(b + 3) weights, of which 4*s are not zero: small blocks waste less arithmetic, large ones
#: make better use of the matrix product.
_BLOCK_SHRINK, _BLOCK_ENLARGE = 4, 16
#: Multiplications of one matrix product: its strips stay in the cache.  OpenBLAS runs products of up to 2**18
#: in the calling thread; above, its own threads wait for each other by spinning, which on a busy machine
#: costs a hundred times the product.
_PRODUCT = 2**16


def _resize_exact(cube: NDArray[np.uint8], rows: _Axis, columns: _Axis, border: str) -> NDArray[np.uint8]:
    """Both passes as banded matrix products; needs axes with a matrix, in whose type the sums are exact."""
    assert rows.matrix is not None and columns.matrix is not None
    channels = cube.shape[2]
    flat = cube.reshape(len(cube), -1)  # copies a cropped image, once
    # Interleaved channels are resized side by side: each weight becomes weight * identity(channels).
    spread = np.kron(columns.matrix.T, np.eye(channels, dtype=columns.matrix.dtype))
    block = len(rows.matrix)
    step = max(1, _PRODUCT // spread.size // block)
    result = np.empty((rows.out_length, columns.out_length, channels), np.uint8)
    for start in range(0, math.ceil(rows.out_length / block), step):
        # A strip of output rows goes through both passes while it is in the cache.
        strip = result[start * block : (start + step) * block]
        middle = _rows_exact(flat, rows, border, start, len(strip))
        strip[...] = _columns_exact(middle, columns, border, spread)
    return result


def _rows_exact(
    flat: NDArray[np.uint8], axis: _Axis, border: str, start: int, count: int
) -> NDArray[np.floating]:
    """First pass, (h, n) -> (count, n) floats in [0, 255], rounded: output rows from block ``start`` on."""
    assert axis.matrix is not None
    height, length = flat.shape
    block, taps = axis.matrix.shape
    blocks = math.ceil(count / block)
    begin = axis.begin + start * axis.step
    end = begin + (blocks - 1) * axis.step + taps
    # Rows are cut into equal tiles, the last filled up with zeros.
    tiles = math.ceil(length * axis.matrix.size / _PRODUCT)
    tile = math.ceil(length / tiles)
    source = np.empty((end - begin, tiles * tile), axis.matrix.dtype)
    inside = begin >= 0 and end <= height
    source[:, :length] = flat[begin:end] if inside else flat[BORDERS[border](np.arange(begin, end), height)]
    source[:, length:] = 0
    down, right = source.strides
    bands = as_strided(source, (tiles, blocks, taps, tile), (tile * right, axis.step * down, down, right))
    sums = np.empty((blocks * block, tiles * tile), source.dtype)
    np.matmul(axis.matrix, bands, out=sums.reshape(blocks, block, tiles, tile).transpose(2, 0, 1, 3))
    rounded = _clip_and_half(sums[:count, :length])
    return np.floor(rounded, out=rounded)


def _columns_exact(
    middle: NDArray[np.floating], axis: _Axis, border: str, spread: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Second pass, (r, w * c) -> (r, out_length, c) floats, rounded once they are truncated."""
    assert axis.matrix is not None
    count, width = len(middle), axis.in_length
    cube = middle.reshape(count, width, -1)
    channels = cube.shape[2]
    block, taps = axis.matrix.shape
    blocks = math.ceil(axis.out_length / block)
    begin, end = axis.begin, axis.begin + (blocks - 1) * axis.step + taps
    # A tiny image may lie before all that is read (without antialiasing, the first sample is at (s - 1) / 2).
    first = max(begin, 0)
    last = max(min(end, width), first)
    source = np.empty((count, end - begin, channels), spread.dtype)
    source[:, first - begin : last - begin] = cube[:, first:last]
    for outside in (np.arange(begin, first), np.arange(last, end)):
        source[:, outside - begin] = cube[:, BORDERS[border](outside, width)]
    down, right, _ = source.strides
    bands = as_strided(source, (blocks, count, taps * channels), (axis.step * right, down, source.itemsize))
    sums = np.empty((count, blocks * block * channels), spread.dtype)
    np.matmul(bands, spread, out=sums.reshape(count, blocks, block * channels).transpose(1, 0, 2))
    return _clip_and_half(sums.reshape(count, -1, channels)[:, : axis.out_length])


def _clip_and_half(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """In place: clip to [0, 255] and add 0.5, so that floor() rounds half away from zero."""
    np.clip(values, 0, 255, out=values)
    values += 0.5
    return values


def _resize_ordered(cube: NDArray[Any], rows: _Axis, columns: _Axis, border: str) -> NDArray[Any]:
    """Both passes with float64 sums in the order of the taps."""
    middle = _pass_ordered(cube, rows, border)
    turned = np.ascontiguousarray(middle.transpose(1, 0, 2))
    return np.ascontiguousarray(_pass_ordered(turned, columns, border).transpose(1, 0, 2))


#: Rows and values of a row that :func:`_pass_ordered` sums at once; measured best.
_ROWS, _VALUES = 16, 4096


def _pass_ordered(cube: NDArray[Any], axis: _Axis, border: str) -> NDArray[Any]:
    """Resize the first axis; the result has the input's type, rounded if that is uint8."""
    flat = cube.reshape(axis.in_length, -1)
    positions = BORDERS[border](axis.first[:, None] + np.arange(axis.weights.shape[1]), axis.in_length)
    result = np.empty((axis.out_length, flat.shape[1]), cube.dtype)
    for left in range(0, flat.shape[1], _VALUES):
        tile = np.s_[left : left + _VALUES]
        source = np.ascontiguousarray(flat[:, tile], dtype=np.float64)
        taken = np.empty((_ROWS, source.shape[1]))
        for start in range(0, axis.out_length, _ROWS):
            block = np.s_[start : start + _ROWS]
            total = np.zeros((len(positions[block]), source.shape[1]))
            terms = taken[: len(total)]
            for tap in range(positions.shape[1]):
                # Positions are in range; with the default mode, "raise", take() would buffer its output.
                np.take(source, positions[block, tap], axis=0, out=terms, mode="clip")
                terms *= axis.weights[block, tap, None]
                total += terms
            result[block, tile] = _clip_and_half(total) if cube.dtype == np.uint8 else total
    return result.reshape(axis.out_length, *cube.shape[1:])
