"""What every convention needs of an image, each computed once: squared errors and SSIM by luma and border.

A convention's number is then put together from few values an image, so that thousands of combinations cost
little, and memory does not grow with the size of the images.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sisr.base.colour import Uint8Image
from sisr.inquiry.conventions import GRAY, LUMA, Variant, borders, rules
from sisr.scoring.metrics import structural
from sisr.scoring.metrics.fidelity import PreparedPair

Values = NDArray[np.float64]


class Key(NamedTuple):
    """Which planes: of which variant, luma and gray rule."""

    variant: str
    luma: str
    gray: str


@dataclass
class Components:
    """Of one image.  ``errors``: mean squared error (channels, borders); ``largest``: the HR planes' maximum;
    ``similarity``: SSIM by window (borders,).  Borders are those of :func:`sisr.inquiry.conventions.borders`,
    NaN where an image is too small for one.
    """

    gray: bool
    errors: dict[Key, Values] = field(default_factory=dict)
    largest: dict[Key, float] = field(default_factory=dict)
    similarity: dict[tuple[Key, str], Values] = field(default_factory=dict)


def compute(
    hr: Uint8Image, sr: Uint8Image, scale: int, variants: Iterable[Variant], metrics: Sequence[str]
) -> Components:
    """All components of an image; ``metrics``: of ``psnr`` and ``ssim``."""
    found = Components(gray=hr.ndim == 2)
    wide = borders(scale)
    asked = [rules(luma, gray) for gray in (GRAY if hr.ndim == 2 else ("raw",)) for luma in LUMA]
    for variant in variants:
        for prepared in variant.prepared(hr, sr, scale, asked):
            luma = prepared.protocol.luma
            key = Key(variant.key, luma, prepared.protocol.gray)
            if "psnr" in metrics:
                found.errors[key] = _errors(prepared, wide)
                found.largest[key] = float(prepared.hr.max())
            if "ssim" in metrics:
                for window in structural.WINDOWS if not variant.key else ("gaussian-valid",):
                    found.similarity[key, window] = _similarity(prepared, window, wide)
    return found


def _cut(width: int) -> slice:
    return slice(width, -width or None)


def _errors(pair: PreparedPair, wide: Sequence[int]) -> Values:
    squares = pair.hr - pair.sr
    squares *= squares
    least = min(squares.shape[1:])
    found = np.full((len(squares), len(wide)), np.nan)
    for number, width in enumerate(wide):
        if least > 2 * width:
            found[:, number] = squares[:, _cut(width), _cut(width)].mean(axis=(1, 2))
    return found


def _similarity(pair: PreparedPair, name: str, wide: Sequence[int]) -> Values:
    """Mean SSIM by border.  Cutting the planes leaves of the map what lies as far inside."""
    window = structural.WINDOWS[name]
    peak = pair.protocol.peak
    found = np.full((len(pair.hr), len(wide)), np.nan)
    for channel, (x, y) in enumerate(zip(pair.hr, pair.sr, strict=True)):
        if name == "matlab-downsampled":
            for number, width in enumerate(wide):
                parts = [np.ascontiguousarray(plane[_cut(width), _cut(width)]) for plane in (x, y)]
                if min(parts[0].shape) >= 2 * len(window.taps):
                    small = [structural.downsample(part) for part in parts]
                    found[channel, number] = structural.mean_ssim(small[0], small[1], window, peak)
            continue
        if min(x.shape) < len(window.taps):
            continue
        similar = structural.ssim_map(x, y, window, peak)
        for number, width in enumerate(wide):
            if min(similar.shape) > 2 * width:
                found[channel, number] = similar[_cut(width), _cut(width)].mean()
    return found.mean(axis=0)
