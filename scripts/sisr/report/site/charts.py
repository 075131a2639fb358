"""Interactive plots of a run as Vega-Lite specifications: data in, plain dictionaries out.

Colours and markers are those of the static figures.  Each chart says in words what it shows (``alt``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sisr.analysis.shown_measures import heading
from sisr.report.figures.style import model_colours, model_markers
from sisr.report.site import shown_data

if TYPE_CHECKING:
    import pandas as pd

    from sisr.report.shown_run import Names

#: Vega's names of the markers of the static figures.
_SHAPES = {
    "o": "circle",
    "s": "square",
    "^": "triangle-up",
    "D": "diamond",
    "v": "triangle-down",
    "P": "cross",
    "X": "triangle-left",
}
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"


def all_charts(
    shown: Names,
    scores: pd.DataFrame,
    summary: pd.DataFrame,
    cost: pd.DataFrame | None = None,
    ranks: pd.DataFrame | None = None,
    curves: Mapping[str, pd.DataFrame] | None = None,
) -> list[dict[str, Any]]:
    """The charts of a run in the order of the page: ``id``, ``title``, ``text``, ``alt``, ``spec`` and, for
    those of one scale, ``scale``.

    ``ranks`` is of ``tables/ranks_x*.csv``; ``curves``: name -> log of a training, see :func:`training`.
    """
    charts: list[dict[str, Any]] = []
    for scale in sorted({int(value) for value in scores["scale"]}):
        before = len(charts)
        for kernel in (kernel for kernel in shown.kernels if kernel in set(scores["kernel"])):
            part = scores[(scores["scale"] == scale) & (scores["kernel"] == kernel)]
            means = summary[(summary["scale"] == scale) & (summary["kernel"] == kernel)]
            if part.empty:
                continue
            where = f"×{scale}, LR by {shown.kernels[kernel]}"
            if kernel == next(
                k for k in shown.kernels if k in set(scores[scores["scale"] == scale]["kernel"])
            ):
                charts.append(_quality(shown, part, scale, where))
                if shown.fidelity != shown.perception:
                    charts.append(_plane(shown, means, scale, where))
                if cost is not None:
                    charts += _costs(shown, means, cost, scale, where)
                if ranks is not None:
                    here = ranks[(ranks["scale"] == scale) & (ranks["kernel"] == kernel)]
                    charts += _ranks(shown, here, scale, where)
        of_scale = summary[summary["scale"] == scale]
        if of_scale["kernel"].nunique() > 1:
            charts.append(_kernels(shown, of_scale, scale))
        for chart in charts[before:]:
            chart["scale"] = scale
    for column in CURVES if curves else ():
        charts += training(curves or {}, column)
    return charts


def _colour(shown: Names, models: list[str], legend: bool = True) -> dict[str, Any]:
    """Colour by model; domain in the run's order, so that a model has one colour in every chart."""
    colours = model_colours(shown.models)
    present = [model for model in shown.models if model in models]
    return {
        "field": "model",
        "type": "nominal",
        "title": "Model",
        "scale": {"domain": [shown.models[m] for m in present], "range": [colours[m] for m in present]},
        **({} if legend else {"legend": None}),
    }


def _shape(shown: Names, models: list[str]) -> dict[str, Any]:
    """Marker by model, in one legend with its colour."""
    markers = model_markers(shown.models)
    present = [model for model in shown.models if model in models]
    return {
        "field": "model",
        "type": "nominal",
        "title": "Model",
        "scale": {
            "domain": [shown.models[m] for m in present],
            "range": [_SHAPES[markers[m]] for m in present],
        },
    }


def _quality(shown: Names, part: pd.DataFrame, scale: int, where: str) -> dict[str, Any]:
    measure = shown.fidelity
    rows = part[(part["metric"] == measure.metric) & (part["protocol"] == measure.protocol)]
    values = [
        {"model": shown.models.get(model, model), "dataset": shown.datasets.get(dataset, dataset),
         "image": image, "value": round(value, 4)}
        for model, dataset, image, value in shown_data.rows(rows, "model", "dataset", "image", "value")
        if math.isfinite(value)
    ]  # fmt: skip
    order = [shown.models[m] for m in shown.models if m in set(rows["model"])]
    axis = f"{measure.label}{f' ({measure.unit})' if measure.unit else ''}"
    header = {"labelOrient": "top", "labelAnchor": "start", "labelFontWeight": "bold"}
    spec = {
        "$schema": _SCHEMA,
        "data": {"values": values},
        "facet": {"row": {"field": "dataset", "title": None, "sort": None, "header": header}},
        "spec": {
            "width": 620,
            "height": {"step": 20},
            "encoding": {"y": {"field": "model", "type": "nominal", "sort": order, "title": None}},
            "layer": [
                {"mark": {"type": "boxplot", "extent": "min-max", "size": 9},
                 "encoding": {
                     "x": {"field": "value", "type": "quantitative", "title": axis, "scale": {"zero": False}},
                     "color": _colour(shown, list(rows["model"]), legend=False)}},
                {"mark": {"type": "tick", "thickness": 1, "size": 14, "opacity": 0.55},
                 "encoding": {
                     "x": {"field": "value", "type": "quantitative"},
                     "color": _colour(shown, list(rows["model"]), legend=False),
                     "tooltip": [{"field": "model"}, {"field": "image"}, {"field": "value", "title": axis}]}},
            ],
        },
        "resolve": {"scale": {"x": "shared"}},
    }  # fmt: skip
    return {
        "id": f"quality-x{scale}",
        "title": f"{measure.label} by dataset, {where}",
        "text": "Each tick is one image; the box is the middle half, its line the median, the whiskers reach "
        "to the extremes. Point at a tick to see which image it is. Infinite values are left out.",
        "alt": f"Box plots of {measure.label} over the images of each dataset, one row a model.",
        "spec": spec,
    }


def _plane(shown: Names, means: pd.DataFrame, scale: int, where: str) -> dict[str, Any]:
    x, y = shown.fidelity, shown.perception
    points = []
    group: Any
    model: Any
    for (group, model), one in means.groupby(["group", "model"], sort=False):
        found = {f"{m}@{p}": mean for m, p, mean in shown_data.rows(one, "metric", "protocol", "mean")}
        if all(math.isfinite(found.get(m.id, math.nan)) for m in (x, y)):
            points.append({"model": shown.models.get(model, model), "id": model,
                           "group": shown.groups.get(group, group),
                           "x": round(found[x.id], 4), "y": round(found[y.id], 4)})  # fmt: skip
    for point in points:
        point["front"] = _is_on_front(point, points, x.direction, y.direction)
    return {
        "id": f"plane-x{scale}",
        "title": f"Perception and distortion, {where}",
        "text": f"Better is {'right' if x.direction == 'higher' else 'left'} and "
        f"{'up' if y.direction == 'higher' else 'down'}. Ringed and joined: the Pareto front, models that no "
        "other beats on both.",
        "alt": f"Scatter of {y.label} against {x.label}, one point a model.",
        "spec": {
            "$schema": _SCHEMA,
            "data": {"values": points},
            "facet": {"field": "group", "type": "nominal", "title": None, "columns": 2, "sort": None},
            "spec": {
                "width": 330,
                "height": 260,
                "encoding": {
                    "x": _axis("x", heading(x), x.unit),
                    "y": _axis("y", heading(y), y.unit),
                },
                "layer": [
                    {"transform": [{"filter": "datum.front"}],
                     "mark": {"type": "line", "strokeDash": [4, 3], "color": "#808a94"},
                     "encoding": {"order": {"field": "x", "type": "quantitative"}}},
                    {"transform": [{"filter": "datum.front"}],
                     "mark": {"type": "point", "size": 190, "filled": False, "color": "#808a94"}},
                    {"mark": {"type": "point", "filled": True, "size": 80, "opacity": 1},
                     "encoding": {
                         "color": _colour(shown, [p["id"] for p in points]),
                         "shape": _shape(shown, [p["id"] for p in points]),
                         "tooltip": [{"field": "model"}, {"field": "x", "title": x.label},
                                     {"field": "y", "title": y.label}]}},
                ],
            },
            "resolve": {"scale": {"x": "independent", "y": "independent"}},
        },
    }  # fmt: skip


def _is_on_front(point: Mapping[str, Any], points: list[dict[str, Any]], x: str, y: str) -> bool:
    """Whether no other point of the group is at least as good in both values and better in one."""

    def value(p: Mapping[str, Any]) -> tuple[float, float]:
        return (p["x"] if x == "higher" else -p["x"], p["y"] if y == "higher" else -p["y"])

    own = value(point)
    others = (value(p) for p in points if p["group"] == point["group"])
    return not any(o[0] >= own[0] and o[1] >= own[1] and o != own for o in others)


def _axis(field: str, title: str, unit: str, log: bool = False, form: str = "~g") -> dict[str, Any]:
    scale: dict[str, Any] = {"type": "log"} if log else {"zero": False, "nice": True, "padding": 12}
    return {
        "field": field,
        "type": "quantitative",
        "title": f"{title} ({unit})" if unit else title,
        "scale": scale,
        **({"axis": {"format": form, "tickCount": 5, "labelOverlap": "greedy"}} if log else {}),
    }


def _costs(
    shown: Names, means: pd.DataFrame, cost: pd.DataFrame, scale: int, where: str
) -> list[dict[str, Any]]:
    """Quality against parameters and against time, for the first dataset or pool."""
    measure = shown.fidelity
    group = next((g for g in shown.groups if g in set(means["group"])), None)
    here = means[
        (means["group"] == group)
        & (means["metric"] == measure.metric)
        & (means["protocol"] == measure.protocol)
    ]
    quality = dict(zip(here["model"], here["mean"], strict=True))
    of_scale = cost[cost["scale"].astype(int) == scale]
    charts = []
    for column, title, unit, form in (
        ("parameters", "Parameters", "", "~s"),
        ("seconds", "Time per megapixel of output", "s", "~g"),
    ):
        if column not in of_scale:
            continue
        points = [
            {"model": shown.models[m], "id": m, "x": float(v), "y": round(quality[m], 4)}
            for m, v in zip(of_scale["model"], of_scale[column], strict=True)
            if m in quality and m in shown.models and math.isfinite(quality[m]) and _positive(v)
        ]
        if len(points) < 2:
            continue
        charts.append({
            "id": f"{column}-x{scale}",
            "title": f"{measure.label} against {title.lower()}, {shown.groups[str(group)]}, {where}",
            "text": "Logarithmic across. Better is left and up."
            if measure.direction == "higher" else "Logarithmic across. Better is left and down.",
            "alt": f"Scatter of {measure.label} against {title.lower()}, one point a model.",
            "spec": {
                "$schema": _SCHEMA, "data": {"values": points}, "width": 620, "height": 320,
                "encoding": {"x": _axis("x", title, unit, log=True, form=form),
                             "y": _axis("y", heading(measure), measure.unit)},
                "layer": [
                    {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1},
                     "encoding": {"color": _colour(shown, [p["id"] for p in points]),
                                  "shape": _shape(shown, [p["id"] for p in points]),
                                  "tooltip": [{"field": "model"}, {"field": "x", "title": title},
                                              {"field": "y", "title": measure.label}]}},
                ],
            },
        })  # fmt: skip
    return charts


def _ranks(shown: Names, ranks: pd.DataFrame, scale: int, where: str) -> list[dict[str, Any]]:
    """Average ranks with the critical difference, for the dataset or pool of most images."""
    charts = []
    for measure in shown.shown():
        here = ranks[(ranks["metric"] == measure.metric) & (ranks["protocol"] == measure.protocol)]
        if here.empty:
            continue
        group = str(here.sort_values("n", kind="stable")["group"].iloc[-1])
        here = here[here["group"] == group].sort_values("mean_rank")
        difference, n = float(here["critical_difference"].iloc[0]), int(here["n"].iloc[0])
        if len(here) < 2 or not math.isfinite(difference):
            continue
        points = [
            {"model": shown.models.get(model, model), "rank": rank, "low": rank - difference / 2,
             "high": rank + difference / 2}
            for model, rank in shown_data.rows(here, "model", "mean_rank")
        ]  # fmt: skip
        label = shown.groups.get(group, group)
        # A model that is pointed at stays bright with all that are not told from it.
        near = f"!isValid(at.rank) || abs(datum.rank - at.rank[0]) < {difference}"
        faded = {"condition": {"test": near, "value": 1}, "value": 0.2}
        across: dict[str, Any] = {
            "type": "quantitative",
            "title": "Average rank (1 is best)",
            "scale": {"domain": [0.5, len(here) + 0.5], "nice": False},
        }
        charts.append({
            "id": f"ranks-{measure.metric}-{measure.protocol}-x{scale}".replace(".", "-"),
            "title": f"Critical difference, {measure.label} on {label} ({n} images), {where}",
            "text": "Average ranks differ, by Nemenyi's test at 0.05, where they are "
            f"{difference:.2f} or more apart: then the bars do not overlap. "
            "Point at a model to see which ones are not told from it.",
            "alt": f"Average rank of each model by {measure.label}, best first, with a bar as wide as the "
            "critical difference.",
            "spec": {
                "$schema": _SCHEMA, "data": {"values": points}, "width": 520, "height": {"step": 20},
                "encoding": {
                    "y": {"field": "model", "type": "nominal", "title": None, "sort": None},
                    "color": _colour(shown, list(here["model"]), legend=False),
                    "opacity": faded,
                },
                "layer": [
                    {"mark": {"type": "bar", "height": 5, "clip": True},
                     "encoding": {"x": across | {"field": "low"}, "x2": {"field": "high"}}},
                    {"mark": {"type": "point", "filled": True, "size": 90, "stroke": "#1b1f24"},
                     "params": [{"name": "at", "select": {"type": "point", "fields": ["rank"],
                                 "on": "pointerover", "nearest": True, "clear": "pointerout"}}],
                     "encoding": {"x": across | {"field": "rank"},
                                  "tooltip": [{"field": "model"},
                                              {"field": "rank", "format": ".2f", "title": "average rank"}]}},
                ],
            },
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


def training(curves: Mapping[str, pd.DataFrame], column: str) -> list[dict[str, Any]]:
    """One chart of a column of :data:`CURVES` against ``iteration``, a line for each log that has it.

    Long logs are drawn by means over equal stretches of iterations.
    """
    title, unit, log = CURVES[column]
    points: list[dict[str, Any]] = []
    for name, frame in curves.items():
        if column not in frame or "iteration" not in frame:
            continue
        known = frame[["iteration", column]].dropna()
        stretch = -(-len(known) // _POINTS)
        for _, part in known.groupby([i // stretch for i in range(len(known))]) if len(known) else ():
            value = float(part[column].mean())
            if math.isfinite(value) and (value > 0 or not log):
                points.append({"training": name, "x": int(part["iteration"].iloc[-1]), "y": value})
    if not points:
        return []
    names = list(dict.fromkeys(point["training"] for point in points))
    colours = model_colours(names)
    return [{
        "id": f"training-{column}",
        "title": f"Training: {title}",
        "text": "Of the models that this run trains itself." + (" Logarithmic upwards." if log else ""),
        "alt": f"Line chart of {title.lower()} against iterations: {', '.join(names)}.",
        "spec": {
            "$schema": _SCHEMA, "data": {"values": points}, "width": 620, "height": 260,
            "mark": {"type": "line", "tooltip": True, "point": len(points) <= 40 * len(names)},
            "encoding": {
                "x": {"field": "x", "type": "quantitative", "title": "Iterations"},
                "y": _axis("y", title, unit, log=log),
                "color": {"field": "training", "type": "nominal", "title": "Training",
                          "scale": {"domain": names, "range": [colours[name] for name in names]}},
                "strokeDash": {"field": "training", "type": "nominal", "legend": None, "sort": names},
            },
        },
    }]  # fmt: skip


def _positive(value: Any) -> bool:
    try:
        return math.isfinite(float(value)) and float(value) > 0
    except (TypeError, ValueError):
        return False


def _kernels(shown: Names, summary: pd.DataFrame, scale: int) -> dict[str, Any]:
    measure = shown.fidelity
    rows = summary[(summary["metric"] == measure.metric) & (summary["protocol"] == measure.protocol)]
    counts = rows.groupby("group")["kernel"].nunique()
    group = str(counts.idxmax())
    rows = rows[rows["group"] == group]
    values: list[dict[str, Any]] = [
        {"model": shown.models.get(model, model), "kernel": shown.kernels.get(kernel, kernel),
         "value": round(mean, 2)}
        for model, kernel, mean in shown_data.rows(rows, "model", "kernel", "mean")
        if math.isfinite(mean)
    ]  # fmt: skip
    encoding = {
        "x": {"field": "kernel", "type": "nominal", "title": "LR kernel", "axis": {"labelAngle": -40},
              "sort": list(shown.kernels.values())},
        "y": {"field": "model", "type": "nominal", "title": None, "sort": list(shown.models.values())},
    }  # fmt: skip
    # Where the scale of colours is as far from white as from black.
    middle = (min(v["value"] for v in values) + max(v["value"] for v in values)) / 2 if values else 0
    return {
        "id": f"kernels-x{scale}",
        "title": f"{measure.label} under each LR kernel, {shown.groups.get(group, group)}, ×{scale}",
        "text": "The images and models are the same in all columns; only the kernel that made the LR "
        "images differs.",
        "alt": f"Heat map of {measure.label}: models down, LR kernels across.",
        "spec": {
            "$schema": _SCHEMA,
            "data": {"values": values},
            "width": {"step": 58},
            "height": {"step": 24},
            "encoding": encoding,
            "layer": [
                {"mark": "rect",
                 "encoding": {"color": {"field": "value", "type": "quantitative", "title": measure.label,
                                        "scale": {"scheme": "cividis", "zero": False}}}},
                {"mark": {"type": "text", "fontSize": 10},
                 "encoding": {"text": {"field": "value", "format": f".{min(measure.digits, 2)}f"},
                              "color": {"condition": {"test": f"datum.value < {middle}", "value": "#ffffff"},
                                        "value": "#000000"}}},
            ],
        },
    }  # fmt: skip
