"""What all studies share: images, PSNR on [0, 1], and the table that a study writes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sisr.base.atomic import write_json, write_text
from sisr.base.colour import replicate, rgb_to_y
from sisr.base.csv_files import csv_text
from sisr.base.errors import StudyError
from sisr.base.images import read_image
from sisr.base.manifest import HrManifest

Floats = NDArray[np.float64]

#: Shortest side of an image that a study can use.
LEAST = 120
#: Sides are a multiple of it, so that every image has a x2, x3 and x4.
_MULTIPLE = 24


@dataclass(frozen=True, eq=False)
class StudyImage:
    """An image of a study: ``rgb`` is uint8 (h, w, 3), sides multiples of 24."""

    name: str
    rgb: NDArray[np.uint8]

    @property
    def luma(self) -> Floats:
        """BT.601 luma (16 to 235) over 255, float64 (h, w)."""
        return rgb_to_y(self.rgb) / 255


class StudyRow(NamedTuple):
    """One line of a study's table.

    ``at`` is the value of ``parameter`` (empty where there is none); ``value`` is of ``measure``.
    """

    part: str
    image: str
    method: str
    parameter: str
    at: float | str
    measure: str
    value: float


# --- images -------------------------------------------------------------------------------------------


def crop(name: str, image: NDArray[np.uint8], side: int) -> StudyImage:
    """The middle of an image, at most ``side`` x ``side``.

    Raises :class:`StudyError` for an image with a side below ``LEAST``.
    """
    height, width = image.shape[:2]
    if min(height, width) < LEAST:
        raise StudyError(f"{name}: expected an image of at least {LEAST}x{LEAST}, found {width}x{height}")
    sides = [min(side, length) // _MULTIPLE * _MULTIPLE for length in (height, width)]
    top, left = (height - sides[0]) // 2, (width - sides[1]) // 2
    return StudyImage(name, replicate(image[top : top + sides[0], left : left + sides[1]]))


def read_images(manifest: Path, count: int, side: int) -> list[StudyImage]:
    """The middles of the first ``count`` large enough images of a prepared dataset.

    Raises :class:`StudyError` where none is large enough.
    """
    hr = HrManifest.read(manifest)
    large = [image for image in hr.images if min(image.height, image.width) >= LEAST]
    if not large:
        raise StudyError(f"{manifest}: no image of at least {LEAST}x{LEAST} for a study")
    return [crop(image.name, read_image(hr.path_of(image)).array, side) for image in large[:count]]


# --- numbers --------------------------------------------------------------------------------------------


def psnr(truth: Floats, found: Floats, border: int = 0) -> float:
    """PSNR in dB of images on [0, 1] without ``border`` pixels at each side; ``found`` is clipped."""
    inner = slice(border, -border or None)
    difference = truth[inner, inner] - np.clip(found[inner, inner], 0, 1)
    mse = float(np.mean(difference**2))
    return math.inf if mse == 0 else -10 * math.log10(mse)


def mean(rows: Iterable[StudyRow], **wanted: object) -> float:
    """Mean value of the rows whose fields are the wanted ones."""
    return float(np.mean([row.value for row in chosen(rows, **wanted)]))


def chosen(rows: Iterable[StudyRow], **wanted: object) -> list[StudyRow]:
    """The rows whose fields are the wanted ones; :class:`ValueError` for none, which is a slip of ours."""
    found = [row for row in rows if all(getattr(row, key) == value for key, value in wanted.items())]
    if not found:
        raise ValueError(f"no row with {wanted}")
    return found


def curve(rows: Iterable[StudyRow], **wanted: object) -> tuple[Floats, Floats]:
    """Values of ``at`` in rising order, and the mean value (over images) at each."""
    found = chosen(rows, **wanted)
    at = sorted({float(row.at) for row in found})
    return np.array(at), np.array([np.mean([r.value for r in found if float(r.at) == x]) for x in at])


# --- files ----------------------------------------------------------------------------------------------


def to_csv(rows: Sequence[StudyRow]) -> str:
    """A table with the columns of :class:`StudyRow`; six significant digits, ``inf`` where infinite."""
    shown = []
    for row in rows:
        at = f"{row.at:g}" if isinstance(row.at, float | int) else row.at
        shown.append([*row[:4], at, row.measure, f"{row.value:.6g}"])
    return csv_text(StudyRow._fields, shown)


def write(rows: Sequence[StudyRow], findings: Sequence[str], table: Path, sentences: Path) -> None:
    """Write a study's table, and its findings as JSON ``{"findings": [...]}``, which the report shows."""
    write_text(table, to_csv(rows))
    write_json(sentences, {"findings": list(findings)})
