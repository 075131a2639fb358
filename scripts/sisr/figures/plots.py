"""Plots of the score table: quality by dataset, perception against distortion, model against kernel.

Each function draws one figure about one scale, writes it to ``out`` (SVG, PNG or PDF by extension) and
returns ``out``.  ``models``, ``datasets``, ``groups`` and ``kernels`` map ids to labels; their order is the
order in the figure, and ``models`` must hold all models of the run, since a model's colour is its place.
Infinite values (identical images) have no place on an axis: they are left out and said to be.
"""

from __future__ import annotations

import math
import textwrap
import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sisr.figures import style
from sisr.tables import Measure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: From this number of images on, a box says more than the single images.
BOX_FROM = 20
_PANELS_PER_ROW = 4
#: Inches that "28.45 (−2.09)" takes in a cell of the heat map.
_CELL = 0.92


# --- quality by dataset ---------------------------------------------------------------------------------


def quality(
    scores: pd.DataFrame,
    measures: Sequence[Measure],
    out: Path,
    *,
    models: Mapping[str, str],
    datasets: Mapping[str, str],
    kernel: str,
    kernel_label: str,
    scale: int,
) -> Path:
    """Values of the single images per model: a row of panels per measure, a panel per dataset.

    Datasets of fewer than ``BOX_FROM`` images show every image as a dot, larger ones a box (quartiles,
    whiskers to 1.5 times their range, outliers as dots).  A black bar is the mean, the value of the tables.
    Panels of a measure share their axis.
    """
    here = scores[(scores["kernel"] == kernel) & (scores["scale"] == scale)]
    sets = _present(datasets, here["dataset"])
    names = _present(models, here["model"])
    with style.applied():
        if not names:
            return style.save(empty_figure(f"No scores at ×{scale} on {kernel_label} LR"), out)
        # One dataset alone has its measures side by side.
        rows = [[(m, d) for m in measures for d in sets]] if len(sets) == 1 else [
            [(m, d) for d in sets[i : i + _PANELS_PER_ROW]]
            for m in measures
            for i in range(0, len(sets), _PANELS_PER_ROW)
        ]  # fmt: skip
        columns = max(map(len, rows))
        height = 0.45 + len(rows) * (0.85 + 0.235 * len(names))
        figure = new_figure(style.WIDTH, height)
        axes = figure.subplots(len(rows), columns, squeeze=False)
        for line, panels in zip(axes, rows, strict=True):
            for place, axis in enumerate(line):
                if place >= len(panels):
                    axis.set_visible(False)
                    continue
                measure, dataset = panels[place]
                chosen = here[(here["dataset"] == dataset) & _is(here, measure)]
                _distribution(axis, chosen, measure, names, models)
                count = chosen["image"].nunique()
                axis.set_title(f"{datasets.get(dataset, dataset)} ({count} image{'s' * (count != 1)})")
                if place:
                    axis.tick_params(axis="y", labelleft=False)
        _share_x(axes, rows)
        figure.suptitle(f"×{scale}, LR: {kernel_label}", x=0.01, ha="left", fontsize=11)
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
    axis.set_xlabel(_axis_label(measure))
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


def perception_distortion(
    summary: pd.DataFrame,
    distortion: Measure,
    perception: Measure,
    out: Path,
    *,
    models: Mapping[str, str],
    groups: Mapping[str, str],
    kernel: str,
    kernel_label: str,
    scale: int,
) -> Path:
    """Mean fidelity (x) against mean perceptual distance (y) of each model, a panel per dataset or pool.

    The dashed line is the Pareto front: models on it are not beaten in both measures by any other.  After
    Blau and Michaeli, The perception-distortion tradeoff, CVPR 2018.
    """
    here = summary[(summary["kernel"] == kernel) & (summary["scale"] == scale)]
    x = here[_is(here, distortion)].set_index(["group", "model"])["mean"]
    y = here[_is(here, perception)].set_index(["group", "model"])["mean"]
    points = pd.DataFrame({"x": x, "y": y}).dropna()
    panels = _present(groups, points.index.get_level_values("group"))
    with style.applied():
        if not panels:
            what = f"{distortion.label} and {perception.label}"
            return style.save(empty_figure(f"No model has both {what} at ×{scale} on {kernel_label} LR"), out)
        columns = min(2, len(panels))
        lines = math.ceil(len(panels) / columns)
        figure = new_figure(style.WIDTH, 0.45 + lines * (4.0 if columns == 2 else 4.8))
        axes = figure.subplots(lines, columns, squeeze=False).ravel()
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        drawn = []
        for axis, group in zip(axes, panels, strict=False):
            part = points[points.index.get_level_values("group") == group].droplevel("group")
            part = part.reindex(_present(models, part.index))
            axis.set_title(groups.get(group, group), loc="left")
            drawn.append(_trade_off(axis, part, distortion, perception, models))
        figure.suptitle(f"×{scale}, LR: {kernel_label}", x=0.01, ha="left", fontsize=11)
        figure.draw_without_rendering()
        # Labels come last: their places depend on the final size of the axes.
        for axis, part in zip(axes, drawn, strict=False):
            _place_labels(axis, part.to_numpy(), [models[name] for name in part.index])
        return style.save(figure, out)


def _trade_off(
    axis: Axes, part: pd.DataFrame, distortion: Measure, perception: Measure, models: Mapping[str, str]
) -> pd.DataFrame:
    """Draw the points of one panel; returns those drawn."""
    colours, markers = style.model_colours(models), style.model_markers(models)
    finite = part[np.isfinite(part.to_numpy()).all(axis=1)]
    signs = [1.0 if m.direction == "higher" else -1.0 for m in (distortion, perception)]
    front = pareto_front(finite.to_numpy() * signs)
    if len(front) > 1:
        line = finite.to_numpy()[front]
        axis.plot(
            *line.T, color=style.SOFT, linestyle=(0, (4, 3)), linewidth=1, zorder=1, label="Pareto front"
        )
        axis.legend(loc="upper right", fontsize=7.5, frameon=False, handlelength=2.4)
    for name, x, y in finite.itertuples():
        axis.plot(x, y, markers[name], color=colours[name], markersize=7.5, markeredgecolor="white", zorder=3)
    axis.margins(0.14)
    axis.grid()
    axis.set_xlabel(_axis_label(distortion))
    axis.set_ylabel(_axis_label(perception))
    arrow = {(1, 1): "↗", (1, -1): "↘", (-1, 1): "↖", (-1, -1): "↙"}[int(signs[0]), int(signs[1])]
    axis.set_title(f"better {arrow}", loc="right", fontsize=9, fontweight="normal", color=style.SOFT)
    if left_out := [models.get(name, name) for name in part.index if name not in finite.index]:
        axis.text(
            0.01, 0.01, f"not drawn (inf): {', '.join(left_out)}", transform=axis.transAxes, fontsize=7.5,
            style="italic", color=style.SOFT,
        )  # fmt: skip
    return finite


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


Box = tuple[float, float, float, float]


def _place_labels(axis: Axes, points: np.ndarray, labels: Sequence[str]) -> None:
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
        text = axis.text(0, 0, label, fontsize=size)
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
    """Small boxes along the Pareto front, for labels to keep off it."""
    beads: list[Box] = []
    for line in axis.lines:
        if line.get_label() == "Pareto front":
            corners = axis.transData.transform(line.get_xydata())
            for start, end in pairwise(corners):
                for x, y in np.linspace(start, end, 2 + int(np.hypot(*(end - start)) / (2 * radius))):
                    beads.append((x - radius, y - radius, x + radius, y + radius))
    return beads


def _overlap(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return width * height if width > 0 and height > 0 else 0.0


# --- model against kernel -------------------------------------------------------------------------------


def kernel_map(
    summary: pd.DataFrame,
    measure: Measure,
    out: Path,
    *,
    models: Mapping[str, str],
    groups: Mapping[str, str],
    kernels: Mapping[str, str],
    scale: int,
) -> Path:
    """Mean of ``measure`` for each model (row) and LR kernel (column), a panel per dataset or pool.

    A cell shows the mean; its colour, and the signed number beside or below it, are the difference to the
    first kernel of the same row (blue better, red worse).  All panels share the colours' range.
    """
    here = summary[(summary["scale"] == scale) & _is(summary, measure)]
    columns = _present(kernels, here["kernel"])
    reach = here.groupby("group", sort=False)["kernel"].nunique()
    panels = [group for group in _present(groups, here["group"]) if reach[group] > 1]
    with style.applied():
        if not panels:
            return style.save(empty_figure(f"×{scale} was run on one LR kernel: nothing to compare"), out)
        names = _present(models, here[here["group"].isin(panels)]["model"])
        tables = {}
        for group in panels:
            table = here[here["group"] == group].pivot(index="model", columns="kernel", values="mean")
            tables[group] = table.reindex(index=names, columns=columns)
        gaps = {group: _difference(table) for group, table in tables.items()}
        reach_of_colour = max(
            (float(np.nanmax(np.abs(gap), initial=0.0)) for gap in gaps.values()), default=0.0
        )
        room = style.WIDTH - 1.6  # inches beside the models' names
        per_line = max(1, min(len(panels), int(room / (_CELL * len(columns)))))
        lines = math.ceil(len(panels) / per_line)
        width = room / per_line / len(columns)
        one_line = width >= _CELL
        labels = [
            textwrap.fill(kernels.get(kernel, kernel), max(6, int(width * 13)), break_long_words=False)
            for kernel in columns
        ]
        row = 0.24 if one_line else 0.36
        figure = new_figure(style.WIDTH, 0.9 + lines * (0.55 + 0.16 * _lines(labels) + row * len(names)))
        axes = figure.subplots(lines, per_line, squeeze=False)
        for place, axis in enumerate(axes.ravel()):
            if place >= len(panels):
                axis.set_visible(False)
                continue
            group = panels[place]
            _heat_map(axis, tables[group], gaps[group], measure, labels, reach_of_colour or 1.0, one_line)
            axis.set_title(textwrap.fill(groups.get(group, group), max(16, int(width * len(columns) * 11))))
            axis.set_yticks(
                [i + 0.5 for i in range(len(names))],
                [] if place % per_line else [models.get(name, name) for name in names],
            )
        _colour_bar(figure, axes, measure, kernels.get(columns[0], columns[0]))
        unit = f" ({measure.unit})" if measure.unit else ""
        figure.suptitle(f"{measure.heading}{unit}, ×{scale}", x=0.01, ha="left", fontsize=11)
        return style.save(figure, out)


def _lines(texts: Iterable[str]) -> int:
    return max(text.count("\n") + 1 for text in texts)


def _difference(table: pd.DataFrame) -> np.ndarray:
    """Each column minus the first, NaN where either is missing or infinite."""
    values = table.to_numpy(dtype=float)
    values = np.where(np.isfinite(values), values, np.nan)
    return values - values[:, :1]


def _heat_map(
    axis: Axes,
    table: pd.DataFrame,
    gap: np.ndarray,
    measure: Measure,
    kernel_labels: Sequence[str],
    reach: float,
    one_line: bool,
) -> None:
    import seaborn as sns

    values = table.to_numpy(dtype=float)
    texts = np.empty(values.shape, dtype=object)
    for i, j in np.ndindex(values.shape):
        shown = measure.show(float(values[i, j]))
        signed = f"{gap[i, j]:+.{measure.digits}f}".replace("-", "−")
        pair = f"{shown} ({signed})" if one_line else f"{shown}\n{signed}"
        texts[i, j] = shown if j == 0 or np.isnan(gap[i, j]) else pair
    sns.heatmap(
        np.nan_to_num(gap), annot=texts, fmt="", ax=axis, cbar=False, vmin=-reach, vmax=reach,
        cmap="RdBu" if measure.direction == "higher" else "RdBu_r", mask=np.isnan(gap), linewidths=1.5,
        linecolor="white", annot_kws={"fontsize": 7.5, "linespacing": 1.1},
        xticklabels=kernel_labels, yticklabels=False,
    )  # fmt: skip
    axis.set_facecolor("#eceff2")
    for i, j in zip(*np.nonzero(np.isnan(gap)), strict=True):
        axis.text(
            j + 0.5, i + 0.5, str(texts[i, j]), ha="center", va="center", fontsize=7.5, color=style.SOFT
        )
    axis.set(xlabel="", ylabel="")
    axis.tick_params(length=0, labelrotation=0, labelsize=8)


def _colour_bar(figure: Figure, axes: np.ndarray, measure: Measure, first: str) -> None:
    drawn = next(axis for axis in axes.ravel() if axis.collections)
    unit = f" ({measure.unit})" if measure.unit else ""
    bar = figure.colorbar(
        drawn.collections[0],
        ax=axes,
        orientation="horizontal",
        fraction=0.03,
        pad=0.02,
        aspect=50,
        shrink=0.6,
    )
    bar.set_label(f"Difference to {first}{unit}; blue is better")
    bar.outline.set_visible(False)


# --- shared ---------------------------------------------------------------------------------------------


def new_figure(width: float, height: float) -> Figure:
    """A figure of that size in inches."""
    # Without pyplot: no window system, no state between figures.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def empty_figure(text: str) -> Figure:
    """A figure that says why there is nothing to draw."""
    figure = new_figure(style.WIDTH, 1.0)
    figure.text(0.5, 0.5, text, ha="center", va="center", color=style.SOFT)
    return figure


def _axis_label(measure: Measure) -> str:
    return f"{measure.heading} ({measure.unit})" if measure.unit else measure.heading


def _is(frame: pd.DataFrame, measure: Measure) -> pd.Series:
    return (frame["metric"] == measure.metric) & (frame["protocol"] == measure.protocol)


def _present(known: Iterable[str], present: Iterable[str]) -> list[str]:
    """The known names that are present, in the known order.  Names without a label are not drawn."""
    names = set(present)
    return [name for name in known if name in names]
