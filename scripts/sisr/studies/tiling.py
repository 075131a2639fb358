"""Why fully convolutional: a network with a fixed window, stitched from tiles, against the whole image.

A network that takes only N x N pixels (one with a dense layer, or a graph exported at one size) sees an
image through tiles.  Each tile keeps the middle of what it made and throws ``context`` pixels away on every
side.  A fully convolutional network sees the whole image at once; both agree where the context reaches as
far as the network looks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sisr.base.colour import rgb_to_y
from sisr.base.errors import StudyError
from sisr.lr.kernels.matlab import imresize
from sisr.studies.common import StudyImage, StudyRow, chosen, curve
from sisr.upscaling.inference.tiles import tiles

if TYPE_CHECKING:
    from sisr.upscaling.networks import Network

log = logging.getLogger(__name__)

Planes = NDArray[np.float32]

#: Side of the fixed window, and of the images, in pixels of the network's input.
WINDOW, SIDE = 64, 96
#: Pixels that a tile throws away on each side; the network's own reach and one less are added.
CONTEXTS = (0, 1, 2, 4, 8, 12, 16, 20, 24)
SCALE = 2
#: Error, as a part of the range, below which two outputs are called equal: what the order of sums leaves.
EQUAL = 1e-5


def stitch(run: Callable[[Planes], Planes], planes: Planes, window: int, context: int) -> tuple[Planes, int]:
    """An image through a network in tiles of at most ``window`` x ``window`` pixels.

    Parameters
    ----------
    run : float32 (c, h, w) -> (c, s h, s w)
    context : pixels of each tile that are thrown away on a side that has a neighbour

    Returns
    -------
    The output, float32 (c, s H, s W), and the input pixels that all tiles read.

    Raises :class:`ValueError` where context leaves nothing of a window.
    """
    if window <= 2 * context:
        raise ValueError(f"a window of {window} has no pixel left without {context} on each side")
    _, height, width = planes.shape
    output = None
    read = 0
    for down, across in tiles(height, width, window - 2 * context, context):
        part = run(np.ascontiguousarray(planes[:, down.start : down.stop, across.start : across.stop]))
        factor = part.shape[1] // (down.stop - down.start)
        if output is None:
            output = np.empty((part.shape[0], height * factor, width * factor), np.float32)
        read += (down.stop - down.start) * (across.stop - across.start)
        output[:, down.first * factor : down.last * factor, across.first * factor : across.last * factor] = (
            part[
                :,
                (down.first - down.start) * factor : (down.last - down.start) * factor,
                (across.first - across.start) * factor : (across.last - across.start) * factor,
            ]
        )
    assert output is not None
    return output, read


def cost(window: int, context: int) -> float:
    """Pixels read for each pixel kept, on an image without borders: N^2 / (N - 2 c)^2."""
    return window**2 / (window - 2 * context) ** 2


def planes_of(image: StudyImage, network: Network) -> Planes:
    """What a network is fed of an image, ``SIDE`` x ``SIDE`` at most, on its range."""
    rgb = image.rgb[: SIDE * SCALE, : SIDE * SCALE]
    if network.enlarge_first:  # it refines the enlargement, which has the size of HR
        rgb = imresize(imresize(rgb[:SIDE, :SIDE], 1 / SCALE), SCALE)
    else:
        rgb = imresize(rgb, 1 / SCALE)
    values = rgb_to_y(rgb)[None] if network.channels == 1 else np.moveaxis(rgb, 2, 0)
    return np.ascontiguousarray(values * (network.peak / 255), np.float32)


# --- the study ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Shown:
    """One network on the first image, gray on [0, 1]: the whole, and the stitched by context."""

    label: str
    reach: int | str
    whole: Planes
    stitched: dict[int, Planes]


@dataclass(frozen=True, eq=False)
class TilingResult:
    """``rows`` of the table; ``reaches`` by network; the network whose seams are shown."""

    rows: list[StudyRow]
    reaches: dict[str, int | str]
    shown: Shown
    image: str


def measure(images: Sequence[StudyImage], networks: Iterable[tuple[str, Network]]) -> TilingResult:
    """Seam error and cost against context, for each network.

    Raises :class:`StudyError` without a network.
    """
    from sisr.upscaling.inference import field

    rows: list[StudyRow] = []
    reaches: dict[str, int | str] = {}
    candidates: list[Shown] = []
    for label, network in networks:
        if network.multiple_of > 1:
            log.warning("%s: left out: sides have to be a multiple of %d", label, network.multiple_of)
            continue
        factor = 1 if network.enlarge_first else network.scale
        reaches[label] = reach = field.reach(network.module, network.channels, factor)
        run = _runner(network)
        contexts, last = {*CONTEXTS}, CONTEXTS[-1]
        if isinstance(reach, int):  # beyond its reach nothing can change
            contexts, last = contexts | {reach - 1, reach}, min(reach + 1, last)
        usable = sorted(c for c in contexts if 0 <= c <= last)
        for image in images:
            planes = planes_of(image, network)
            whole = run(planes)
            stitched = {}
            for context in usable:
                stitched[context], read = stitch(run, planes, WINDOW, context)
                rows += _compare(image.name, label, context, whole, stitched[context], network.peak)
                rows.append(_row(image.name, label, context, "input pixels read", read / planes[0].size))
            if image is images[0]:
                gray = {c: found.mean(axis=0) / network.peak for c, found in stitched.items()}
                candidates.append(Shown(label, reach, whole.mean(axis=0) / network.peak, gray))
    if not candidates:
        raise StudyError("study of tiling: none of the run's PyTorch networks can be had")
    # The one that looks farthest of those whose seams vanish within the window.
    finite = [shown for shown in candidates if isinstance(shown.reach, int) and shown.reach in shown.stitched]
    best = max(finite, key=lambda shown: int(shown.reach)) if finite else candidates[0]
    return TilingResult(rows, reaches, best, images[0].name)


def _runner(network: Network) -> Callable[[Planes], Planes]:
    import torch

    def run(planes: Planes) -> Planes:
        with torch.inference_mode():
            return network.module(torch.from_numpy(planes)[None])[0].numpy()

    return run


def _row(image: str, label: str, context: int, what: str, value: float) -> StudyRow:
    return StudyRow("tiles", image, label, "context", context, what, value)


def _compare(
    image: str, label: str, context: int, whole: Planes, stitched: Planes, peak: int
) -> list[StudyRow]:
    error = np.abs(whole - stitched) / peak
    levels = [np.clip(np.rint(255 / peak * planes), 0, 255) for planes in (whole, stitched)]
    measures = {
        "largest error in levels": 255 * float(error.max()),
        "rms error in levels": 255 * float(np.sqrt(np.mean(error**2))),
        "8-bit values that differ": float(np.mean(levels[0] != levels[1])),
    }
    return [_row(image, label, context, what, value) for what, value in measures.items()]


def seams_vanish(rows: Sequence[StudyRow], label: str, what: str = "largest error in levels") -> int | None:
    """Least measured context from which on the outputs are equal; None where they never are."""
    at, value = curve(rows, method=label, measure=what)
    # A value on the edge between two levels may round either way.
    limit = 255 * EQUAL if what.endswith("levels") else 1e-4
    equal = value <= limit
    if not equal[-1]:
        return None
    return int(at[np.flatnonzero(~equal)[-1] + 1]) if not equal.all() else int(at[0])


def findings(result: TilingResult) -> list[str]:
    """What came out, with its numbers."""
    said = []
    for label, reach in result.reaches.items():
        first = max(
            row.value for row in chosen(result.rows, method=label, at=0, measure="largest error in levels")
        )
        at, last = curve(result.rows, method=label, measure="largest error in levels")
        gone = seams_vanish(result.rows, label)
        eight = seams_vanish(result.rows, label, "8-bit values that differ")
        looks = "looks at the whole image" if reach == "global" else f"looks {reach} pixels far"
        after = (
            f"from a context of {gone} on they are gone (from {eight} on where values are rounded to 8 bits)"
            if gone is not None
            else f"at a context of {at[-1]:.0f} they are still {last[-1]:.2g}"
        )
        said.append(f"{label} {looks}: without context its seams are up to {first:.0f} levels high; {after}.")
    shown = result.shown
    if isinstance(shown.reach, int) and 2 * shown.reach < WINDOW:
        said.append(
            f"With a window of {WINDOW} pixels, a context of {shown.reach} costs "
            f"{cost(WINDOW, shown.reach):.1f} times the work of the whole image."
        )
    return said
