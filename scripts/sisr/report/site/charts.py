"""Interactive charts of a run as plain data, which ``static/plots.js`` draws as SVG.

Colours, markers, the Pareto front, boxes and means are those of the static figures, by the same functions.
Each chart says in words what it shows (``alt``) and how to read it (``text``); ``kind`` says how it is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sisr.report.figures.plots import BOX_FROM, axis_label, is_measure, pareto_front
from sisr.report.figures.style import model_colours
from sisr.report.site import shown_data

if TYPE_CHECKING:
    import pandas as pd

    from sisr.report.shown_run import Names
    from sisr.scoring.metrics.protocol import Measure

    Chart = dict[str, Any]

_FRONT = "Joined by a dashed line: the Pareto front, models that no other beats on both."


def all_charts(
    shown: Names,
    scores: pd.DataFrame,
    summary: pd.DataFrame,
    cost: pd.DataFrame | None = None,
    ranks: pd.DataFrame | None = None,
    curves: Mapping[str, pd.DataFrame] | None = None,
) -> list[Chart]:
    """The charts of a run in the order of the page: ``id``, ``title``, ``text``, ``alt``, ``kind``, what the
    kind needs and, for those of one scale, ``scale``.

    ``ranks`` is of ``tables/ranks_x*.csv``; ``curves``: name -> log of a training, see :func:`training`.
    """
    charts: list[Chart] = []
    for scale in sorted({int(value) for value in scores["scale"]}):
        before = len(charts)
        here, of_scale = scores[scores["scale"] == scale], summary[summary["scale"] == scale]
        kernel = next(k for k in shown.kernels if k in set(here["kernel"]))
        means = of_scale[of_scale["kernel"] == kernel]
        where = f"×{scale}, LR by {shown.kernels[kernel]}"
        charts.append(_quality(shown, here[here["kernel"] == kernel], scale, where))
        if shown.fidelity != shown.perception:
            charts.append(_plane(shown, means, scale, where))
        if cost is not None:
            charts += _costs(shown, means, cost[cost["scale"].astype(int) == scale], scale, where)
        if ranks is not None:
            charts += _ranks(
                shown, ranks[(ranks["scale"] == scale) & (ranks["kernel"] == kernel)], scale, where
            )
        if of_scale["kernel"].nunique() > 1:
            charts.append(_kernels(shown, of_scale, scale))
        for chart in charts[before:]:
            chart["scale"] = scale
    for column in CURVES if curves else ():
        charts += training(curves or {}, column)
    return charts


def _axis(measure: Measure) -> dict[str, Any]:
    return {"title": axis_label(measure), "better": _sense(measure), "digits": measure.digits}


def _sense(measure: Measure) -> int:
    """1 where higher is better, -1 where lower is, 0 where neither."""
    return {"higher": 1, "lower": -1}.get(measure.direction, 0)


def _quality(shown: Names, part: pd.DataFrame, scale: int, where: str) -> Chart:
    """Values of the images by dataset and model; of many images their quartiles, as in the static figure."""
    measure = shown.fidelity
    rows = part[is_measure(part, measure)]
    panels = []
    for dataset in (name for name in shown.datasets if name in set(rows["dataset"])):
        found = rows[rows["dataset"] == dataset]
        parts = dict(iter(found.groupby("model", sort=False)))
        lines = [_line(model, parts[model]) for model in shown.models if model in parts]
        count = found["image"].nunique()
        title = f"{shown.datasets[dataset]} ({count} image{'s' * (count != 1)})"
        panels.append({"title": title, "rows": lines})
    return {
        "id": f"quality-x{scale}",
        "kind": "spread",
        "title": f"{measure.label} by dataset, {where}",
        "text": f"Best mean first. A dot is one image; from {BOX_FROM} images on the box is the middle half, "
        "its line the median, and the whiskers reach to the extremes. The upright bar is the mean of the "
        "tables. Point at a dot or an end to see which image it is. Infinite values are left out.",
        "alt": f"{measure.label} of the images of each dataset, one row a model.",
        "axis": _axis(measure),
        "digits": measure.digits,
        "panels": panels,
    }


def _line(model: str, found: pd.DataFrame) -> dict[str, Any]:
    finite = found[np.isfinite(found["value"])].sort_values("value", kind="stable")
    values = [shown_data.number(value) for value in finite["value"]]
    line: dict[str, Any] = {"model": model}
    if not values:
        return line
    line["mean"] = shown_data.number(math.fsum(finite["value"]) / len(values))
    if len(found) < BOX_FROM:
        return line | {"dots": [list(dot) for dot in zip(values, finite["image"], strict=True)]}
    box = [shown_data.number(value) for value in np.quantile(finite["value"], [0.25, 0.5, 0.75])]
    ends = [[values[at], finite["image"].iloc[at]] for at in (0, -1)]
    return line | {"box": box, "dots": ends}


def _scatter(
    shown: Names,
    points: Mapping[str, tuple[float, float]],
    signs: tuple[int, int],
    title: str,
) -> dict[str, Any]:
    """One panel: points by model in the run's order, and the models of the Pareto front in its order."""
    known = [model for model in shown.models if model in points]
    values = np.array([points[model] for model in known]).reshape(-1, 2) * signs
    return {
        "title": title,
        "points": [[model, *map(shown_data.number, points[model])] for model in known],
        "front": [known[at] for at in pareto_front(values)],
    }


def _plane(shown: Names, means: pd.DataFrame, scale: int, where: str) -> Chart:
    x, y = shown.fidelity, shown.perception
    panels = []
    for group in (name for name in shown.groups if name in set(means["group"])):
        first, second = (_means(means, group, measure) for measure in (x, y))
        points = {m: (first[m], second[m]) for m in first if m in second}
        if points:
            panels.append(_scatter(shown, points, (_sense(x), _sense(y)), shown.groups[group]))
    return {
        "id": f"plane-x{scale}",
        "kind": "scatter",
        "title": f"Perception and distortion, {where}",
        "text": _FRONT,
        "alt": f"{y.label} against {x.label}, one point a model.",
        "x": _axis(x),
        "y": _axis(y),
        "panels": panels,
    }


def _means(means: pd.DataFrame, group: str, measure: Measure) -> dict[str, float]:
    here = means[(means["group"] == group) & is_measure(means, measure)]
    return {m: float(v) for m, v in zip(here["model"], here["mean"], strict=True) if math.isfinite(v)}


def _costs(shown: Names, means: pd.DataFrame, cost: pd.DataFrame, scale: int, where: str) -> list[Chart]:
    """Quality against what it costs, a panel a dataset or pool; what costs nothing has a band of its own."""
    measure = shown.fidelity
    charts = []
    for column, title in COSTS.items():
        if column not in cost:
            continue
        spent = {
            model: float(value)
            for model, value in zip(cost["model"], cost[column], strict=True)
            if _is_size(value)
        }
        panels = []
        for group in (name for name in shown.groups if name in set(means["group"])):
            quality = _means(means, group, measure)
            points = {model: (spent[model], quality[model]) for model in quality if model in spent}
            if len(points) > 1:
                panels.append(_scatter(shown, points, (-1, _sense(measure)), shown.groups[group]))
        if panels and any(spent.values()):
            charts.append({
                "id": f"{column}-x{scale}",
                "kind": "scatter",
                "title": f"{measure.label} against {title.partition(' (')[0].lower()}, {where}",
                "text": f"Logarithmic across; models that need none stand at 0. {_FRONT}",
                "alt": f"{measure.label} against {title.partition(' (')[0].lower()}, one point a model.",
                "x": {"title": title, "better": -1, "log": True},
                "y": _axis(measure),
                "panels": panels,
            })  # fmt: skip
    return charts


#: Columns of ``cost.csv`` that quality is drawn against, with the title of the axis.
COSTS = {
    "parameters": "Parameters",
    "multiply_adds": "Multiply-adds",
    "seconds": "Time per megapixel of output (s)",
}


def _is_size(value: Any) -> bool:
    try:
        return math.isfinite(float(value)) and float(value) >= 0
    except (TypeError, ValueError):
        return False


def _ranks(shown: Names, ranks: pd.DataFrame, scale: int, where: str) -> list[Chart]:
    """Average ranks with the critical difference, for the dataset or pool of most images."""
    charts = []
    for measure in shown.shown():
        here = ranks[is_measure(ranks, measure)]
        if here.empty:
            continue
        group = str(here.sort_values("n", kind="stable")["group"].iloc[-1])
        here = here[here["group"] == group].sort_values("mean_rank", kind="stable")
        difference, n = float(here["critical_difference"].iloc[0]), int(here["n"].iloc[0])
        if len(here) < 2 or not math.isfinite(difference):
            continue
        label = shown.groups.get(group, group)
        charts.append({
            "id": f"ranks-{measure.metric}-{measure.protocol}-x{scale}".replace(".", "-"),
            "kind": "ranks",
            "title": f"Critical difference, {measure.label} on {label} ({n} images), {where}",
            "text": "Average ranks differ, by Nemenyi's test at 0.05, where they are "
            f"{difference:.2f} or more apart: then the bars do not overlap. "
            "Point at a model to see which ones are not told from it.",
            "alt": f"Average rank of each model by {measure.label}, best first, with a bar as wide as the "
            "critical difference.",
            "axis": {"title": "Average rank (1 is best)", "better": -1},
            "difference": difference,
            "rows": [[model, rank] for model, rank in shown_data.rows(here, "model", "mean_rank")],
        })  # fmt: skip
    return charts


#: Columns of a training's log that are drawn where it has them: title, unit, whether the axis is logarithmic.
CURVES = {
    "loss": ("Loss", "", True),
    "psnr": ("PSNR in validation", "dB", False),
    "psnr_y": ("PSNR-Y in validation", "dB", False),
}
#: More points than this say nothing more on a line of the page's width.
_POINTS = 300


def training(curves: Mapping[str, pd.DataFrame], column: str) -> list[Chart]:
    """One chart of a column of :data:`CURVES` against ``iteration``, a line for each log that has it.

    Long logs are drawn by means over equal stretches of iterations.
    """
    title, unit, log = CURVES[column]
    lines = {name: _thinned(frame, column, log) for name, frame in curves.items()}
    lines = {name: points for name, points in lines.items() if points}
    if not lines:
        return []
    colours = model_colours(lines)
    return [{
        "id": f"training-{column}",
        "kind": "lines",
        "title": f"Training: {title}",
        "text": "Of the models that this run trains itself." + (" Logarithmic upwards." if log else ""),
        "alt": f"Line chart of {title.lower()} against iterations: {', '.join(lines)}.",
        "x": {"title": "Iterations"},
        "y": {"title": f"{title} ({unit})" if unit else title, "log": log, "better": -1 if log else 1},
        "lines": [{"name": name, "colour": colours[name], "points": of} for name, of in lines.items()],
    }]  # fmt: skip


def _thinned(frame: pd.DataFrame, column: str, log: bool) -> list[list[float]]:
    if column not in frame or "iteration" not in frame:
        return []
    known = frame[["iteration", column]].dropna()
    stretch = max(1, -(-len(known) // _POINTS))
    points = []
    for at in range(0, len(known), stretch):
        part = known.iloc[at : at + stretch]
        value = float(part[column].mean())
        if math.isfinite(value) and (value > 0 or not log):
            points.append([int(part["iteration"].iloc[-1]), value])
    return points


def _kernels(shown: Names, summary: pd.DataFrame, scale: int) -> Chart:
    measure = shown.fidelity
    rows = summary[is_measure(summary, measure)]
    group = str(rows.groupby("group")["kernel"].nunique().idxmax())
    rows = rows[(rows["group"] == group) & np.isfinite(rows["mean"])]
    found = {(m, k): float(v) for m, k, v in shown_data.rows(rows, "model", "kernel", "mean")}
    kernels = _present(shown.kernels, lambda k: any(k == kernel for _, kernel in found))
    return {
        "id": f"kernels-x{scale}",
        "kind": "heat",
        "title": f"{measure.label} under each LR kernel, {shown.groups.get(group, group)}, ×{scale}",
        "text": "The images and models are the same in all columns; only the kernel that made the LR "
        "images differs.",
        "alt": f"{measure.label}: models down, LR kernels across.",
        "axis": _axis(measure),
        "digits": measure.digits,
        "columns": [shown.kernels[kernel] for kernel in kernels],
        "rows": [
            [model, [shown_data.number(found.get((model, kernel), math.nan)) for kernel in kernels]]
            for model in _present(shown.models, lambda m: any(m == model for model, _ in found))
        ],
    }


def _present(names: Mapping[str, str], known: Callable[[str], bool]) -> Sequence[str]:
    return [name for name in names if known(name)]
