"""Where an LR image lies in its HR image, in whole HR pixels, and which HR image an LR image belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sisr.base.colour import YIQ, YIQ_UINT8
from sisr.base.errors import ImageError
from sisr.base.image_files import list_images
from sisr.base.images import read_image, stored_size
from sisr.base.matching import match, references
from sisr.scoring.score import Pair

Pixels = NDArray[np.uint8]

#: Largest side of what is looked for, in LR pixels, and how many are left out at its border.
_SIDE, _INSET = 96, 3
#: LR pixels of the border that are not compared where HR goes on beyond what LR shows.
_INNER = 6
#: Side of the thumbnails by which images are recognised.
_THUMB = 16
#: A thumbnail that resembles its own HR image less than this, and another more than that, is the other's.
_UNLIKE, _ALIKE = 0.90, 0.97
SCALES = (2, 3, 4, 8, 6, 5, 1)


def pair_folders(hr_dir: Path, lr_dir: Path, scale: int | None) -> tuple[list[Pair], int, str]:
    """LR images with their HR images; the scale; and a note where names did not say which belongs to which.

    A scale that is not given follows from the sizes.  Raises :class:`ImageError` where neither names nor
    numbers of files agree.
    """
    hr_files, lr_files = list_images(hr_dir), list_images(lr_dir)
    error: ImageError | None = None
    for tried in (scale,) if scale else SCALES:
        try:
            names = references(hr_files, tried)
            found = match(names, lr_files, tried, "LR")
        except ImageError as problem:
            error = error or problem
            continue
        pairs = [Pair(name, path, found[name]) for name, path in names.items()]
        if scale or _scale_of(pairs) == tried:
            return pairs, tried, ""
    if len(hr_files) != len(lr_files):
        raise error or ImageError(f"{lr_dir}: no LR image of {hr_dir} by size")
    pairs = [Pair(hr.stem, hr, lr) for hr, lr in zip(hr_files, lr_files, strict=True)]
    return pairs, scale or _scale_of(pairs), "names do not match: paired in their order"


def _scale_of(pairs: Sequence[Pair]) -> int:
    ratios = []
    for pair in pairs:
        (width, height, _), (lr_width, lr_height, _) = stored_size(pair.hr_path), stored_size(pair.sr_path)
        if lr_width and lr_height:
            ratios.append(((width / lr_width) * (height / lr_height)) ** 0.5)
    return max(1, round(float(np.median(ratios)))) if ratios else 1


def places(hr: Pixels, lr: Pixels, scale: int, most: int = 3) -> list[tuple[int, int]]:
    """Where the first LR pixel's block may begin in HR, (rows, columns), the likeliest first.

    Found by comparing the LR image with means over scale x scale HR pixels at every phase.  Negative where LR
    shows what lies above or left of HR.
    """
    means = cv2.blur(
        YIQ.of(hr).astype(np.float32), (scale, scale), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE
    )
    seen = YIQ.of(lr).astype(np.float32)
    grids = [(row, column) for row in range(scale) for column in range(scale)]
    inset = [min(_INSET, side // 4) for side in seen.shape]
    smallest = [min(a, b // scale) for a, b in zip(seen.shape, hr.shape[:2], strict=True)]
    size = [min(_SIDE, side - 2 * cut) for side, cut in zip(smallest, inset, strict=True)]
    if min(size) < 4:
        return []
    first = [(side - part) // 2 for side, part in zip(seen.shape, size, strict=True)]
    wanted = seen[first[0] : first[0] + size[0], first[1] : first[1] + size[1]]
    found = []
    for row, column in grids:
        grid = np.ascontiguousarray(means[row::scale, column::scale])
        if any(a < b for a, b in zip(grid.shape, size, strict=True)):
            continue
        scores = cv2.matchTemplate(grid, wanted, cv2.TM_CCOEFF_NORMED)
        _, best, _, (right, down) = cv2.minMaxLoc(scores)
        found.append((best, row + (down - first[0]) * scale, column + (right - first[1]) * scale))
    return [(top, left) for _, top, left in sorted(found, reverse=True)[:most]]


def overlap(hr: Pixels, lr: Pixels, scale: int, place: tuple[int, int]) -> tuple[Pixels, Pixels, bool] | None:
    """The parts of both images that show the same, and whether that is all of the LR image; None for none."""
    cuts = []
    for axis in range(2):
        first = max(0, -(place[axis] // scale)) if place[axis] < 0 else 0
        start = place[axis] + first * scale
        count = min(lr.shape[axis] - first, (hr.shape[axis] - start) // scale)
        if count < 4:
            return None
        cuts.append((start, first, count))
    (top, first_row, rows), (left, first_column, columns) = cuts
    part = hr[top : top + rows * scale, left : left + columns * scale]
    whole = (rows, columns) == lr.shape[:2]
    return part, lr[first_row : first_row + rows, first_column : first_column + columns], whole


def thumbnails(paths: Sequence[Path]) -> Iterator[NDArray[np.float64]]:
    """One row a file: its luma at 16 x 16, without mean and of length 1."""
    for path in paths:
        small = cv2.resize(YIQ.of(read_image(path).array), (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
        row = small.ravel() - small.mean()
        yield row / max(float(np.linalg.norm(row)), 1e-9)


def owners(pairs: Sequence[Pair]) -> dict[str, str]:
    """LR images that show another HR image than their own: image -> image that it shows."""
    hr = np.array(list(thumbnails([pair.hr_path for pair in pairs])))
    lr = np.array(list(thumbnails([pair.sr_path for pair in pairs])))
    alike = lr @ hr.T
    found = {}
    for number, row in enumerate(alike):
        best = int(row.argmax())
        if best != number and row[number] < _UNLIKE and row[best] > _ALIKE:
            found[pairs[number].image] = pairs[best].image
    return found


@dataclass(frozen=True, eq=False)
class PairReader:
    """Reads a pair as HR and LR that show the same, LR beginning at ``place`` of HR; None for HR as it is."""

    scale: int
    place: tuple[int, int] | None = None

    def __call__(self, pair: Pair) -> tuple[Pixels, Pixels, int]:
        """HR, LR, and how many LR pixels of the border cannot be compared."""
        hr, lr = read_image(pair.hr_path).array, read_image(pair.sr_path).array
        hr, lr = self._channels(hr, lr)
        if self.place is None:
            return hr, lr, 0
        parts = overlap(hr, lr, self.scale, self.place)
        if parts is None:
            return hr, lr, 0
        return parts[0], parts[1], 0 if parts[2] else _INNER

    def _channels(self, hr: Pixels, lr: Pixels) -> tuple[Pixels, Pixels]:
        if hr.ndim == lr.ndim:
            return hr, lr
        if hr.ndim == 2:
            return hr, lr[..., 1]
        return YIQ_UINT8.of(hr).astype(np.uint8), lr
