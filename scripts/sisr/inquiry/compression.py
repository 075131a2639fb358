"""JPEG in LR images: what a file says of itself, and what the pixels of another file keep of it."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from sisr.lr.kernels.jpeg import compressed

Pixels = NDArray[np.uint8]
SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")
#: JPEG is found in pixels where compressing them once more changes them this many times as much as at the
#: qualities around it; of images, the side that is looked at.
_DIP, _SIDE = 0.7, 192


class Jpeg(NamedTuple):
    """Quality of libjpeg's scale, None for tables that are not its; subsampling; whether a file says so."""

    quality: int | None
    subsampling: str
    stated: bool = True

    def __str__(self) -> str:
        quality = "tables of its own" if self.quality is None else f"quality {self.quality}"
        return f"JPEG {quality}, {self.subsampling}"


def of_file(path: Path) -> Jpeg | None:
    """What a JPEG file says; None for other files."""
    with Image.open(path) as image:
        if not isinstance(image, JpegImagePlugin.JpegImageFile):
            return None
        tables = {number: tuple(table) for number, table in image.quantization.items()}
        sampling = {0: "4:4:4", 1: "4:2:2", 2: "4:2:0"}.get(JpegImagePlugin.get_sampling(image), "4:4:4")
        quality = next((q for q, table in _tables().items() if table == tables.get(0)), None)
        return Jpeg(quality, "gray" if image.mode == "L" else sampling)


@cache
def _tables() -> dict[int, tuple[int, ...]]:
    """Luma tables of libjpeg by quality, as it writes them itself; the first of those that are equal."""
    found: dict[int, tuple[int, ...]] = {}
    for quality in range(1, 101):
        stream = io.BytesIO()
        Image.new("L", (8, 8)).save(stream, format="JPEG", quality=quality)
        with Image.open(stream) as image:
            assert isinstance(image, JpegImagePlugin.JpegImageFile)
            found[quality] = tuple(image.quantization[0])
    return found


def nearest_quality(before: Pixels, after: Pixels, inner: int = 0) -> tuple[Jpeg, float]:
    """With which JPEG ``before`` comes nearest to ``after``, and the mean absolute difference that is left.

    Both uint8 of one shape; ``inner`` pixels of the border do not count.
    """
    kinds = SUBSAMPLINGS if before.ndim == 3 else SUBSAMPLINGS[-1:]
    # Every quality: only the very tables leave nothing, and those just beside them more than finer ones do.
    tried = (
        (_left(before, after, quality, kind, inner), -quality, kind)
        for quality in range(1, 101)
        for kind in kinds
    )
    left, quality, kind = min(tried)
    return Jpeg(-quality, kind, stated=False), left


def _left(before: Pixels, after: Pixels, quality: int, kind: str, inner: int) -> float:
    cut = np.s_[inner : after.shape[0] - inner, inner : after.shape[1] - inner]
    gap = compressed(before, quality, kind)[cut].astype(np.int16) - after[cut]
    return float(np.abs(gap).mean())


def in_pixels(image: Pixels) -> Jpeg | None:
    """The JPEG that pixels once went through, whatever file they are in now; None where nothing shows it.

    What was compressed with a quality hardly changes when it is compressed with it again, and more with finer
    and coarser ones.
    """
    cut = image[: len(image) // 16 * 16, : image.shape[1] // 16 * 16][:_SIDE, :_SIDE]
    if min(cut.shape[:2]) < 32:
        return None
    best: tuple[float, Jpeg] | None = None
    for kind in SUBSAMPLINGS if image.ndim == 3 else SUBSAMPLINGS[-1:]:
        left = {quality: _left(cut, cut, quality, kind, 0) for quality in range(2, 101)}
        for quality in range(12, 94):
            beside = [left[q] for q in (quality - 10, quality - 7, quality + 7, quality + 10) if q in left]
            ratio = left[quality] / max(min(beside), 1e-9)
            if ratio < _DIP and (best is None or ratio < best[0]):
                best = ratio, Jpeg(quality, kind if image.ndim == 3 else "gray", stated=False)
    return best and best[1]
