"""The conventions by which two people get two numbers of the same images, and what each costs to believe.

A *departure* is one thing that is done otherwise than under the standard protocol, ``y-bt601``.  Its cost is
about 1 for what many scripts do and more for what is rare or an error; a combination costs the sum of its
departures.  One that is a protocol of the registry is a known convention as a whole and costs no more than
:data:`KNOWN`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sisr.base.colour import LUMAS, Uint8Image, replicate
from sisr.base.images import modcrop, stored_size
from sisr.lr.kernels import matlab
from sisr.lr.kernels.jpeg import compressed
from sisr.scoring.metrics.fidelity import PreparedPair, prepare
from sisr.scoring.metrics.protocol import FidelityProtocol

Images = tuple[Uint8Image, Uint8Image]

#: Departures that are combined at most, and the greatest cost of what the registry knows by one name.
MOST, KNOWN = 3, 1.0


class Departure(NamedTuple):
    """A convention other than the standard's: on which axis, which, at what cost, in words."""

    axis: str
    key: str
    cost: float
    phrase: str


@dataclass(frozen=True)
class Variant:
    """Pixels that may have been compared, made of HR and SR of one size; ``departure`` is None for these.

    ``planes`` makes luma itself, of images that are not in 8 bits.
    """

    departure: Departure | None
    images: Callable[[Uint8Image, Uint8Image, int], Images] | None = None
    planes: Callable[[Uint8Image, int, FidelityProtocol], PreparedPair] | None = None

    @property
    def key(self) -> str:
        return self.departure.key if self.departure else ""

    def prepared(
        self, hr: Uint8Image, sr: Uint8Image, scale: int, asked: Iterable[FidelityProtocol]
    ) -> Iterator[PreparedPair]:
        """The whole planes under each of the rules that there are planes for."""
        pair = (hr, sr) if self.images is None else self.images(hr, sr, scale)
        for one in asked:
            if self.planes is None:
                yield prepare(*pair, one, scale)
            elif one.luma != "none":
                yield self.planes(hr, scale, one)


# --- axes ---------------------------------------------------------------------------------------------

#: Key of pixels of HR cropped to the scale about its middle.
CENTRED = "centred"
#: The luma of the standard is the first of each axis' first entries; cost and words of the others.
LUMA: dict[str, tuple[float, str]] = {
    "bt601": (0, ""),
    "bt601-uint8": (1.0, "Y rounded to 8 bits"),
    "none": (1.0, "RGB instead of Y"),
    "yiq": (1.2, "full-range luma instead of Y on [16, 235]"),
    "yiq-uint8": (1.4, "full-range luma rounded to 8 bits"),
}
#: Mean of the PSNR of R, G and B, each by itself.
CHANNELS = Departure("luma", "channels", 1.6, "the mean of the PSNR of R, G and B")
#: IQA-PyTorch rounds the luma for SSIM and not for PSNR.
ROUNDED = Departure("rounding", "ssim", 1.2, "SSIM of luma rounded to 8 bits")
PEAKS: dict[str, tuple[float, str]] = {
    "255": (0, ""),
    "219": (1.8, "peak 219 instead of 255"),
    "max": (1.8, "peak of each HR image's largest value"),
}
WINDOWS: dict[str, tuple[float, str]] = {
    "gaussian-valid": (0, ""),
    "skimage-default": (1.0, "scikit-image's 7 x 7 window"),
    "matlab-downsampled": (1.0, "ssim.m's automatic downsampling"),
}
MEANS: dict[str, tuple[float, str]] = {
    "images": (0, ""),
    "pooled": (1.5, "PSNR of the mean squared error of all"),
}
GRAY: dict[str, tuple[float, str]] = {"raw": (0, ""), "replicate": (0.8, "gray images as RGB")}


def borders(scale: int) -> list[int]:
    """Borders that are tried, the standard's first."""
    return list(dict.fromkeys([scale, 0, scale + 6, 2 * scale, *range(1, 7), 8, 10, 12]))


def border(value: int, scale: int) -> Departure | None:
    """A border as a departure; None for the standard's."""
    if value == scale:
        return None
    costs = {0: 1.0, scale + 6: 1.2}
    words = "no border cut" if value == 0 else f"a border of {value} pixels cut instead of {scale}"
    return Departure("border", str(value), costs.get(value, 1.8), words)


def departure(axis: str, key: str, table: dict[str, tuple[float, str]]) -> Departure | None:
    """An entry of an axis as a departure; None for the standard's."""
    cost, words = table[key]
    return Departure(axis, key, cost, words) if cost else None


def rules(luma: str, gray: str) -> FidelityProtocol:
    """Whole planes of a luma, as :func:`sisr.scoring.metrics.fidelity.prepare` makes them."""
    return FidelityProtocol(
        f"{luma}, {gray}",
        luma=luma,  # type: ignore[arg-type]  # keys of LUMA and GRAY
        crop="none",
        ssim="gaussian-valid",
        gray=gray,  # type: ignore[arg-type]
        peak=255,
    )


# --- pixels -------------------------------------------------------------------------------------------


def standard() -> Variant:
    return Variant(None)


def variants() -> list[Variant]:
    """What else may have been compared, of any SR images."""
    found = [
        _pixels("swapped", 1.6, "red and blue of SR swapped", lambda hr, sr, _: (hr, _swapped(sr))),
        _pixels(
            "bgr", 1.3, "red and blue swapped in HR and SR", lambda hr, sr, _: (_swapped(hr), _swapped(sr))
        ),
        _pixels("limited", 1.6, "SR on 16 to 235", lambda hr, sr, _: (hr, _limited(sr))),
        _pixels("expanded", 1.8, "SR taken for 16 to 235", lambda hr, sr, _: (hr, _expanded(sr))),
    ]
    for quality in (95, 90, 75):
        found.append(
            _pixels(
                f"jpeg{quality}",
                1.8,
                f"HR from JPEG of quality {quality}",
                partial(_of_jpeg, quality),
            )
        )
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if down or right:
                words = " and ".join(
                    f"1 pixel {name[value > 0]}"
                    for value, name in ((down, ("up", "down")), (right, ("left", "right")))
                    if value
                )
                found.append(
                    _pixels(
                        f"moved{down:+d}{right:+d}",
                        1.8 if down * right == 0 else 2.0,
                        f"SR moved by {words}",
                        partial(_moved, (down, right)),
                    )
                )
    return found


def aligned(shift: tuple[float, float]) -> Variant:
    """SR moved back by the shift that was measured, (down, right) in HR pixels."""

    def images(hr: Uint8Image, sr: Uint8Image, scale: int) -> Images:
        from scipy import ndimage

        back = (-shift[0], -shift[1], *([0] * (sr.ndim - 2)))
        moved = ndimage.shift(sr.astype(np.float64), back, order=3, mode="nearest")
        return hr, np.clip(np.floor(moved + 0.5), 0, 255).astype(np.uint8)

    words = f"SR moved by {-shift[0]:+.2f} pixels down and {-shift[1]:+.2f} right, onto HR"
    return _pixels("aligned", 1.6, words, images)


def cut_at_all_sides(hr: Path, scale: int) -> bool:
    """Whether an HR image cropped to the scale about its middle begins elsewhere than at its corner."""
    return any(side % scale > 1 for side in stored_size(hr)[:2])


def centred(whole: Uint8Image | None = None) -> Variant:
    """HR cropped to SR's size at all sides; ``whole``: the HR image before it was cropped."""

    def images(hr: Uint8Image, sr: Uint8Image, scale: int) -> Images:
        uncut = hr if whole is None else whole
        top, left = ((a - b) // 2 for a, b in zip(uncut.shape[:2], sr.shape[:2], strict=True))
        return np.ascontiguousarray(uncut[top : top + len(sr), left : left + sr.shape[1]]), sr

    return _pixels(CENTRED, 1.4, "HR cropped at all sides instead of at bottom and right", images)


def of_bicubic() -> list[Variant]:
    """What else may have been compared where SR is MATLAB's bicubic, which can be made again."""

    def planes(hr: Uint8Image, scale: int, asked: FidelityProtocol) -> PreparedPair:
        luma = LUMAS[asked.luma]
        if hr.ndim == 2 and asked.gray == "raw":
            luma = luma.full_range()
        y = luma.of(modcrop(hr, scale))
        sr = np.asarray(matlab.imresize(matlab.imresize(y, Fraction(1, scale)), scale), np.float64)
        if luma.rounded:
            sr = np.clip(np.floor(sr + 0.5), 0, 255)
        return PreparedPair(y[None], sr[None], asked)

    def again(hr: Uint8Image, scale: int, edge: str = "mirror") -> Images:
        cut = modcrop(hr, scale)
        lr = np.asarray(matlab.imresize(cut, Fraction(1, scale), edge), np.uint8)
        return cut, np.asarray(matlab.imresize(lr, scale, edge), np.uint8)

    def half(hr: Uint8Image, scale: int) -> Images:
        return again(np.asarray(matlab.imresize(modcrop(hr, 2), Fraction(1, 2)), np.uint8), scale)

    unrounded = "bicubic on luma alone, of LR that was not rounded"
    return [
        Variant(Departure("pixels", "planes", 0.9, unrounded), planes=planes),
        _pixels(
            "replicate", 0.9, "bicubic with the border replicated", lambda hr, _, s: again(hr, s, "replicate")
        ),
        _pixels("half", 1.2, "HR of half the size", lambda hr, _, s: half(hr, s)),
    ]


def is_bicubic(hr: Uint8Image, sr: Uint8Image, scale: int) -> bool:
    """Whether SR is MATLAB's bicubic of MATLAB's bicubic LR, up to a hundredth of its values."""
    cut = modcrop(hr, scale)
    if cut.shape != sr.shape:
        return False
    lr = matlab.imresize(cut, Fraction(1, scale))
    return float(np.mean(matlab.imresize(lr, scale) != sr)) < 0.01


def _pixels(
    key: str, cost: float, words: str, images: Callable[[Uint8Image, Uint8Image, int], Images]
) -> Variant:
    return Variant(Departure("pixels", key, cost, words), images=images)


def _swapped(image: Uint8Image) -> Uint8Image:
    return image if image.ndim == 2 else np.ascontiguousarray(replicate(image)[..., ::-1])


def _limited(image: Uint8Image) -> Uint8Image:
    return np.floor(16 + image * (219 / 255) + 0.5).astype(np.uint8)


def _expanded(image: Uint8Image) -> Uint8Image:
    return np.clip(np.floor((image.astype(np.float64) - 16) * (255 / 219) + 0.5), 0, 255).astype(np.uint8)


def _of_jpeg(quality: int, hr: Uint8Image, sr: Uint8Image, scale: int) -> Images:
    return compressed(hr, quality), sr


def _moved(at: tuple[int, int], hr: Uint8Image, sr: Uint8Image, scale: int) -> Images:
    """The parts that overlap once SR is moved (down, right)."""
    rows, columns = hr.shape[:2]
    kept = [(max(0, step), min(0, step)) for step in at]
    (top, up), (left, back) = kept
    here = np.s_[top : rows + up, left : columns + back]
    there = np.s_[top - at[0] : rows + up - at[0], left - at[1] : columns + back - at[1]]
    return np.ascontiguousarray(hr[here]), np.ascontiguousarray(sr[there])
