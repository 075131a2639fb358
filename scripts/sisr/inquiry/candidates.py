"""What may have made an LR image: deterministic kernels of the registry, and forms of MATLAB's beside them.

A candidate makes an LR image of an HR image of any size, so that what was made without cropping HR first is
found too.  Nothing is computed here but by the functions of :mod:`sisr.lr.kernels`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sisr.base import registry
from sisr.base.images import modcrop
from sisr.lr import kernels
from sisr.lr.kernels import matlab
from sisr.lr.kernels.filtering import to_pixels
from sisr.lr.kernels.jpeg import compressed

Pixels = NDArray[np.uint8]

#: LR pixels of a probe's side, and around it, where the cut-out has a border that the image has not: a block
#: of JPEG with its colour, which its neighbours see two pixels into themselves.
PROBE, MARGIN, _SEEN = 64, 16, 2


@dataclass(frozen=True)
class Candidate:
    """A way to make LR images; ``make(hr, scale)`` crops HR to the scale unless ``whole``.

    ``kernel`` is the registry's id, or None for a form that has no entry; ``border`` and ``rounding`` say
    what they say for people.
    """

    name: str
    make: Callable[[Pixels, int], Pixels]
    kernel: str | None = None
    border: str = ""
    rounding: str = ""
    phase: tuple[float, float] = (0.0, 0.0)
    whole: bool = False
    jpeg: str = ""


@dataclass(frozen=True)
class LrDifference:
    """How an LR image differs from what a candidate makes."""

    differing: int
    values: int
    largest: int
    total: int

    @property
    def exact(self) -> bool:
        return self.differing == 0

    @property
    def share(self) -> float:
        """Of values that differ, 0 to 1."""
        return self.differing / max(self.values, 1)

    @property
    def mean(self) -> float:
        """Mean absolute difference."""
        return self.total / max(self.values, 1)

    def __add__(self, other: LrDifference) -> LrDifference:
        return LrDifference(
            self.differing + other.differing,
            self.values + other.values,
            max(self.largest, other.largest),
            self.total + other.total,
        )


NOTHING = LrDifference(0, 0, 0, 0)


def registered(scale: int, config: Path = registry.CONFIG) -> list[Candidate]:
    """Kernels of the registry that draw no random numbers and are defined at the scale, in its order."""
    found = []
    for name, entry in registry.load("kernels", config).items():
        if entry.get("random") or str(scale) not in entry.get("per_scale", {str(scale): None}):
            continue
        found.append(
            Candidate(
                name,
                partial(_apply, name, config),
                kernel=name,
                border=entry["border"],
                rounding=entry["observation"]["noise"],
                phase=kernels.phase(entry, scale, config),
            )
        )
    return found


def _apply(name: str, config: Path, hr: Pixels, scale: int) -> Pixels:
    return kernels.apply(name, modcrop(hr, scale), scale, config=config)


def unregistered(known: list[Candidate]) -> list[Candidate]:
    """Forms of MATLAB's imresize that have no entry: other borders, no rounding between, no antialiasing."""
    names = {"cubic": "bicubic", "linear": "bilinear", "box": "box", "lanczos3": "Lanczos"}
    taken = {candidate.kernel for candidate in known}
    found = []
    for kernel, label in names.items():
        for border in ("mirror", "replicate"):
            entry = f"matlab-{label.lower()}" + ("3" if label == "Lanczos" else "")
            if border == "replicate":
                entry += "-replicate"
            if entry not in taken:
                found.append(_matlab(f"MATLAB {label}, border {border}", kernel, border))
            unrounded = f"MATLAB {label}, border {border}, not rounded between the passes"
            found.append(_matlab(unrounded, kernel, border, floats=True))
        if kernel != "box":
            found.append(_matlab(f"MATLAB {label} without antialiasing", kernel, "mirror", antialias=False))
    return found


def _matlab(
    name: str, kernel: str, border: str, *, floats: bool = False, antialias: bool = True
) -> Candidate:
    def make(hr: Pixels, scale: int) -> Pixels:
        source = modcrop(hr, scale)
        made = matlab.imresize(
            source.astype(np.float64) if floats else source, Fraction(1, scale), border, kernel, antialias
        )
        return to_pixels(made) if floats else np.asarray(made, np.uint8)

    rounding = "rounding to 8 bits" + ("" if floats else " after the rows and after the columns")
    return Candidate(name, make, border=border, rounding=rounding)


def uncropped(scale: int, config: Path = registry.CONFIG) -> list[Candidate]:
    """The registry's kernels applied to HR as it is, without cropping it to a multiple of the scale."""
    found = []
    for candidate in registered(scale, config):
        assert candidate.kernel is not None
        entry = registry.entry("kernels", candidate.kernel, config)
        if kernels.file_of(entry, config) is not None:
            continue
        function = kernels.resolve(entry["function"])
        arguments = {"border": entry["border"], **kernels.params(entry, scale)}
        found.append(
            Candidate(
                f"{candidate.name} of uncropped HR",
                partial(function, **arguments),
                kernel=candidate.kernel,
                border=candidate.border,
                rounding=candidate.rounding,
                phase=candidate.phase,
                whole=True,
            )
        )
    return found


def with_jpeg(candidate: Candidate, quality: int, subsampling: str) -> Candidate:
    """The candidate, and then JPEG."""
    return Candidate(
        f"{candidate.name}, then JPEG {quality}, {subsampling}",
        lambda hr, s: compressed(candidate.make(hr, s), quality, subsampling),
        kernel=candidate.kernel,
        border=candidate.border,
        rounding=candidate.rounding,
        phase=candidate.phase,
        whole=candidate.whole,
        jpeg=f"quality {quality}, {subsampling}",
    )


def difference(made: Pixels, lr: Pixels, inner: int = 0) -> LrDifference | None:
    """How two LR images differ, ``inner`` pixels from the border on; None where they are of other shapes."""
    if made.shape != lr.shape:
        return None
    cut = np.s_[inner : lr.shape[0] - inner, inner : lr.shape[1] - inner]
    gaps = np.abs(made[cut].astype(np.int16) - lr[cut])
    return LrDifference(int(np.count_nonzero(gaps)), gaps.size, int(gaps.max(initial=0)), int(gaps.sum()))


def probe(hr: Pixels, lr: Pixels, scale: int) -> tuple[Pixels, Pixels, int]:
    """A part of both images that stands for all, and how many LR pixels of its border do not count.

    Of several places that with the most contrast; aligned with JPEG's blocks.  Small images are taken whole.
    """
    side = PROBE + 2 * MARGIN
    height, width = lr.shape[:2]
    if height * width <= (side + MARGIN) ** 2 or min(height, width) <= side:
        return hr, lr, 0
    places = [
        (int((height - side) * down) // MARGIN * MARGIN, int((width - side) * right) // MARGIN * MARGIN)
        for down, right in ((0.5, 0.5), (0.25, 0.25), (0.25, 0.75), (0.75, 0.25), (0.75, 0.75))
    ]
    top, left = max(places, key=lambda place: float(lr[place[0] :, place[1] :][:side, :side].std()))
    part = np.s_[top * scale : (top + side) * scale, left * scale : (left + side) * scale]
    return hr[part], lr[top : top + side, left : left + side], MARGIN + _SEEN
