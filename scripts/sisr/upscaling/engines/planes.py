"""What engines share whose networks map planes to planes: channels and scale, and images."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sisr.base.errors import ModelError
from sisr.models.model_entries import Colour
from sisr.upscaling.engines import RawUpscaler
from sisr.upscaling.engines.luma import upscale_luma

#: float32 (c, h, w) on the network's input range -> float32 (c, s*h, s*w);
#: :class:`ModelError` where it fails.
Planes = Callable[[np.ndarray], np.ndarray]

#: Sizes (h, w) that a network is tried with.  Not square, so that swapped axes show; the later ones are for
#: networks that need a least size or a multiple of it.
SIZES = ((16, 24), (64, 48), (128, 192))


@dataclass(frozen=True)
class Seen:
    """What a network does: its channels, how many times it enlarges, what its engine is to know of it
    (``params``), and the range of its input, where the file tells it.
    """

    channels: int
    enlarges: int
    params: Mapping[str, Any] = field(default_factory=dict)
    range: str | None = None


def probe(
    run: Planes, channels: Iterable[int], source: str, sizes: Sequence[tuple[int, int]] = SIZES
) -> tuple[int, int]:
    """Channels and scale of a network, by running it on small planes.

    ``channels`` and ``sizes`` are what to try; ``source`` is what messages call the network.

    Raises
    ------
    ModelError
        No number of channels and no size is accepted (with the first reason), as many channels do not come
        out as go in, or the output is not a multiple of the input.
    """
    first: ModelError | None = None
    for count in channels:
        for height, width in sizes:
            try:
                shape = run(np.full((count, height, width), 0.5, np.float32)).shape
            except ModelError as error:
                first = first or error
                continue
            return count, _scale_of(count, (height, width), shape, source)
    raise first or ModelError(f"{source}: takes neither one nor three channels")


def _scale_of(count: int, size: tuple[int, int], shape: tuple[int, ...], source: str) -> int:
    if len(shape) != 3:
        raise ModelError(
            f"{source}: gives {len(shape)} dimensions for an image, expected channels and two sides"
        )
    if shape[0] != count:
        raise ModelError(f"{source}: takes {count} channels and gives {shape[0]}, expected as many out as in")
    factors = {shape[1] / size[0], shape[2] / size[1]}
    scale = factors.pop()
    if factors or scale != int(scale) or scale < 1:
        raise ModelError(f"{source}: gives {shape[2]}x{shape[1]} for {size[1]}x{size[0]}, which is no scale")
    return int(scale)


def image_upscaler(run: Planes, label: str, scale: int, colour: Colour, peak: int) -> RawUpscaler:
    """The upscaler of a network whose input is luma (``y``) or RGB with white at ``peak``."""

    def checked(planes: np.ndarray) -> np.ndarray:
        output = run(planes)
        if not np.isfinite(output).all():
            raise ModelError(f"{label}: output is not finite")
        expected = (planes.shape[0], planes.shape[1] * scale, planes.shape[2] * scale)
        if output.shape != expected:
            raise ModelError(f"{label}: output is {output.shape}, expected {expected} for x{scale}")
        return output

    def upscale(lr: np.ndarray) -> np.ndarray:
        if colour == "y":
            top = np.float32(peak)
            return upscale_luma(lr, scale, lambda plane: checked(plane[None] * top)[0] / top)
        rgb = lr if lr.ndim == 3 else np.repeat(lr[..., None], 3, axis=2)
        planes = np.ascontiguousarray(rgb.transpose(2, 0, 1), dtype=np.float32) * np.float32(peak / 255)
        return checked(planes).transpose(1, 2, 0) * np.float32(255 / peak)

    return upscale
