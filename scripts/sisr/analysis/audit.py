"""The phase audit of a run: is every LR grid where the registry says, and does any model move the image?

Shifts are those of :mod:`sisr.analysis.phase`, (down, right) in HR pixels.  A model's *own* shift is that of
its SR image less that of the LR image it was made from, measured on the same image, so that a model is not
blamed for the kernel.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sisr.analysis.phase import TOLERANCE, RampShift, image_shift, interval, ramp_shift
from sisr.base import registry
from sisr.base.cells import GIVEN
from sisr.base.csv_files import write_rows
from sisr.base.images import modcrop, read_image
from sisr.base.manifest import LrManifest, Manifest
from sisr.base.rounding import fixed
from sisr.lr import kernels

#: Columns of the table of one LR set; ``model`` is empty where the image is the LR image itself.
SET_COLUMNS = ("dataset", "image", "kernel", "scale", "model", "down", "right")
#: Images of a dataset that are measured, evenly chosen: their spread is far smaller than what is looked for.
IMAGES = 20
#: A model whose own shift is larger than this on either axis is flagged, in HR pixels.  docs/robustness.md
#: has what a shift costs.
OFF = 0.1


# --- one LR set -----------------------------------------------------------------------------------------


def measure_set(
    hr_manifest: Path, lr_manifest: Path, sr_status: Mapping[str, Sequence[Path]], out: Path
) -> None:
    """Measure the LR images of one set and every model's SR images; write the tidy table ``SET_COLUMNS``.

    ``sr_status``: model -> status files of its shards.  A model that has no images has no rows.
    """
    lr_set = LrManifest.read(lr_manifest)
    scale, lr_files = lr_set.scale, lr_set.files
    hr_files = Manifest.read(hr_manifest).files
    sr_files = {model: _merged(paths) for model, paths in sr_status.items()}
    rows = []
    for name in _chosen(list(lr_files)):
        hr = modcrop(read_image(hr_files[name]).array, scale)
        key = (lr_set.dataset, name, lr_set.kernel, scale)
        rows.append((*key, "", *image_shift(hr, read_image(lr_files[name]).array, scale, scale)))
        for model, files in sr_files.items():
            if name in files:
                rows.append((*key, model, *image_shift(hr, read_image(files[name]).array, 1, scale)))
    write_shifts(out, SET_COLUMNS, rows)


def _chosen(names: Sequence[str]) -> list[str]:
    """At most ``IMAGES`` of the names, evenly spread."""
    if len(names) <= IMAGES:
        return list(names)
    return [names[i * len(names) // IMAGES] for i in range(IMAGES)]


def _merged(paths: Iterable[Path]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in paths:
        files |= Manifest.read(path).files
    return files


# --- statistics -----------------------------------------------------------------------------------------


class Shift(NamedTuple):
    """Median shift over images in HR pixels; ``error`` is half the 99.9 % interval of the worse axis.

    NaN without images; the error is infinite with one.
    """

    down: float
    right: float
    error: float
    images: int

    @property
    def size(self) -> float:
        """The larger of both axes."""
        return max(abs(self.down), abs(self.right))


def median_shift(values: Iterable[tuple[float, float]]) -> Shift:
    """Median over images; those that could not be measured (NaN) are left out.

    The interval is Student's for the mean of so many images: with five of them it is 8.6 standard errors.
    """
    found = np.array([value for value in values if not math.isnan(value[0])], dtype=float).reshape(-1, 2)
    count = len(found)
    if count == 0:
        return Shift(math.nan, math.nan, math.nan, 0)
    down, right = (float(value) for value in np.median(found, axis=0))
    if count == 1:
        return Shift(down, right, math.inf, 1)
    spread = float(found.std(axis=0, ddof=1).max())
    return Shift(down, right, interval(count) * spread / math.sqrt(count), count)


# --- kernels --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KernelPhase:
    """A kernel's grid at one scale: as documented, on ramps, and on the images of a dataset if any."""

    kernel: str
    label: str
    scale: int
    documented: tuple[float, float]
    ramp: RampShift
    dataset: str
    images: Shift

    @property
    def ramp_error(self) -> float:
        """Half width of the interval on ramps, of the worse axis."""
        return max(self.ramp.down_error, self.ramp.right_error)

    @property
    def ramp_agrees(self) -> bool:
        return self._agrees(self.ramp[:2], self.ramp_error)

    @property
    def images_agree(self) -> bool:
        """Whether images agree; they cannot object without a known error."""
        error = self.images.error
        return not math.isfinite(error) or self._agrees(self.images[:2], error)

    def _agrees(self, found: Sequence[float], error: float) -> bool:
        gap = max(abs(a - b) for a, b in zip(found, self.documented, strict=True))
        return math.isnan(self.documented[0]) or gap <= max(TOLERANCE, error)


#: Of LR images that are given nothing is documented, and no kernel can be put on ramps.
_NO_RAMP = RampShift(math.nan, math.nan, math.nan, math.nan)


def kernel_ramp(kernel: str, scale: int, config: Path = registry.CONFIG) -> RampShift:
    """Shift of a kernel of the registry on ramps, see :func:`sisr.analysis.phase.ramp_shift`."""

    def downsample(hr: NDArray[np.uint8], key: str) -> NDArray[np.uint8]:
        return kernels.apply(kernel, hr, scale, key, config)

    return ramp_shift(downsample, scale)


def audit_kernels(
    sets: Iterable[tuple[str, int, str]], shifts: Iterable[Mapping[str, str]], config: Path = registry.CONFIG
) -> list[KernelPhase]:
    """Grids of kernels, one row a (kernel, scale, dataset), in the order of ``sets``.

    ``shifts`` are rows of :func:`measure_set`'s tables; a dataset without rows is measured on ramps alone.
    """
    found: dict[tuple[str, int, str], list[tuple[float, float]]] = {}
    for row in shifts:
        if not row["model"]:
            key = (row["kernel"], int(row["scale"]), row["dataset"])
            found.setdefault(key, []).append((float(row["down"]), float(row["right"])))
    ramps: dict[tuple[str, int], RampShift] = {}
    rows = []
    for kernel, scale, dataset in sets:
        entry = kernels.described(kernel, config)
        if (kernel, scale) not in ramps:
            ramps[kernel, scale] = _NO_RAMP if kernel == GIVEN else kernel_ramp(kernel, scale, config)
        documented = (math.nan, math.nan) if kernel == GIVEN else kernels.phase(entry, scale)
        images = median_shift(found.get((kernel, scale, dataset), ()))
        ramp = ramps[kernel, scale]
        rows.append(KernelPhase(kernel, entry["label"], scale, documented, ramp, dataset, images))
    return rows


# --- models ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ModelShift:
    """One model on one LR set: shift of SR against HR, and its own, without the LR's."""

    dataset: str
    kernel: str
    model: str
    sr: Shift
    own: Shift

    @property
    def verdict(self) -> str:
        """``ok``; ``off`` by more than ``OFF``; ``unclear`` where the images disagree by more than that."""
        if math.isnan(self.own.down):
            return "not measured"
        if self.own.size <= OFF:
            return "ok"
        return "off" if self.own.size > self.own.error else "unclear"


def audit_models(shifts: Iterable[Mapping[str, str]], scale: int) -> list[ModelShift]:
    """Shifts of all models at one scale, from rows of :func:`measure_set`'s tables, in their order."""
    lr: dict[tuple[str, str, str], tuple[float, float]] = {}
    sr: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    own: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for row in shifts:
        if int(row["scale"]) != scale:
            continue
        found = (float(row["down"]), float(row["right"]))
        image = (row["dataset"], row["kernel"], row["image"])
        if not row["model"]:
            lr[image] = found
            continue
        key = (row["dataset"], row["kernel"], row["model"])
        sr.setdefault(key, []).append(found)
        down, right = lr[image]
        own.setdefault(key, []).append((found[0] - down, found[1] - right))
    return [ModelShift(*key, median_shift(sr[key]), median_shift(own[key])) for key in sr]


# --- two folders, for the command line ------------------------------------------------------------------


def audit_pairs(
    pairs: Iterable[tuple[str, Path, Path]], scale: int
) -> tuple[list[tuple[str, float, float]], Shift]:
    """Shift of each (name, HR file, image), an image being LR or SR by its size; and their median.

    Raises
    ------
    ScoreError : an image is neither of the HR's size nor smaller by the scale
    """
    from sisr.base.errors import ScoreError

    rows = []
    for name, hr_path, path in pairs:
        image = read_image(path).array
        hr = modcrop(read_image(hr_path).array, scale)
        (height, width), found = hr.shape[:2], image.shape[:2]
        if found == (height, width):
            distance = 1
        elif found == (height // scale, width // scale):
            distance = scale
        else:
            raise ScoreError(
                f"{name}: expected {width}x{height} (SR) or {width // scale}x{height // scale} (LR), "
                f"found {found[1]}x{found[0]}"
            )
        rows.append((name, *image_shift(hr, image, distance, scale)))
    return rows, median_shift(row[1:] for row in rows)


# --- files ----------------------------------------------------------------------------------------------


def read_shifts(paths: Iterable[Path]) -> list[dict[str, str]]:
    """Rows of tables of :func:`measure_set`."""
    rows: list[dict[str, str]] = []
    for path in paths:
        with path.open(encoding="utf-8", newline="") as stream:
            rows.extend(csv.DictReader(stream))
    return rows


def write_shifts(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table of shifts: numbers with four digits after the point, and no zero with a sign."""
    shown = ([fixed(value, 4) if isinstance(value, float) else value for value in row] for row in rows)
    write_rows(path, columns, shown)
