"""What is known of a set of LR images, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sisr.inquiry.blur import Blur
from sisr.inquiry.candidates import LrDifference


@dataclass(frozen=True)
class Oddity:
    """An image of the set that is not what the others are."""

    image: str
    what: str


@dataclass(frozen=True)
class Identity:
    """What is known of a set of LR images.

    ``exact``: names of what makes every image that is not in ``oddities``, value for value; the first is the
    registry's.  ``nearest`` and ``difference``: otherwise what comes nearest.  ``found``: whatever departs
    from ``nearest`` or from cropping HR at the bottom and right, each a phrase.
    """

    scale: int
    images: int
    tried: int
    exact: tuple[str, ...]
    nearest: str
    difference: LrDifference
    kernel: str | None
    border: str
    rounding: str
    phase: tuple[float, float] | None
    found: tuple[str, ...] = ()
    oddities: tuple[Oddity, ...] = ()
    jpeg: str = ""
    blur: Blur | None = None
    noise: float | None = None
    notes: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What the set is, in one sentence."""
        same = self.images - len(self.oddities)
        those = "all" if not self.oddities else f"{same} of {self.images}"
        if self.exact:
            one, *others = self.exact
            equal = f" (on these images the same as {', '.join(others)})" if others else ""
            text = (
                f"LR is {one} at x{self.scale}, exactly: 0 of {self.difference.values} values differ{equal}"
            )
        else:
            text = (
                f"No kernel known here made LR at x{self.scale}: the nearest is {self.nearest}, of which "
                f"{100 * self.difference.share:.1f} % of values differ, by up to {self.difference.largest}"
            )
        extra = "".join(f"; {phrase}" for phrase in self.found)
        if self.oddities:
            extra += f"; so in {those} images, not in {', '.join(odd.image for odd in self.oddities)}"
        return text + extra + "."

    def table(self) -> list[tuple[str, str]]:
        """(what, value) rows."""
        rows = [
            ("scale", f"x{self.scale}"),
            ("images", str(self.images)),
            ("tried", f"{self.tried} kernels and forms of them"),
            ("exact", ", ".join(self.exact) or "none"),
            ("nearest", self.nearest),
            ("differing values", f"{self.difference.differing} of {self.difference.values}"),
            ("largest difference", str(self.difference.largest)),
            ("border", self.border),
            ("rounding", self.rounding),
            ("phase", "" if self.phase is None else f"{self.phase[0]:+.2f} down, {self.phase[1]:+.2f} right"),
            ("JPEG", self.jpeg),
            ("blur", "" if self.blur is None else str(self.blur)),
            ("noise", "" if self.noise is None else f"sigma {self.noise:.2f} of 255"),
            *(("besides", phrase) for phrase in self.found),
            *((f"image {odd.image}", odd.what) for odd in self.oddities),
            *(("note", note) for note in self.notes),
        ]
        return [(what, value) for what, value in rows if value]

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "sentence": self.sentence(),
            "scale": self.scale,
            "images": self.images,
            "tried": self.tried,
            "exact": list(self.exact),
            "kernel": self.kernel,
            "nearest": self.nearest,
            "differing": self.difference.differing,
            "values": self.difference.values,
            "largest": self.difference.largest,
            "border": self.border,
            "rounding": self.rounding,
            "phase": None if self.phase is None else [round(value, 4) for value in self.phase],
            "jpeg": self.jpeg or None,
            "blur_sigma": None if self.blur is None else round(self.blur.width, 4),
            "noise_sigma": None if self.noise is None else round(self.noise, 4),
            "found": list(self.found),
            "oddities": {odd.image: odd.what for odd in self.oddities},
            "notes": list(self.notes),
        }
