"""Names beside the points of a plot, so that none covers another."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from sisr.report.figures import style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Labels of the lines that names keep off.  The legend leaves out those with an underscore.
FRONT = "Pareto front"
SPREAD = "_spread"
Box = tuple[float, float, float, float]


def place_labels(axis: Axes, points: np.ndarray, labels: Sequence[str]) -> None:
    """Write each label beside its point (data coordinates) where it covers least; a line where it is far.

    Greedy over a ring of candidate places, most crowded point first, then twice more with all others known.
    No random start, so the same points give the same figure.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    if not len(points):
        return
    canvas = FigureCanvasAgg(axis.figure.get_figure(root=True))
    renderer = canvas.get_renderer()
    unit = renderer.points_to_pixels(1)
    anchors = axis.transData.transform(points)
    size, pad = 8, 1.5 * unit
    dims = []
    for label in labels:
        text = axis.text(0.5, 0.5, label, fontsize=size, transform=axis.transAxes)
        extent = text.get_window_extent(renderer)
        dims.append((extent.width, extent.height))
        text.remove()
    frame = axis.get_window_extent(renderer)
    dots: list[Box] = [(x - 4 * unit, y - 4 * unit, x + 4 * unit, y + 4 * unit) for x, y in anchors]
    legend = axis.get_legend()
    extents = [artist.get_window_extent(renderer) for artist in (*axis.texts, *([legend] if legend else []))]
    notes: list[Box] = [(e.x0, e.y0, e.x1, e.y1) for e in extents] + _beads(axis, 2 * unit)

    def candidates(i: int) -> Iterable[tuple[float, Box]]:
        (x, y), (w, h) = anchors[i], dims[i]
        for ring, gap in enumerate((6, 13, 22, 34, 48)):
            for turn in range(16):
                angle = 2 * math.pi * turn / 16
                dx, dy = math.cos(angle), math.sin(angle)
                # The label's near side or corner, not its middle, lies `gap` away from the point.
                left = x + dx * gap * unit + (dx - 1) / 2 * w
                low = y + dy * gap * unit + (dy - 1) / 2 * h
                yield ring * 6.0 + turn * 0.01, (left - pad, low - pad, left + w + pad, low + h + pad)

    placed: dict[int, Box] = {}

    def cost(i: int, box: Box) -> float:
        others = [other for j, other in placed.items() if j != i]
        covered = sum(_overlap(box, other) for other in (*others, *notes))
        covered += 0.6 * sum(_overlap(box, dot) for dot in dots)
        area = (box[2] - box[0]) * (box[3] - box[1])
        outside = area - _overlap(box, (frame.x0, frame.y0, frame.x1, frame.y1))
        return covered + 4 * outside

    spread = [
        min((float(np.hypot(*(a - b))) for j, b in enumerate(anchors) if j != i), default=0.0)
        for i, a in enumerate(anchors)
    ]
    order = sorted(range(len(labels)), key=lambda i: (spread[i], i))
    for _ in range(3):
        for i in order:
            costs = [(penalty + cost(i, box), box) for penalty, box in candidates(i)]
            placed[i] = min(costs, key=itemgetter(0))[1]
    back = axis.transData.inverted()
    for i, (left, low, right, high) in placed.items():
        x, y = anchors[i]
        nearest = (min(max(x, left), right), min(max(y, low), high))
        if math.hypot(nearest[0] - x, nearest[1] - y) > 9 * unit:
            ends = back.transform([(x, y), nearest])
            axis.plot(*ends.T, color=style.SOFT, linewidth=0.6, zorder=2, scalex=False, scaley=False)
        at = back.transform((left + pad, (low + high) / 2))
        axis.text(at[0], at[1], labels[i], fontsize=size, va="center_baseline")


def _beads(axis: Axes, radius: float) -> list[Box]:
    """Small boxes along the Pareto front and bars of spread, for labels to keep off them."""
    beads: list[Box] = []
    for line in axis.lines:
        if line.get_label() in (FRONT, SPREAD):
            corners = axis.transData.transform(line.get_xydata())
            for start, end in pairwise(corners):
                for x, y in np.linspace(start, end, 2 + int(np.hypot(*(end - start)) / (2 * radius))):
                    beads.append((x - radius, y - radius, x + radius, y + radius))
    return beads


def _overlap(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0
