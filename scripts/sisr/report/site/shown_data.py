"""What the pages show, from a run's tidy tables: plain data, written as scripts.

Numbers are those of the tables; nothing is computed here but their order.  Infinite values are the string
``"inf"``, since JSON has none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sisr.analysis.shown_measures import arrow, show
from sisr.base import registry
from sisr.base.cells import SHIPPED
from sisr.report.figures.style import model_colours, model_markers
from sisr.report.site.origins import Origins

if TYPE_CHECKING:
    import pandas as pd

    from sisr.report.shown_run import Names

#: Facts of ``config/models.yaml`` that a reader of a number wants to see.
_MODEL_FACTS = (
    "paper",
    "url",
    "licence",
    "weights_licence",
    "licence_also_stated",
    "trained_on",
    "note",
    "tags",
    "year",
    "parameters",
    "receptive_field",
)


def rows(frame: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Values of some columns, row by row."""
    return frame[list(columns)].itertuples(index=False, name=None)


def number(value: float) -> float | str | None:
    """A value for JSON, in full precision, for it is rounded where it is shown; ``"inf"``; None for NaN."""
    if math.isnan(value):
        return None
    return "inf" if math.isinf(value) else float(value)


def overview(
    shown: Names,
    summary: pd.DataFrame,
    status: pd.DataFrame,
    ranks: pd.DataFrame | None,
    images: Mapping[str, Sequence[str]],
    cost: pd.DataFrame | None,
    origins: Origins,
) -> dict[str, Any]:
    """What the first view needs.

    Parameters
    ----------
    summary : of :func:`sisr.analysis.summaries.summarise`
    ranks : intervals and verdicts beside the means, or None where there are none
    images : dataset -> names of its images, in the order of the viewer's numbers
    cost : one row a model and scale, or None

    Returns
    -------
    ``measures``, ``groups``, ``kernels``, ``scales``, ``models`` with their labels; ``means``: rows
    ``[group, kernel, scale, model, measure, mean, lower, upper, n, verdict, identical, worth]``, ids as
    strings, the last two as of :func:`sisr.base.averages.worths`; ``status``;
    ``images``; ``cost``; ``weights``: ``model/xSCALE`` -> source and files; ``devices``: texts, each with
    the cells that it stands for.
    """
    colours, markers = model_colours(shown.models), model_markers(shown.models)
    shipped = set(status.loc[status["status"] == SHIPPED, "model"])
    beside = _by_key(ranks) if ranks is not None else {}
    means = []
    columns = ("group", "kernel", "scale", "model", "metric", "protocol", "mean", "n", "identical", "worth")
    for group, kernel, scale, model, metric, protocol, mean, n, same, worth in rows(summary, *columns):
        key = (group, kernel, int(scale), model, metric, protocol)
        lower, upper, verdict = beside.get(key, (math.nan, math.nan, ""))
        ids = [group, kernel, int(scale), model, f"{metric}@{protocol}"]
        means.append([*ids, number(mean), number(lower), number(upper), int(n), verdict])
        means[-1] += [int(same) if math.isfinite(mean) else 0, number(worth)]
    return {
        "measures": [
            {"id": m.id, "label": m.label, "unit": m.unit, "direction": m.direction, "digits": m.digits,
             "metric": m.metric, "protocol": m.protocol, "arrow": arrow(m), "rules": _rules(m.protocol),
             "leads": registry.load("metrics").get(m.metric, {}).get("leads", "")}
            for m in shown.measures
        ],
        "groups": [
            {"id": group, "label": label, "datasets": list(shown.pools.get(group, [group]))}
            for group, label in shown.groups.items()
        ],
        "kernels": [{"id": kernel, "label": label} for kernel, label in shown.kernels.items()],
        "scales": sorted({int(scale) for scale in [*summary["scale"], *status["scale"]]}),
        "models": [
            {"id": model, "label": label, "colour": colours[model], "marker": markers[model],
             "shipped": model in shipped,
             **{fact: value for fact, value in origins.facts.get(model, {}).items() if fact in _MODEL_FACTS}}
            for model, label in shown.models.items()
        ],
        "means": means,
        "status": [
            [dataset, kernel, int(scale), *rest]
            for dataset, kernel, scale, *rest in rows(
                status, "dataset", "kernel", "scale", "model", "status", "reason"
            )
        ],
        "images": {dataset: list(names) for dataset, names in images.items()},
        "cost": _cost(cost),
        "weights": {
            f"{model}/x{scale}": {"source": found.source, "files": dict(found.files)}
            for (model, scale), found in origins.weights.items()
        },
        "devices": _by_text(origins.devices),
    }  # fmt: skip


def _by_key(ranks: pd.DataFrame) -> dict[tuple[Any, ...], tuple[float, float, str]]:
    columns = ("group", "kernel", "scale", "model", "metric", "protocol", "lower", "upper", "verdict")
    return {
        (group, kernel, int(scale), *rest): (float(lower), float(upper), str(verdict))
        for group, kernel, scale, *rest, lower, upper, verdict in rows(ranks, *columns)
    }


def _rules(protocol: str) -> str:
    """What the registry says of a protocol, in one line."""
    entry = registry.load("protocols").get(protocol, {})
    return " ".join(str(entry.get("label", "")).replace("`", "").split())


#: Columns of ``cost.csv`` that the leaderboard shows or is drawn from.
COST_COLUMNS = ("parameters", "multiply_adds", "seconds", "peak_memory")
#: In LR pixels, or "global": of the networks that were counted.
FIELD = "receptive_field"


def _cost(cost: pd.DataFrame | None) -> list[dict[str, Any]]:
    if cost is None:
        return []
    return [
        {"model": model, "scale": int(scale), **dict(zip(COST_COLUMNS, map(number, values), strict=True)),
         FIELD: str(field)}
        for model, scale, field, *values in rows(cost, "model", "scale", FIELD, *COST_COLUMNS)
    ]  # fmt: skip


def _by_text(devices: Mapping[str, str]) -> dict[str, list[str]]:
    """Cells by what they ran on, since most share it."""
    found: dict[str, list[str]] = {}
    for cell, text in devices.items():
        found.setdefault(text, []).append(cell)
    return found


def image_values(scores: pd.DataFrame, shown: Names) -> dict[str, dict[str, Any]]:
    """Per-image values of each LR set, by ``dataset/kernel/xSCALE``.

    Each has ``images`` (names) and ``values``: model -> measure -> value of each image, None where the image
    was not scored.
    """
    sets: dict[str, dict[str, Any]] = {}
    for (dataset, kernel, scale), here in scores.groupby(["dataset", "kernel", "scale"], sort=False):
        names = list(dict.fromkeys(here["image"]))
        place = {name: index for index, name in enumerate(names)}
        values: dict[str, dict[str, list[float | str | None]]] = {}
        for (model, metric, protocol), one in here.groupby(["model", "metric", "protocol"], sort=False):
            column: list[float | str | None] = [None] * len(names)
            for image, value in zip(one["image"], one["value"], strict=True):
                column[place[image]] = number(value)
            values.setdefault(str(model), {})[f"{metric}@{protocol}"] = column
        known = {model: values[model] for model in shown.models if model in values}
        sets[f"{dataset}/{kernel}/x{scale}"] = {"images": names, "values": known}
    return sets


#: Kinds of places.
NAMED, DISAGREE, FAILS = "Named in the config", "The models disagree most", "The best model fails"


def picks(
    shown: Names,
    scores: pd.DataFrame,
    cells: Mapping[str, Mapping[str, Any]],
    images: Mapping[str, Sequence[str]],
    regions: Mapping[str, Mapping[str, Sequence[Sequence[int]]]],
) -> list[dict[str, Any]]:
    """Places worth a look: those that the config names, where the models disagree, where the best one fails.

    ``cells``: ``dataset/kernel/xSCALE/model`` -> manifest of
    :func:`sisr.report.site.viewer_images.write_cell`.  One of each kind for every LR set that
    has images; ``x`` and ``y`` are the middle of the place in HR pixels.
    """
    measure = shown.fidelity
    sign = 1 if measure.direction == "higher" else -1
    found = []
    one = scores[(scores["metric"] == measure.metric) & (scores["protocol"] == measure.protocol)]
    dataset: Any
    for (dataset, kernel, scale), here in one.groupby(["dataset", "kernel", "scale"], sort=False):
        key = f"{dataset}/{kernel}/x{scale}"
        table = here.pivot(index="image", columns="model", values="value").replace([math.inf], math.nan)
        table = table[[m for m in table if f"{key}/{m}" in cells and cells[f"{key}/{m}"]["images"]]].dropna()
        if table.empty:
            continue
        ranked = list((sign * table.mean()).sort_values(ascending=False).index)
        best, label = ranked[0], shown.models.get(ranked[0], ranked[0])
        places: list[tuple[str, str, str, list[int] | None]] = []
        for image, boxes in regions.get(dataset, {}).items():
            if image in table.index:
                places += [(NAMED, "", image, [x + w // 2, y + h // 2]) for x, y, w, h in boxes]
        spread = table.max(axis=1) - table.min(axis=1)
        image = str(spread.idxmax())
        widest = show(float(spread[image]), measure)
        text = f"{measure.label} of the models differs by {widest} {measure.unit}"
        places.append((DISAGREE, text.strip(), image, None))
        image = str((sign * table[best]).idxmin())
        text = f"{label}, best on the mean, has its worst {measure.label}: "
        text += f"{show(float(table[best][image]), measure)} {measure.unit}"
        places.append((FAILS, text.strip(), image, None))
        for title, text, image, middle in places:
            number = list(images[dataset]).index(image)
            cell = cells[f"{key}/{best}"]
            x, y = middle or cell["worst"][cell["images"].index(number)]
            compared = ranked[:2] + ranked[-1:] if len(ranked) > 3 else ranked
            nearest = _nearest(scores, shown, key, table.columns)
            compared = [m for m in ranked if m in (*compared, nearest)]
            found.append({"title": title, "text": text, "set": key, "image": number, "name": image,
                          "models": compared, "x": x, "y": y,
                          "values": _values(scores, shown, key, image, compared)})  # fmt: skip
    return found


def _nearest(scores: pd.DataFrame, shown: Names, key: str, models: Iterable[str]) -> str | None:
    """The best of some models by the mean of the perceptual measure on a set; None where it is not there."""
    measure = shown.perception
    here = _of_set(scores, key)
    here = here[(here["metric"] == measure.metric) & (here["protocol"] == measure.protocol)]
    means = here[here["model"].isin(list(models))].groupby("model")["value"].mean()
    if means.empty:
        return None
    return str(means.idxmin() if measure.direction == "lower" else means.idxmax())


def _values(
    scores: pd.DataFrame, shown: Names, key: str, image: str, models: Iterable[str]
) -> dict[str, list[float | str | None]]:
    """Values of one image, by model, in the order of :meth:`Names.shown`."""
    here = _of_set(scores, key)
    here = here[here["image"] == image]
    value = {(m, f"{k}@{p}"): v for m, k, p, v in rows(here, "model", "metric", "protocol", "value")}
    return {m: [number(value.get((m, measure.id), math.nan)) for measure in shown.shown()] for m in models}


def _of_set(scores: pd.DataFrame, key: str) -> pd.DataFrame:
    dataset, kernel, scale = key.split("/")
    at = (scores["dataset"] == dataset) & (scores["kernel"] == kernel)
    return scores[at & (scores["scale"] == int(scale[1:]))]
