"""Networks of a fixed input size on larger images: in windows of that size, exactly or not at all.

What the borders of a window do to its output is measured on noise, of which two windows see the same pixels
at different places: where both outputs agree, no border was felt.  Every window of an image gives that part
of its output, and one at the border of the image also what lies there, since its border is the image's.  So
the windows together give what the network would for the whole image.  There is no such thing for a network
that looks at all of its window, or does other things at other places: it is refused.
"""

from __future__ import annotations

from functools import cached_property
from itertools import product

import numpy as np

from sisr.base.errors import ModelError
from sisr.upscaling.engines.planes import Planes
from sisr.upscaling.inference.tiles import Span, windows

#: Shifts that are tried, in pixels: a network that first halves an image does the same at every second pixel.
_SHIFTS = (1, 2, 3, 4, 8, 16)
#: Difference, as a part of the range, within which two float32 outputs are the same but for rounding.
_ROUNDING = 1e-5
#: The same for neighbouring windows of an image, should what was measured on noise not hold for it.
_SEAM = 1e-4


class Windowed:
    """A network of a fixed input ``size`` (None along an axis: of any) as one for larger images too."""

    def __init__(
        self,
        run: Planes,
        size: tuple[int | None, int | None],
        scale: int,
        channels: int,
        peak: int,
        name: str,
    ) -> None:
        self._run, self._size, self._scale, self._channels = run, size, scale, channels
        self._peak = np.float32(peak)
        height, width = (fixed or "any" for fixed in size)
        self._takes = f"{name}: takes {width}x{height} only"

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        """Raises :class:`ModelError`, with the reason, where the whole cannot be had from windows."""
        lengths = planes.shape[1:]
        if all(fixed in (None, length) for fixed, length in zip(self._size, lengths, strict=True)):
            return self._run(planes)
        s = self._scale
        whole = np.zeros((len(planes), *(s * length for length in lengths)), np.float32)
        done = np.zeros(whole.shape[1:], bool)
        for spans in product(*(self._spans(axis, lengths) for axis in (0, 1))):
            seen = tuple(slice(span.start, span.stop) for span in spans)
            valid = tuple(
                slice(s * (span.first - span.start), s * (span.last - span.start)) for span in spans
            )
            place = tuple(slice(s * span.first, s * span.last) for span in spans)
            made = self._window(planes[:, *seen])[:, *valid]
            off = float(np.abs(made - whole[:, *place])[:, done[place]].max(initial=0))
            if not off <= _SEAM * self._peak:
                raise self._refused(
                    lengths, f"neighbouring windows differ by {off / self._peak:.1g} of the range"
                )
            whole[:, *place], done[place] = made, True
        return whole

    def _spans(self, axis: int, lengths: tuple[int, ...]) -> list[Span]:
        length, side = lengths[axis], self._size[axis]
        if side in (None, length):
            return [Span(0, length, 0, length)]
        assert side is not None
        if length < side:
            raise self._refused(lengths, "no window fits into the image")
        context, shift = self._felt[axis]
        if side - 2 * context <= shift:
            raise self._refused(lengths, "it looks too far, or is not the same everywhere")
        if (length - side) % shift:
            raise self._refused(lengths, f"windows may only lie a multiple of {shift} pixels apart")
        return windows(length, side, context, shift)

    def _refused(self, lengths: tuple[int, ...], why: str) -> ModelError:
        here = f"{self._takes}, not {lengths[1]}x{lengths[0]}, also not in windows: {why}"
        return ModelError(f"{here}; export it with dynamic height and width")

    @cached_property
    def _felt(self) -> tuple[tuple[int, int], ...]:
        """Along each axis: how far a window's border is felt, and the least shift at which that was seen."""
        return self._measured(0), self._measured(1)

    def _measured(self, axis: int) -> tuple[int, int]:
        height, width = self._size
        shape = [self._channels, height or width or 1, width or height or 1]
        side = shape[1 + axis]
        shape[1 + axis] += _SHIFTS[-1]
        noise = np.random.default_rng(0).random(shape, dtype=np.float32) * self._peak
        # One pixel of the input a row: the output's lines along the axis, its other values in one.
        first, *others = (self._lines(noise, axis, at, side) for at in (0, *_SHIFTS))
        for shift, other in zip(_SHIFTS, others, strict=True):
            off = np.abs(first[shift:] - other[: side - shift]).max(axis=1, initial=0)
            same = np.flatnonzero(off <= _ROUNDING * self._peak)
            if len(same) and len(same) == same[-1] - same[0] + 1:
                return max(int(same[0]), side - shift - 1 - int(same[-1])), shift
        return side, 1

    def _lines(self, noise: np.ndarray, axis: int, at: int, side: int) -> np.ndarray:
        window = noise[:, at : at + side] if axis == 0 else noise[:, :, at : at + side]
        return np.moveaxis(self._window(window), 1 + axis, 0).reshape(side, -1)

    def _window(self, planes: np.ndarray) -> np.ndarray:
        made = self._run(np.ascontiguousarray(planes))
        channels, height, width = planes.shape
        if made.shape != (channels, height * self._scale, width * self._scale):
            raise ModelError(f"{self._takes}, and gives {made.shape} for it, which is not x{self._scale}")
        return made
