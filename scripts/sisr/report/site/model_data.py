"""What the site says of a model beside its means: how far it is behind the best, what is published of it, a
thumbnail, its paper, what of it is certified, and what its training data share with the test sets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from sisr.base import registry
from sisr.base.ordered import map_ordered
from sisr.report.site import methods, shown_data
from sisr.trust import references
from sisr.trust.anchors import Certified

if TYPE_CHECKING:
    import pandas as pd

    from sisr.report.shown_run import Names
    from sisr.report.site.origins import Origins

#: Side of a thumbnail in HR pixels, which a screen shows one to one.
THUMBNAIL = 44


def behind(pairs: pd.DataFrame, ranks: pd.DataFrame) -> dict[str, dict[str, list[float | str | None]]]:
    """Paired differences to the best: ``group/kernel/scale/measure`` (by line breaks) -> model -> the model
    minus the best, and the ends of its 95 % interval."""
    keys = ("group", "kernel", "scale", "metric", "protocol")
    best = {
        tuple(key): model
        for *key, model in shown_data.rows(ranks[ranks["verdict"] == "best"], *keys, "model")
    }
    found: dict[str, dict[str, list[float | str | None]]] = {}
    columns = ("model_a", "model_b", "difference", "lower", "upper")
    for group, kernel, scale, metric, protocol, a, b, *values in shown_data.rows(pairs, *keys, *columns):
        first = best.get((group, kernel, scale, metric, protocol))
        if first not in (a, b):
            continue
        sign, model = (1, a) if first == b else (-1, b)
        gap, *ends = (sign * float(value) for value in values)
        column = found.setdefault("\n".join((group, kernel, str(scale), f"{metric}@{protocol}")), {})
        column[model] = [shown_data.number(value) for value in (gap, *sorted(ends))]
    return found


def published(summary: pd.DataFrame, shown: Names) -> dict[str, list[Any]]:
    """Printed means of the run's cells: ``dataset/kernel/scale/model/measure`` (by line breaks) -> value,
    source, and what to know of it.  Where several print one, the authors', then the first."""
    cells = dict.fromkeys(shown_data.rows(summary, "group", "kernel", "scale", "model"))
    wanted = {measure.id for measure in shown.measures}
    found: dict[str, list[Any]] = {}
    ordered = sorted(references.of_cells(cells), key=lambda r: r.given_by != "authors")
    for one in ordered:
        if one.planes or one.measure not in wanted:
            continue
        key = "\n".join((one.dataset, one.kernel, str(one.scale), one.model, one.measure))
        note = one.erratum or ("" if one.same_weights else "of other weights than here")
        found.setdefault(key, [one.value, one.source.title, note])
    return found


def thumbnails(
    out: Path, picks: Sequence[Mapping[str, Any]], cells: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """One strip of crops a set, where its models disagree most, written as ``data/thumbs_N.webp``.

    Returns, by set, ``file``, and ``models`` in the strip's order; HR comes first.
    """
    found: dict[str, dict[str, Any]] = {}
    for pick in picks:
        if pick["set"] in found or pick["title"] != shown_data.DISAGREE:
            continue
        folder, number = out / "images" / pick["set"], pick["image"]
        names = [
            cell.rpartition("/")[2]
            for cell, made in cells.items()
            if cell.startswith(f"{pick['set']}/") and number in made["images"]
        ]
        paths = [folder / "_originals" / f"{number}.hr.webp", *(folder / m / f"{number}.webp" for m in names)]
        if not all(path.is_file() for path in paths):
            continue
        strip = Image.new("RGB", (THUMBNAIL * len(paths), THUMBNAIL))
        crops = map_ordered(partial(_crop, x=pick["x"], y=pick["y"]), paths, threads=2)
        for place, crop in enumerate(crops):
            strip.paste(crop, (THUMBNAIL * place, 0))
        file = f"data/thumbs_{len(found)}.webp"
        strip.save(out / file, "WEBP", quality=85, method=4)
        found[pick["set"]] = {"file": file, "models": ["hr", *names], "image": pick["name"]}
    return found


def _crop(path: Path, x: int, y: int) -> Image.Image:
    with Image.open(path) as image:
        left = max(0, min(x - THUMBNAIL // 2, image.width - THUMBNAIL))
        top = max(0, min(y - THUMBNAIL // 2, image.height - THUMBNAIL))
        return image.crop((left, top, left + THUMBNAIL, top + THUMBNAIL)).convert("RGB")


def pages(shown: Names, origins: Origins, certified: Sequence[Certified]) -> dict[str, dict[str, Any]]:
    """What the page of a model needs beyond the first view: ``bibtex``, ``certified``, ``shared``."""
    entries, anchors = methods.entries(), registry.load("anchors")
    return {
        model: {
            "bibtex": "\n\n".join(text for cited, text in entries if f"model:{model}" in cited),
            "certified": [
                f"{row.label}: {row.measure} {row.show(row.found) if math.isfinite(row.found) else '—'}, "
                f"expected {row.show(row.expected)}: {row.status}"
                for row in certified
                if anchors.get(row.anchor, {}).get("model") == model
            ],
            "shared": _shared(origins.facts.get(model, {}), shown.datasets),
        }
        for model in shown.models
    }


def _shared(facts: Mapping[str, Any], datasets: Mapping[str, str]) -> list[str]:
    """What training data have in common with the run's datasets, as the registries say it."""
    if "classical" in facts.get("tags", []):
        return []
    if "trained_on" not in facts:
        return ["Training data are not stated; test images may be among them."]
    sets = registry.load("datasets")
    found = []
    for source in facts["trained_on"]:
        held = [label for name, label in datasets.items() if source in sets.get(name, {}).get("leakage", [])]
        found += [f"{source} has images of {', '.join(held)}."] if held else []
    return found
