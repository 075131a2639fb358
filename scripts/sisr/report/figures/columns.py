"""Figures as papers print them: as wide as a column, in vectors, with their fonts in the file.

A figure is drawn as for a screen, only narrower, and made smaller as a whole when it is written, so that its
texts have the size of a caption; what draws knows nothing of it but :func:`sisr.report.figures.style.width`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sisr.base.images import read_image
from sisr.report.figures import crops, style
from sisr.report.figures.crop_choice import Region, sr_pixels, truth_pixels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Inches of a column, and of a page's two with what is between them, in the templates of CVPR, ICCV and WACV;
#: those of IEEE and ECCV are a little wider.
WIDTHS: Mapping[str, float] = {"single": 3.25, "double": 6.875}

_GAP, _LINE = 0.05, 0.125  # inches: between tiles, and of a line of text


def crop_figure(image: crops.ImageFiles, region: Sequence[int], text: crops.SheetText, out: Path) -> Path:
    """A crop sheet (:func:`sisr.report.figures.crops.crop_sheet`) as a figure of a column, texts as texts.

    Pixels are those of the files, one by one; none is interpolated.  The whole image stands beside the tiles
    where the figure is as wide as two columns, else above them.
    """
    truth, tiles = _tiles(image, Region(*map(int, region)), text)
    box = Region(*map(int, region))
    with style.applied():
        width = style.width()
        beside = width > WIDTHS["single"] / style.SHRINK
        columns = min(len(tiles), 4 if not beside else max(4, -(-len(tiles) // 2)) if len(tiles) < 13 else 8)
        rows = -(-len(tiles) // columns)
        room = width * 0.7 if beside else width
        side = (room - _GAP * (columns - 1)) / columns
        high = side * box.h / box.w
        lines = 1 + max(len(values) for _, _, values in tiles)
        cell = high + lines * _LINE / style.SHRINK + 3 * _GAP
        whole = (width - room - 2 * _GAP, rows * cell - 3 * _GAP) if beside else (width, 1.8 / style.SHRINK)
        scale = min(whole[0] / truth.shape[1], whole[1] / truth.shape[0])
        size = (truth.shape[1] * scale, truth.shape[0] * scale)
        above = 0 if beside else size[1] + 2 * _GAP
        height = max(above + rows * cell, size[1])
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)

        def place(left: float, top: float, wide: float, tall: float) -> Axes:
            axes = figure.add_axes((left / width, 1 - (top + tall) / height, wide / width, tall / height))
            axes.set_axis_off()
            return axes

        left = (whole[0] - size[0]) / 2 if not beside else 0.0
        axes = place(left, 0, *size)
        axes.imshow(truth, interpolation="none", aspect="auto")
        for colour, line in ((crops._ACCENT, 2.4), ("white", 0.8)):
            axes.plot(
                [box.x, box.x + box.w, box.x + box.w, box.x, box.x],
                [box.y, box.y, box.y + box.h, box.y + box.h, box.y],
                color=colour, linewidth=line,
            )  # fmt: skip
        for number, (pixels, label, values) in enumerate(tiles):
            row, column = divmod(number, columns)
            x = (width - room if beside else 0) + column * (side + _GAP)
            y = above + row * cell
            axes = place(x, y, side, high)
            axes.imshow(pixels, interpolation="none", aspect="auto")
            for line, (words, bold) in enumerate(((label, False), *values)):
                down = y + high + _GAP + line * _LINE / style.SHRINK
                # Measured ten times as large, since pixels are whole.
                words = crops._clip(words, crops._font(80), int(side * 720))  # noqa: PLW2901
                figure.text(
                    (x + side / 2) / width, 1 - down / height, words, ha="center", va="top", fontsize=8,
                    fontweight="bold" if bold else "normal",
                )  # fmt: skip
        return style.save(figure, out)


def _tiles(
    image: crops.ImageFiles, box: Region, text: crops.SheetText
) -> tuple[np.ndarray, list[tuple[np.ndarray, str, tuple[tuple[str, bool], ...]]]]:
    """The whole image, and each tile: pixels, label, values with whether they are the best."""
    truth = truth_pixels(image.hr, image.lr, image.scale)
    height, width = (n - n % image.scale for n in truth.shape[:2])
    heads = tuple((crops.heading(measure), False) for measure in text.measures)
    lr = crops._cut_lr(read_image(image.lr).array, box, image.scale)
    tiles = [(crops._cut(truth, box), "HR", heads)] if image.hr is not None else []
    tiles.append((lr, f"LR (pixels ×{image.scale})", ()))
    for model, path in image.srs.items():
        pixels = crops._cut(sr_pixels(path, (height, width)), box)
        tiles.append((pixels, text.labels.get(model, model), crops.values_of(model, image.srs, text)))
    return _rgb(truth), [(_rgb(pixels), label, values) for pixels, label, values in tiles]


def _rgb(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2)
