"""Sums over blocks of an image, from which the numbers of any part of it follow."""

from __future__ import annotations

import base64

import numpy as np
from numpy.typing import NDArray

#: Side of a block in HR pixels.
BLOCK = 16


def count(length: int) -> int:
    """Blocks along a side of ``length`` pixels; the last one may be smaller."""
    return -(-length // BLOCK)


def sums(values: NDArray[np.float64], margin: int, height: int, width: int) -> NDArray[np.float64]:
    """Sums of ``values``, which lie ``margin`` pixels inside an image of that size, over its blocks."""
    rows, columns = count(height), count(width)
    padded = np.zeros((rows * BLOCK, columns * BLOCK))
    padded[margin : margin + values.shape[0], margin : margin + values.shape[1]] = values
    return padded.reshape(rows, BLOCK, columns, BLOCK).sum(axis=(1, 3))


def spread(values: NDArray[np.floating], height: int, width: int) -> NDArray[np.float64]:
    """A coarser map that covers an image of that size evenly, as means over its blocks.

    Each value counts by the area that its rectangle shares with a block, so that the mean of the blocks,
    each weighted by its pixels, is the mean of ``values``.
    """
    down, across = _shares(values.shape[0], height), _shares(values.shape[1], width)
    return down @ np.asarray(values, np.float64) @ across.T


def _shares(cells: int, length: int) -> NDArray[np.float64]:
    """Share of each of ``cells`` equal parts of a side in each block, (blocks, cells); rows sum to 1."""
    ends = np.linspace(0, length, cells + 1)
    starts = np.arange(count(length)) * BLOCK
    stops = np.minimum(starts + BLOCK, length)
    overlap = np.minimum(stops[:, None], ends[None, 1:]) - np.maximum(starts[:, None], ends[None, :-1])
    return np.maximum(overlap, 0) / (stops - starts)[:, None]


def encode(values: NDArray[np.float64]) -> str:
    """Float32, row by row, little endian, in base64."""
    return base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")
