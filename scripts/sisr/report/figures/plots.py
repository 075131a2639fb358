"""Plots of the score table: quality by dataset, perception against distortion.

Each function draws one figure about one scale, writes it to ``out`` (SVG, PNG or PDF by extension) and
returns ``out``.  The order of the names is that in the figure, and they must hold all models of the run,
since a model's colour is its place.
Infinite values (identical images) have no place on an axis: they are left out and said to be.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from sisr.analysis.shown_measures import heading
from sisr.report.figures import style
from sisr.report.figures.labels import FRONT, place_labels
from sisr.scoring.metrics.protocol import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sisr.report.shown_run import Names

    Points = Mapping[str, tuple[float, float]]

#: From this number of images on, a box says more than the single images.
BOX_FROM = 20
_PANELS_PER_ROW = 4


# --- quality by dataset ---------------------------------------------------------------------------------


def quality(scores: pd.DataFrame, shown: Names, kernel: str, scale: int, out: Path) -> Path:
    """Values of the single images per model: a row of panels per measure, a panel per dataset.

    Datasets of fewer than ``BOX_FROM`` images show every image as a dot, larger ones a box (quartiles,
    whiskers to 1.5 times their range, outliers as dots).  A black bar is the mean, the value of the tables.
    Panels of a measure share their axis.
    """
    here = scores[(scores["kernel"] == kernel) & (scores["scale"] == scale)]
    measures, datasets = shown.shown(), shown.datasets
    sets = present(datasets, here["dataset"])
    names = present(shown.models, here["model"])
    with style.applied():
        if not names:
            return style.save(empty_figure(f"No scores at ×{scale} on {shown.kernels[kernel]} LR"), out)
        # One dataset alone has its measures side by side.
        most = max(1, int(_PANELS_PER_ROW * style.width() / style.WIDTH))
        rows = [[(m, d) for m in measures for d in sets]] if len(sets) == 1 else [
            [(m, d) for d in sets[i : i + most]] for m in measures for i in range(0, len(sets), most)
        ]  # fmt: skip
        columns = max(map(len, rows))
        height = 0.45 + len(rows) * (0.85 + 0.235 * len(names))
        figure = new_figure(style.width(), height)
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for line, panels in zip(axes, rows, strict=True):
            for place, axis in enumerate(line):
                if place >= len(panels):
                    axis.set_visible(False)
                    continue
                measure, dataset = panels[place]
                chosen = here[(here["dataset"] == dataset) & is_measure(here, measure)]
                _distribution(axis, chosen, measure, names, shown.models)
                count = chosen["image"].nunique()
                axis.set_title(f"{datasets[dataset]} ({count} image{'s' * (count != 1)})")
                if place:
                    axis.tick_params(axis="y", labelleft=False)
        _share_x(axes, rows)
        title(figure, shown, kernel, scale)
        return style.save(figure, out)


def _distribution(
    axis: Axes, data: pd.DataFrame, measure: Measure, names: Sequence[str], models: Mapping[str, str]
) -> None:
    import matplotlib as mpl
    import seaborn as sns

    colours = style.model_colours(models)
    finite = data[np.isfinite(data["value"])]
    # seaborn takes the palette by level of hue; models without a value keep their empty row.
    options: dict[str, Any] = {
        "data": finite, "x": "value", "y": "model", "order": names, "hue": "model", "hue_order": names,
        "palette": [colours[name] for name in names], "legend": False, "ax": axis, "orient": "h",
    }  # fmt: skip
    if data["image"].nunique() >= BOX_FROM:
        with warnings.catch_warnings():
            # seaborn 0.13 calls matplotlib 3.11 in a way that it will lose in 3.13.
            warnings.simplefilter("ignore", mpl.MatplotlibDeprecationWarning)
            sns.boxplot(
                **options,
                width=0.62,
                linewidth=0.8,
                fliersize=2,
                linecolor=style.SOFT,
                saturation=1,
                dodge=False,
            )
    else:
        # Without jitter, which seaborn would draw from a global generator.
        sns.stripplot(**options, jitter=False, size=5, alpha=0.65, linewidth=0)
    groups = dict(tuple(data.groupby("model", sort=False)["value"]))
    for place, name in enumerate(names):
        if name not in groups:
            _aside(axis, place, "no scores")
            continue
        infinite = int(np.isinf(groups[name]).sum())
        if infinite:
            _aside(axis, place, f"inf × {infinite}, not drawn")
        else:
            mean = math.fsum(groups[name]) / len(groups[name])
            axis.plot(mean, place, marker="|", markersize=11, markeredgewidth=1.8, color=style.INK, zorder=5)
    axis.set_yticks(range(len(names)), [models.get(name, name) for name in names])
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.set_xlabel(axis_label(measure))
    axis.set_ylabel("")
    axis.grid(axis="x")
    axis.tick_params(axis="y", length=0)


def _aside(axis: Axes, place: int, text: str) -> None:
    axis.text(
        0.985, place, text, transform=axis.get_yaxis_transform(), ha="right", va="center", fontsize=7.5,
        style="italic", color=style.SOFT, bbox={"facecolor": "white", "alpha": 0.8, "pad": 1, "linewidth": 0},
    )  # fmt: skip


def _share_x(axes: np.ndarray, rows: Sequence[Sequence[tuple[Measure, str]]]) -> None:
    """Give all panels of one measure the same limits."""
    found: dict[Measure, list[Axes]] = {}
    for line, panels in zip(axes, rows, strict=True):
        for axis, (measure, _) in zip(line, panels, strict=False):
            found.setdefault(measure, []).append(axis)
    for group in found.values():
        drawn = [axis for axis in group if axis.has_data()] or group
        low = min(axis.get_xlim()[0] for axis in drawn)
        high = max(axis.get_xlim()[1] for axis in drawn)
        for axis in group:
            axis.set_xlim(low, high)


# --- perception against distortion ----------------------------------------------------------------------


def perception_distortion(summary: pd.DataFrame, shown: Names, kernel: str, scale: int, out: Path) -> Path:
    """Mean fidelity (x) against mean perceptual distance (y) of each model, a panel per dataset or pool.

    The dashed line is the Pareto front: models on it are not beaten in both measures by any other.  After
    Blau and Michaeli, The perception-distortion tradeoff, CVPR 2018.
    """
    distortion, perception = shown.fidelity, shown.perception
    here = summary[(summary["kernel"] == kernel) & (summary["scale"] == scale)]
    x = here[is_measure(here, distortion)].set_index(["group", "model"])["mean"]
    y = here[is_measure(here, perception)].set_index(["group", "model"])["mean"]
    points = pd.DataFrame({"x": x, "y": y}).dropna()
    groups = points.index.get_level_values("group")

    def draw(axis: Axes, group: str) -> Points:
        return _trade_off(axis, points[groups == group].droplevel("group"), shown)

    return scatter(groups, draw, f"{distortion.label} and {perception.label}", shown, kernel, scale, out)


def scatter(
    groups: Iterable[str],
    draw: Callable[[Axes, str], Points],
    what: str,
    shown: Names,
    kernel: str,
    scale: int,
    out: Path,
) -> Path:
    """A panel for each dataset or pool, which ``draw`` fills; ``what`` is missing where there is none.

    ``draw`` returns where it put each model, whose name is written beside.
    """
    panels = present(shown.groups, groups)
    with style.applied():
        if not panels:
            text = f"No model has both {what} at ×{scale} on {shown.kernels[kernel]} LR"
            return style.save(empty_figure(text), out)
        wide = style.width() >= style.WIDTH
        columns = min(2 if wide else 1, len(panels))
        lines = math.ceil(len(panels) / columns)
        figure = new_figure(style.width(), 0.45 + lines * (4.8 if wide and columns == 1 else 4.0))
        axes = figure.subplots(lines, columns, squeeze=False).ravel()
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        drawn = []
        for axis, group in zip(axes, panels, strict=False):
            axis.set_title(shown.groups[group], loc="left")
            drawn.append(draw(axis, group))
        title(figure, shown, kernel, scale)
        figure.draw_without_rendering()
        # Labels come last: their places depend on the final size of the axes.
        for axis, points in zip(axes, drawn, strict=False):
            place_labels(axis, np.array(list(points.values())), [shown.models[name] for name in points])
        return style.save(figure, out)


def _trade_off(axis: Axes, part: pd.DataFrame, shown: Names) -> Points:
    """Draw the points of one panel; returns those drawn."""
    models, distortion, perception = shown.models, shown.fidelity, shown.perception
    part = part.reindex(present(models, part.index))
    finite = part[np.isfinite(part.to_numpy()).all(axis=1)]
    signs = [1.0 if m.direction == "higher" else -1.0 for m in (distortion, perception)]
    front = pareto_front(finite.to_numpy() * signs)
    if len(front) > 1:
        draw_front(axis, finite.to_numpy()[front], "upper right")
    points = {name: (x, y) for name, x, y in finite.itertuples()}
    draw_points(axis, points, models)
    axis.margins(0.14)
    axis.grid()
    axis.set_xlabel(axis_label(distortion))
    axis.set_ylabel(axis_label(perception))
    say_better(axis, {(1, 1): "↗", (1, -1): "↘", (-1, 1): "↖", (-1, -1): "↙"}[int(signs[0]), int(signs[1])])
    if left_out := [models[name] for name in part.index if name not in points]:
        axis.text(
            0.01, 0.01, f"not drawn (inf): {', '.join(left_out)}", transform=axis.transAxes, fontsize=7.5,
            style="italic", color=style.SOFT,
        )  # fmt: skip
    return points


def draw_points(axis: Axes, points: Points, models: Iterable[str]) -> None:
    """A marker for each model."""
    colours, markers = style.model_colours(models), style.model_markers(models)
    for name, (x, y) in points.items():
        axis.plot(x, y, markers[name], color=colours[name], markersize=7.5, markeredgecolor="white", zorder=3)


def say_better(axis: Axes, arrow: str) -> None:
    """Which way is better, above the right end of a panel."""
    axis.set_title(f"better {arrow}", loc="right", fontsize=9, fontweight="normal", color=style.SOFT)


def draw_front(axis: Axes, line: np.ndarray, corner: Literal["upper right", "lower right"]) -> None:
    """The Pareto front through the points of ``line`` (n, 2), with its legend in a corner that is empty."""
    axis.plot(*line.T, color=style.SOFT, linestyle=(0, (4, 3)), linewidth=1, zorder=1, label=FRONT)
    axis.legend(loc=corner, fontsize=7.5, frameon=False, handlelength=2.4)


def pareto_front(values: np.ndarray) -> list[int]:
    """Indices of the rows of ``values`` (n, 2), higher being better, that no other row dominates.

    Sorted by the first column, best first; of equal rows each is on the front.
    """
    front = [
        i
        for i, row in enumerate(values)
        if not any((other >= row).all() and (other > row).any() for other in values)
    ]
    return sorted(front, key=lambda i: (-values[i][0], -values[i][1], i))


# --- shared ---------------------------------------------------------------------------------------------


def new_figure(width: float, height: float) -> Figure:
    """A figure of that size in inches."""
    # Without pyplot: no window system, no state between figures.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def title(figure: Figure, shown: Names, kernel: str, scale: int) -> None:
    """The heading of a figure about one kernel and scale."""
    if style.for_paper():
        return
    figure.suptitle(f"×{scale}, LR: {shown.kernels[kernel]}", x=0.01, ha="left", fontsize=11)


def empty_figure(text: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure = new_figure(style.width(), 1.0)
    figure.text(0.5, 0.5, text, ha="center", va="center", color=style.SOFT)
    return figure


def axis_label(measure: Measure) -> str:
    """Heading with the unit."""
    return f"{heading(measure)} ({measure.unit})" if measure.unit else heading(measure)


def is_measure(frame: pd.DataFrame, measure: Measure) -> pd.Series:
    """Which rows of a tidy table hold a measure."""
    return (frame["metric"] == measure.metric) & (frame["protocol"] == measure.protocol)


def present(known: Iterable[str], present: Iterable[str]) -> list[str]:
    """The known names that are present, in the known order.  Names without a label are not drawn."""
    names = set(present)
    return [name for name in known if name in names]
