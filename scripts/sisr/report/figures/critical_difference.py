"""Critical-difference diagram: models on the axis of their average rank, joined where they do not differ.

After Demsar, Statistical comparisons of classifiers over multiple data sets, JMLR 7 (2006), with images in
the place of data sets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sisr.analysis.statistics.ranks import cliques
from sisr.analysis.statistics.verdicts import UNTESTABLE, Standing
from sisr.base.rounding import fixed
from sisr.report.figures import style
from sisr.report.figures.plots import empty_figure, new_figure, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sisr.report.shown_run import Names

#: Inches: a line of a label, a bar, and what axis and title take.
_LABEL, _BAR, _HEAD = 0.175, 0.085, 1.0
#: Shares of a panel's width that the names take at either side.
_SIDE = 0.25


def critical_difference(standings: Sequence[Standing], shown: Names, scale: int, out: Path) -> Path:
    """Draw the panels of each shown measure below each other, for the run's first kernel.

    A panel shows the dataset or pool of most images; where that leaves out models that a smaller one has, a
    second panel shows the largest that has the most models.  Bars join models whose average ranks differ by
    less than the critical difference, which is drawn above the axis; too few images have neither.
    """
    kernel = next((k for k in shown.kernels if any(s.sample.kernel == k for s in standings)), None)
    here = [s for s in standings if s.sample.kernel == kernel and len(s.sample.models) > 1]
    panels = [s for m in shown.shown() for s in _choose([s for s in here if s.sample.measure == m])]
    with style.applied():
        if kernel is None or not panels:
            return style.save(empty_figure(f"No two models to compare at ×{scale}"), out)
        heights = [_height(panel) for panel in panels]
        figure = new_figure(style.width(), 0.35 + sum(heights) + 0.3 * len(panels))
        axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axis, panel, height in zip(axes, panels, heights, strict=True):
            axis.set_axis_off()
            _panel(axis, panel, height, shown)
        title(figure, shown, kernel, scale)
        return style.save(figure, out)


def _choose(found: Sequence[Standing]) -> list[Standing]:
    """The sample of most images; and of those with the most models the one of most images, if it is
    another."""
    if not found:
        return []
    largest = max(found, key=lambda s: s.sample.n)
    most = max(len(s.sample.models) for s in found)
    if len(largest.sample.models) == most:
        return [largest]
    return [largest, max((s for s in found if len(s.sample.models) == most), key=lambda s: s.sample.n)]


def _groups(standing: Standing) -> list[list[int]]:
    if math.isnan(standing.critical_difference):
        return []
    return cliques(standing.mean_ranks, standing.critical_difference)


def _height(standing: Standing) -> float:
    half = math.ceil(len(standing.sample.models) / 2)
    return _HEAD + _BAR * len(_groups(standing)) + _LABEL * half


def _panel(axis: Axes, standing: Standing, height: float, shown: Names) -> None:
    """Draw in inches downwards from the top, ranks from left (best) to right."""
    sample = standing.sample
    k, n = len(sample.models), sample.n
    colours = style.model_colours(shown.models)
    axis.set_xlim(0, 1)
    axis.set_ylim(height, 0)
    group = shown.groups.get(sample.group, sample.group)
    axis.set_title(f"{sample.measure.label}, {group} ({n} image{'s' * (n != 1)})", loc="left")

    side = min(0.36, _SIDE * style.WIDTH / style.width())

    def x(rank: float) -> float:
        return side + (1 - 2 * side) * (rank - 1) / (k - 1)

    line, tick = 0.62, 0.07
    axis.plot([x(1), x(k)], [line, line], color=style.INK, linewidth=1)
    step = 1 if k <= 12 else 2 if k <= 20 else 4
    for rank in range(1, k + 1):
        labelled = rank % step == 1 % step or rank == 1
        axis.plot(
            [x(rank)] * 2, [line, line - (tick if labelled else tick / 2)], color=style.INK, linewidth=0.8
        )
        if labelled:
            axis.text(x(rank), line - tick - 0.03, str(rank), ha="center", va="bottom", fontsize=8)
    difference = standing.critical_difference
    text = UNTESTABLE + " to say which ranks differ"
    if not math.isnan(difference):
        # As a ruler; longer than the axis it would say that nothing can differ.
        wide = difference > k - 1
        end = x(k) if wide else x(1 + difference)
        axis.plot([x(1), end], [0.2, 0.2], color=style.SOFT, linewidth=1.4)
        for place in (x(1), end):
            axis.plot([place] * 2, [0.16, 0.24], color=style.SOFT, linewidth=1.4)
        text = f"critical difference {fixed(difference, 2)}" + (", wider than the axis" if wide else "")
    axis.text(x(1), 0.12, text, ha="left", va="bottom", fontsize=7.5, color=style.SOFT)

    bars = _groups(standing)
    ranks = standing.mean_ranks
    for number, members in enumerate(bars):
        low, high = ranks[members[0]], ranks[members[-1]]
        depth = line + 0.09 + _BAR * number
        axis.plot(
            [x(low) - 0.006, x(high) + 0.006], [depth, depth], color=style.INK, linewidth=3.2,
            solid_capstyle="butt", zorder=4,
        )  # fmt: skip
    start = line + 0.09 + _BAR * len(bars) + 0.1
    order = [int(i) for i in np.argsort(ranks, kind="stable")]
    half = math.ceil(k / 2)
    for place, i in enumerate(order):
        left = place < half
        depth = start + _LABEL * (place if left else k - 1 - place)
        edge = side - 0.015 if left else 1 - side + 0.015
        model = sample.models[i]
        axis.plot(
            [x(ranks[i])] * 2 + [edge],
            [line, depth, depth],
            color=colours.get(model, style.SOFT),
            linewidth=1,
        )
        label = shown.models.get(model, model)
        text = f"{label}  {fixed(ranks[i], 2)}" if left else f"{fixed(ranks[i], 2)}  {label}"
        axis.text(
            edge - 0.008 if left else edge + 0.008, depth, text, ha="right" if left else "left",
            va="center_baseline", fontsize=8,
        )  # fmt: skip
