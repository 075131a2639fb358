"""Plots of quality against what it costs: time, or parameters."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from sisr.report.figures import plots, style
from sisr.report.figures.labels import SPREAD
from sisr.scoring.metrics.protocol import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sisr.report.shown_run import Names


@dataclass(frozen=True)
class Resource:
    """What a model needs, the x axis: ``label`` with its unit, ``missing`` for models that have no value.

    ``values`` maps models to a number that is not negative; ``spread`` to the quartiles around it, if known.
    """

    label: str
    missing: str
    values: Mapping[str, float]
    spread: Mapping[str, tuple[float, float]]


def quality_against(
    summary: pd.DataFrame, resource: Resource, shown: Names, kernel: str, scale: int, out: Path
) -> Path:
    """Mean fidelity (y) against a resource (x, logarithmic) of each model, a panel per dataset or pool.

    Zero has no place on a logarithmic axis: models that need nothing stand in a band of their own beside it.
    The dashed line is the Pareto front: no other model is both better and cheaper.  Bars are quartiles.
    """
    here = summary[(summary["kernel"] == kernel) & (summary["scale"] == scale)]
    measure = shown.fidelity
    y = here[plots.is_measure(here, measure)].set_index(["group", "model"])["mean"].dropna()

    def draw(axis: Axes, group: str) -> plots.Points:
        values = y[group]
        part = {name: float(values[name]) for name in plots.present(shown.models, values.index)}
        return _panel(axis, part, measure, resource, shown.models)

    groups = y.index.get_level_values("group") if resource.values else ()
    what = f"{measure.label} and {resource.label.partition(' (')[0].lower()}"
    return plots.scatter(groups, draw, what, shown, kernel, scale, out)


def _panel(
    axis: Axes,
    part: Mapping[str, float],
    measure: Measure,
    resource: Resource,
    models: Mapping[str, str],
) -> plots.Points:
    """Draw the points of one panel; returns where each model stands."""
    finite = {name: value for name, value in part.items() if math.isfinite(value)}
    known = [name for name in finite if name in resource.values]
    positions = _log_axis(axis, {name: resource.values[name] for name in known})
    points = {name: (positions[name], finite[name]) for name in known}
    sign = 1.0 if measure.direction == "higher" else -1.0
    values = np.array([(-resource.values[name], sign * finite[name]) for name in known]).reshape(-1, 2)
    front = [known[index] for index in plots.pareto_front(values)]
    if len(front) > 1:
        # Good and expensive is where models are; good and cheap, or bad and expensive, is where none is.
        line = np.array([points[name] for name in front])
        plots.draw_front(axis, line, "lower right" if sign > 0 else "upper right")
    colours = style.model_colours(models)
    for name, (_, value) in points.items():
        if name in resource.spread and resource.values[name] > 0:
            ends = resource.spread[name]
            axis.plot(ends, (value, value), color=colours[name], linewidth=1.5, zorder=2, label=SPREAD)
    plots.draw_points(axis, points, models)
    axis.margins(y=0.14)
    axis.grid()
    axis.set_xlabel(resource.label)
    axis.set_ylabel(plots.axis_label(measure))
    plots.say_better(axis, "↖" if sign > 0 else "↙")
    notes = [
        textwrap.fill(f"{reason}: {', '.join(models.get(name, name) for name in names)}", 72)
        for reason, names in (
            ("not drawn (inf)", [name for name in part if name not in finite]),
            (resource.missing, [name for name in finite if name not in resource.values]),
        )
        if names
    ]
    if notes:
        axis.text(
            0.01, 0.01, "\n".join(notes), transform=axis.transAxes, fontsize=7.5, style="italic",
            color=style.SOFT, in_layout=False,
        )  # fmt: skip
    return points


def _log_axis(axis: Axes, values: Mapping[str, float]) -> dict[str, float]:
    """Make the x axis logarithmic, with a band for zeros; returns each model's position on it."""
    from matplotlib.ticker import FixedLocator, NullLocator

    axis.set_xscale("log")
    positive = [value for value in values.values() if value > 0]
    if not positive:
        positive = [1.0]
    low, high = math.log10(min(positive)), math.log10(max(positive))
    span = max(high - low, 0.5)
    left, zero = low - 0.14 * span, math.nan
    if len(positive) < len(values):
        zero = low - 0.3 * span
        left = zero - 0.16 * span
        axis.axvspan(10**left, 10 ** ((zero + low) / 2), color=style.GRID, alpha=0.45, linewidth=0, zorder=0)
    right = high + 0.14 * span
    axis.set_xlim(10**left, 10**right)
    steps = (0,) if span > 1.5 else (0, math.log10(2), math.log10(5))
    ticks = [
        decade + step
        for decade in range(math.floor(low) - 1, math.ceil(right) + 1)
        for step in steps
        if (left if math.isnan(zero) else (zero + low) / 2) <= decade + step <= right
    ]
    labels = [_power(10**tick) for tick in ticks]
    if not math.isnan(zero):
        ticks, labels = [zero, *ticks], ["0", *labels]
    axis.xaxis.set_major_locator(FixedLocator([10**tick for tick in ticks]))
    axis.set_xticklabels(labels)
    axis.xaxis.set_minor_locator(NullLocator())
    return {name: value if value > 0 else 10**zero for name, value in values.items()}


def _power(value: float) -> str:
    """1, 2 or 5 times a power of ten, as people write it: 0.01, 20, 1,000, 5 M."""
    if value >= 999_999:
        return f"{value / 1e6:,.0f} M"
    return f"{value:,.0f}" if value >= 1 else f"{value:.{math.ceil(-math.log10(value) - 1e-9)}f}"
