"""What the figures of all studies share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sisr.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@contextmanager
def drawing(out: Path, height: float) -> Iterator[Figure]:
    """A figure of the project's width, ``height`` inches high, that is saved when the block ends."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with style.applied():
        layout = ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06, wspace=0.04, hspace=0.05)
        figure = Figure(figsize=(style.WIDTH, height), layout=layout)
        yield figure
        style.save(figure, out)


def grid_of(axis: Axes, title: str, x: str, y: str) -> None:
    """Title, labels and grid lines of a plot."""
    axis.set_title(title, loc="left", pad=8)
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.grid(True)


def show_image(axis: Axes, image: np.ndarray, title: str, **options: Any) -> None:
    """An image on [0, 1] or uint8, without ticks, its title above."""
    limits = {} if image.ndim == 3 else {"vmin": 0, "vmax": 255 if image.dtype == np.uint8 else 1}
    axis.imshow(image, interpolation="nearest", **{"cmap": "gray", **limits, **options})
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_title(title, fontsize=8, fontweight="normal", pad=3)
    for side in axis.spines.values():
        side.set_visible(False)


def image_rows(
    out: Path, rows: Sequence[Mapping[str, np.ndarray]], titles: Sequence[Mapping[str, str]]
) -> None:
    """Rows of images of one size each, with a title above each image."""
    columns = max(len(row) for row in rows)
    ratios = [next(iter(row.values())).shape[0] / next(iter(row.values())).shape[1] for row in rows]
    cell = style.WIDTH / columns
    with drawing(out, sum(cell * ratio + 0.22 for ratio in ratios)) as figure:
        axes = figure.subplots(len(rows), columns, squeeze=False, height_ratios=ratios)
        for line, row, names in zip(axes, rows, titles, strict=True):
            for axis in line[len(row) :]:
                axis.set_visible(False)
            for axis, (key, image) in zip(line, row.items(), strict=False):
                show_image(axis, image, names.get(key, key))


def corner(image: np.ndarray, side: int) -> tuple[int, int]:
    """Top left of the square of ``side`` pixels with the most fine detail of a gray image."""
    from scipy.ndimage import gaussian_filter, uniform_filter

    side = min(side, *image.shape[:2])
    detail = uniform_filter(np.abs(image - gaussian_filter(image, 2)), side)
    half = side // 2
    inner = detail[half : image.shape[0] - side + half + 1, half : image.shape[1] - side + half + 1]
    place = np.unravel_index(int(inner.argmax()), inner.shape)
    return int(place[0]), int(place[1])
