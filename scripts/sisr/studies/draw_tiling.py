"""Figures of the study of tiles."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sisr.report.figures import style
from sisr.studies.common import curve
from sisr.studies.panels import drawing, grid_of, image_rows
from sisr.studies.tiling import WINDOW, TilingResult, cost

#: Error below which a dot is drawn at the bottom: exactly equal, or nearly.
_FLOOR = 1e-5


def draw_curves(result: TilingResult, out: Path) -> None:
    """Seam error and cost against the context."""
    labels = list(result.reaches)
    colours, markers = style.model_colours(labels), style.model_markers(labels)
    with drawing(out, 3.7) as figure:
        errors, costs = figure.subplots(1, 2)
        for label, reach in result.reaches.items():
            at, value = curve(result.rows, method=label, measure="largest error in levels")
            looks = "whole image" if reach == "global" else f"reach {reach}"
            errors.plot(
                at, np.maximum(value, _FLOOR), color=colours[label], marker=markers[label], markersize=4.5,
                label=f"{label}, {looks}",
            )  # fmt: skip
            if isinstance(reach, int) and reach <= at[-1]:
                errors.axvline(reach, color=colours[label], linewidth=0.9, linestyle=":")
        errors.axhline(0.5, color=style.SOFT, linewidth=0.8, linestyle="--")
        errors.text(errors.get_xlim()[1], 0.56, "half a level", color=style.SOFT, fontsize=8, ha="right")
        errors.set_yscale("log")
        grid_of(errors, "Largest error at seams", "context in input pixels", "8-bit levels")
        contexts = np.arange(0, WINDOW // 2 - 3)
        costs.plot(
            contexts, [cost(WINDOW, int(c)) for c in contexts], color=style.INK, label="N² / (N − 2c)²"
        )
        for label in labels:
            at, value = curve(result.rows, method=label, measure="input pixels read")
            costs.plot(
                at, value, linestyle="none", marker=markers[label], markersize=4.5, color=colours[label]
            )
        costs.set_yscale("log")
        costs.set_yticks([1, 2, 5, 10, 20, 50], ["1", "2", "5", "10", "20", "50"])
        costs.minorticks_off()
        costs.legend(frameon=False, fontsize=8)
        grid_of(costs, f"Work, window of {WINDOW}", "context in input pixels", "times the whole image")
        handles, names = errors.get_legend_handles_labels()
        figure.legend(handles, names, frameon=False, fontsize=8, ncols=4, loc="outside lower center")


def draw_images(result: TilingResult, out: Path) -> None:
    """Where the seams are worst, by context, and the error everywhere in logarithms."""
    shown = result.shown
    contexts = sorted(shown.stitched)
    last = shown.reach if shown.reach in shown.stitched else contexts[-1]
    middle = [c for c in contexts if 0 < c < int(last)]
    few = list(dict.fromkeys([0, middle[len(middle) // 3], middle[2 * len(middle) // 3], int(last)]))
    first = np.abs(shown.whole - shown.stitched[0])
    half = 24
    row, column = (
        int(np.clip(place, half, side - half))
        for place, side in zip(np.unravel_index(first.argmax(), first.shape), first.shape, strict=True)
    )
    around = np.s_[row - half : row + half, column - half : column + half]
    top = {"whole": np.clip(shown.whole, 0, 1)[around]}
    top |= {str(c): np.clip(shown.stitched[c], 0, 1)[around] for c in few}
    titles = {"whole": f"{result.image}, {shown.label}, whole"}
    titles |= {str(c): f"tiles, context {c}" for c in few}
    errors, names = {"whole": np.clip(shown.whole, 0, 1)}, {"whole": "the whole output"}
    for c in few:
        levels = 255 * np.abs(shown.whole - shown.stitched[c])
        # From 1/1000 of a level, black, in logarithms to 30 levels, white.
        errors[str(c)] = np.clip((np.log10(np.maximum(levels, 1e-9)) + 3) / 4.5, 0, 1)
        names[str(c)] = f"error up to {levels.max():.2g} levels"
    image_rows(out, [top, errors], [titles, names])
