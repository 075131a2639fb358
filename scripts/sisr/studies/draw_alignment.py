"""Figures of the study of self-ensemble and alignment."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sisr.report.figures import style
from sisr.studies.alignment import HALF, PLAIN, PSNR, TRAININGS, UNDONE, AlignmentResult, gains
from sisr.studies.common import curve, mean
from sisr.studies.panels import corner, drawing, grid_of, image_rows


def draw_curves(result: AlignmentResult, out: Path) -> None:
    """Gain of the self-ensemble, PSNR against LR's shift, and the trained networks on both kinds of LR."""
    rows = result.rows
    gained = gains(rows)
    colours, markers = style.model_colours(gained), style.model_markers(gained)
    with drawing(out, 3.9) as figure:
        bars, lines, trained = figure.subplots(1, 3, width_ratios=[1, 1.25, 1])
        for place, (model, gain) in enumerate(gained.items()):
            bars.barh(place, gain, 0.7, color=colours[model])
            bars.annotate(
                f"{gain:.2f}", (gain, place), (3, 0), textcoords="offset points", va="center", fontsize=7.5
            )
        bars.set_yticks(range(len(gained)), list(gained))
        bars.invert_yaxis()
        bars.margins(x=0.2)
        bars.locator_params(axis="x", nbins=4)
        grid_of(bars, "Self-ensemble", "gain (dB)", "")
        bars.grid(axis="y", visible=False)
        for model in gained:
            for part, line in ((PLAIN, "-"), (UNDONE, ":")):
                at, value = curve(rows, part=part, method=model)
                lines.plot(at, value, line, color=colours[model], marker=markers[model], markersize=4,
                           label=model if part == PLAIN else None)  # fmt: skip
        grid_of(lines, "LR that is shifted", "shift of LR in HR pixels", "PSNR (dB)")
        lines.text(
            0.03, 0.03, "dotted: shift found and undone", fontsize=8, color=style.SOFT,
            transform=lines.transAxes,
        )  # fmt: skip
        for shift, mark, name in ((0.0, "o", "on aligned LR"), (HALF, "s", "on shifted LR")):
            values = [mean(rows, part="trained", method=m, at=shift, measure=PSNR) for m in TRAININGS]
            face = {"markerfacecolor": "none"} if shift else {}
            trained.plot(values, mark, color=style.INK, markersize=7, label=name, **face)
            for place, one in enumerate(values):
                trained.annotate(f"{one:.1f}", (place, one), (7, 0), textcoords="offset points", va="center",
                                 fontsize=7.5)  # fmt: skip
        trained.set_xticks(range(len(TRAININGS)), ["aligned", "shifted", "shifted,\nturned"])
        trained.margins(x=0.25, y=0.12)
        trained.legend(frameon=False, fontsize=8, loc="center")
        grid_of(trained, "ESPCN on both", "LR that it was trained on", "PSNR (dB)")
        trained.grid(axis="x", visible=False)
        handles, labels = lines.get_legend_handles_labels()
        figure.legend(handles, labels, frameon=False, fontsize=8, ncols=7, loc="outside lower center")


def draw_images(result: AlignmentResult, out: Path) -> None:
    """A crop of the original, what each trained network makes of aligned LR, and its error."""
    side = 48
    top, left = corner(result.images["original"] / 255, side)
    crops = {name: found[top : top + side, left : left + side] for name, found in result.images.items()}
    titles = {"original": f"{result.image}, original\n"}
    for label in TRAININGS:
        own = result.own[label]
        head = label.removeprefix("trained on ")
        titles[label] = (
            f"{head}: {result.quality[label]:.2f} dB\nown shift ({own.down:+.2f}, {own.right:+.2f})"
        )
    original = crops["original"] / 255
    errors = {"original": np.full((side, side), 0.5)} | {
        label: np.clip(0.5 + 4 * (crops[label] / 255 - original), 0, 1) for label in TRAININGS
    }
    names = dict.fromkeys(TRAININGS, "error × 4, gray is none") | {"original": ""}
    image_rows(out, [crops, errors], [titles, names])
