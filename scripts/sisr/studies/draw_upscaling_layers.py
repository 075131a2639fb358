"""Figures of the study of upscaling layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sisr.report.figures import style
from sisr.studies.common import curve, mean, psnr
from sisr.studies.panels import corner, drawing, grid_of, image_rows
from sisr.studies.upscaling_layers import LAYERS, SCALES, LayersResult

_COLOURS = style.model_colours(LAYERS)


def draw_numbers(result: LayersResult, out: Path) -> None:
    """Checkerboards against kernel size, PSNR of the phases, and cost of the three layers."""
    rows = result.rows
    with drawing(out, 5.7) as figure:
        grid = figure.add_gridspec(2, 6)
        ripples, phases = figure.add_subplot(grid[0, :3]), figure.add_subplot(grid[0, 3:])
        for scale, colour in zip(SCALES, style.model_colours(map(str, SCALES)).values(), strict=True):
            at, value = curve(rows, part=f"checkerboard x{scale}", method="flat kernel")
            ripples.plot(at, 100 * value, marker="o", markersize=4.5, color=colour, label=f"×{scale}")
        ripples.legend(frameon=False, fontsize=8)
        grid_of(ripples, "Checkerboard of a flat kernel", "side of the kernel", "ripple on a constant (%)")
        for name, colour, mark in (
            ("best phase", "#009e73", "^"),
            ("all phases", style.INK, "o"),
            ("worst phase", "#d55e00", "v"),
        ):
            at, value = curve(rows, part="trained x2", method=name)
            phases.plot(at, value, marker=mark, markersize=5, color=colour, label=name)
        phases.set_xticks(at)
        phases.legend(frameon=False, fontsize=8)
        grid_of(phases, "Best possible kernels, ×2", "side of the kernel", "PSNR (dB)")
        panels = ("multiply-adds in billions", "values held in millions", "milliseconds")
        for index, what in enumerate(panels):
            axis = figure.add_subplot(grid[1, 2 * index : 2 * index + 2])
            for offset, name in enumerate(LAYERS):
                heights = [mean(rows, part=f"cost x{scale}", method=name, measure=what) for scale in SCALES]
                place = np.arange(len(SCALES)) + (offset - 1) * 0.27
                axis.bar(place, heights, 0.25, color=_COLOURS[name], label=name)
            axis.set_xticks(np.arange(len(SCALES)), [f"×{scale}" for scale in SCALES])
            grid_of(axis, what.capitalize(), "", "")
            axis.grid(axis="x", visible=False)
        handles, labels = axis.get_legend_handles_labels()
        figure.legend(handles, labels, frameon=False, fontsize=8, ncols=3, loc="outside lower center")


def draw_images(result: LayersResult, out: Path) -> None:
    """Checkerboards of kernels, and what unpooling puts back."""
    side, truth = 48, result.boards["truth"]
    top, left = (place + 16 for place in corner(truth[16:-16, 16:-16], side))  # no border in the crop
    top, left = top - top % 2, left - left % 2
    names = ["flat 3 x 3", "balanced 3 x 3", "flat 4 x 4", "trained 3 x 3", "trained 4 x 4"]
    boards = {
        n: np.clip(result.boards[n][top : top + side, left : left + side], 0, 1) for n in ("truth", *names)
    }
    titles = {n: f"{n}\n{psnr(truth, result.boards[n], 16):.2f} dB" for n in names}
    titles["truth"] = f"{result.image}, HR\n"
    pooled = {
        name: image[top // 2 : (top + side) // 2, left // 2 : (left + side) // 2]
        if name == "pooled"
        else image[top : top + side, left : left + side]
        for name, image in result.unpooled.items()
    }
    labels = {
        "truth": "HR",
        "pooled": "maximum of each 2 × 2",
        "unpooled": "unpooled: zeros between",
        "nearest": "maximum, nearest",
    }
    image_rows(out, [boards, pooled], [titles, labels])
