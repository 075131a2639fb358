"""Figures of the study of pixel art."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sisr.report.figures import style
from sisr.studies.common import mean
from sisr.studies.panels import drawing, grid_of, image_rows
from sisr.studies.pixel_art import (
    BICUBIC,
    MIXED,
    NEAREST,
    PSNR,
    SCALE2X,
    SCALES,
    SNAPPED,
    PixelArtResult,
    networks_of,
)
from sisr.studies.sprites import SIDE


def draw_images(result: PixelArtResult, out: Path) -> None:
    """Sprites as they are, beside each method's at the largest scale and the drawing where there is one."""
    scale = SCALES[-1]
    methods = [NEAREST, BICUBIC, *([result.network] if result.network else []), SCALE2X]
    rows: list[dict[str, np.ndarray]] = []
    titles: list[dict[str, str]] = []
    for name, made in result.images.items():
        row = {"sprite": _in_its_size(made[NEAREST][::scale, ::scale], scale)}
        row |= {method: made[method] for method in methods}
        if name in result.drawings:
            row["drawn larger"] = result.drawings[name]
        rows.append(row)
        first = not titles
        titles.append({"sprite": name} | ({} if first else dict.fromkeys([*methods, "drawn larger"], "")))
    image_rows(out, rows, titles)


def _in_its_size(small: np.ndarray, scale: int) -> np.ndarray:
    """A small sprite in the middle of white of the large ones' size."""
    canvas = np.full((SIDE * scale, SIDE * scale, 3), 255, np.uint8)
    begin = SIDE * (scale - 1) // 2
    canvas[begin : begin + SIDE, begin : begin + SIDE] = small
    return canvas


def draw_numbers(result: PixelArtResult, out: Path) -> None:
    """PSNR, new colours, and wrong pixels after snapping to the palette, by method; PSNR on photographs."""
    rows, scale = result.rows, SCALES[-1]
    part = f"x{scale}"
    methods = [NEAREST, SCALE2X, BICUBIC, *networks_of(rows, scale)]
    colours = style.model_colours(methods)
    with drawing(out, 0.95 + 0.26 * len(methods)) as figure:
        axes = figure.subplots(1, 4, sharey=True)
        panels = (
            (part, PSNR, f"PSNR, ×{scale}", "dB"),
            (f"photographed {part}", PSNR, "Shrunk by bicubic", "PSNR (dB)"),
            (part, MIXED, "New colours", "% of pixels"),
            (part, SNAPPED, "Wrong, snapped", "% of pixels"),
        )
        for axis, (where, what, title, label) in zip(axes, panels, strict=True):
            found = {row.method for row in rows if row.part == where}
            for place, method in enumerate(methods):
                if method in found:
                    value = mean(rows, part=where, method=method, measure=what)
                    axis.barh(place, value, 0.7, color=colours[method])
                    axis.annotate(
                        f"{value:.1f}",
                        (value, place),
                        (3, 0),
                        textcoords="offset points",
                        va="center",
                        fontsize=7.5,
                    )
            grid_of(axis, title, label, "")
            axis.grid(axis="y", visible=False)
            axis.margins(x=0.2)
            axis.set_xlim(0)
        axes[0].set_yticks(range(len(methods)), methods)
        axes[0].invert_yaxis()
