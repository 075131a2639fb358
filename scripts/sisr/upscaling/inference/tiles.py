"""Cutting an image into tiles: each keeps its own part of the output and looks at context around it.

With at least as much context as the network looks at, the parts are those of the whole image: at the
image's border a tile ends where the image ends, so that the network's own padding acts there and nowhere
else; what padding does at the other edges stays within the context, which is cut off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Span:
    """One tile along one axis, in input pixels: it reads ``[start, stop)`` and keeps ``[first, last)``."""

    start: int
    stop: int
    first: int
    last: int


def spans(length: int, tile: int, context: int, multiple_of: int = 1) -> list[Span]:
    """Tiles along an axis of ``length`` pixels.

    ``tile``: pixels kept by a tile; all keep nearly the same number.  Where a tile begins and how much it
    reads is a multiple of ``multiple_of``, as far as the image reaches.

    >>> spans(length=100, tile=50, context=8)
    [Span(start=0, stop=58, first=0, last=50), Span(start=42, stop=100, first=50, last=100)]
    """
    tile = max(multiple_of, tile - tile % multiple_of)
    count = max(1, -(-length // tile))
    even = -(-length // count)
    even += -even % multiple_of
    found = []
    for first in range(0, length, even):
        last = min(first + even, length)
        start = max(0, first - context)
        start -= start % multiple_of
        stop = min(length, last + context)
        stop = min(length, stop + -(stop - start) % multiple_of)
        found.append(Span(start, stop, first, last))
    return found


def tiles(
    height: int, width: int, tile: int, context: int, multiple_of: int = 1
) -> Iterator[tuple[Span, Span]]:
    """Pairs of spans (down, across), row by row.

    >>> len(list(tiles(100, 60, tile=50, context=8)))
    4
    """
    for down in spans(height, tile, context, multiple_of):
        for across in spans(width, tile, context, multiple_of):
            yield down, across


def windows(length: int, side: int, context: int, multiple_of: int = 1) -> list[Span]:
    """Tiles along an axis that all read ``side`` pixels, some of which two neighbours keep.

    ``side`` is more than ``2 * context + multiple_of``, and at most ``length``, which it is a multiple of
    ``multiple_of`` apart from.

    >>> windows(length=100, side=64, context=8)
    [Span(start=0, stop=64, first=0, last=56), Span(start=36, stop=100, first=44, last=100)]
    """
    step = side - 2 * context - 1
    step -= step % multiple_of
    return [
        Span(
            start,
            start + side,
            start + context * (start > 0),
            start + side - context * (start + side < length),
        )
        for start in (*range(0, length - side, step), length - side)
    ]
