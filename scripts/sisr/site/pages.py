"""``index.html`` with its scripts, style sheet and data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr import tables
from sisr.atomic import write_text
from sisr.errors import ScoreError
from sisr.pages import environment
from sisr.results import Names
from sisr.site import charts, data, methods
from sisr.site.pictures import BLOCK, ERROR_TOP, PROTOCOL

if TYPE_CHECKING:
    import pandas as pd

STATIC = Path(__file__).parent / "static"
#: Copied as they are, in the order in which the page loads them.
SCRIPTS = ("core.js", "leaderboard.js", "viewer.js", "plots.js")


def build_site(
    out: Path,
    shown: Names,
    *,
    scores: Path,
    status: Path,
    hr_manifests: Mapping[str, Path],
    provenance: Path,
    ranks: Sequence[Path] = (),
    cost: Path | None = None,
    certification: Path | None = None,
    crops: Sequence[Path] = (),
    pictures: Mapping[str, Path] | None = None,
) -> None:
    """Write ``index.html`` and the folders ``assets``, ``data`` and ``crops`` into ``out``.

    Parameters
    ----------
    ranks : tables of means with intervals and verdicts, one a scale
    crops : crop sheets (JPEG) of the run
    pictures : ``dataset/kernel/xSCALE/model`` -> manifest of :func:`sisr.site.pictures.write_cell`
    """
    import pandas as pd

    frame = tables.read_scores(scores)
    images = {
        dataset: [image["name"] for image in _read(path)["images"]] for dataset, path in hr_manifests.items()
    }
    summary = tables.summarise(frame, shown.pools, {name: len(found) for name, found in images.items()})
    ranked = pd.concat([_read_ranks(path) for path in ranks]) if ranks else None
    costs = pd.read_csv(cost) if cost is not None else None
    made = _read(provenance)

    for folder in ("assets", "data", "crops"):
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir(parents=True)
    for name in (*SCRIPTS, "site.css"):
        shutil.copyfile(STATIC / name, out / "assets" / name)
    (out / "assets" / "vega.js").write_text(_vega(), encoding="utf-8")
    regions = made.get("config", {}).get("crops", {}).get("regions", {})
    cells = {cell: _read(path) for cell, path in (pictures or {}).items()}
    view = {"block": BLOCK, "errorTop": ERROR_TOP, "protocol": PROTOCOL,
            "cells": {cell: found["images"] for cell, found in cells.items()},
            "picks": data.picks(shown, frame, cells, images, regions)}  # fmt: skip
    overview = data.overview(shown, summary, tables.read_status(status), ranked, images, costs)
    overview["provenance"] = {"commit": made.get("commit"), "assets": made.get("assets", {})}
    overview["name"] = made.get("config", {}).get("name", "")
    data.write_script(out / "data" / "run.js", "run", {**overview, "viewer": view})
    places = {}
    for index, (key, values) in enumerate(data.image_values(frame, shown).items()):
        places[key] = f"data/values_{index}.js"
        data.write_script(out / places[key], f"values/{key}", values)
    data.write_script(out / "data" / "places.js", "places", places)
    data.write_script(out / "data" / "charts.js", "charts", charts.all_charts(shown, frame, summary, costs))
    for path in crops:
        shutil.copyfile(path, out / "crops" / path.name)
    page = environment(STATIC).get_template("index.html.j2")
    scales = sorted({int(scale) for scale in frame["scale"]})
    write_text(
        out / "index.html",
        page.render(
            name=overview["name"],
            scripts=SCRIPTS,
            paragraph=methods.paragraph(
                shown, scales, {name: len(found) for name, found in images.items()}, made
            ),
            bibliography=methods.bibliography(shown),
            provenance=made,
            crops=[path.name for path in crops],
            trouble=_trouble(status, shown),
            certification=_certification(certification),
            images=sum(len(found) for found in images.values()),
        ),
    )


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _read_ranks(path: Path) -> pd.DataFrame:
    import pandas as pd

    frame = pd.read_csv(path, keep_default_na=False, na_values={"lower": [""], "upper": [""]})
    if "verdict" not in frame:
        raise ScoreError(f"{path}: column 'verdict' is missing; found {', '.join(frame.columns)}")
    return frame


def _trouble(status: Path, shown: Names) -> list[dict[str, str]]:
    """Cells that did not run, one row for those of a model that share a status and a reason."""
    frame = tables.read_status(status)
    bad = frame[frame["status"] != "ok"]
    rows = []
    model: Any
    for (model, state, reason), same in bad.groupby(["model", "status", "reason"], sort=False):
        where = dict.fromkeys(
            f"{shown.datasets.get(d, d)} ×{s}" for d, s in zip(same["dataset"], same["scale"], strict=True)
        )
        rows.append({"model": shown.models.get(model, model), "status": state, "reason": reason,
                     "where": ", ".join(where)})  # fmt: skip
    return rows


def _certification(path: Path | None) -> dict[str, Any] | None:
    """Number of anchors by outcome, and the rows of the table."""
    if path is None:
        return None
    import pandas as pd

    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    counts = frame["status"].value_counts().to_dict()
    return {"counts": counts, "rows": frame.to_dict("records")}


@cache
def _vega() -> str:
    """Vega, Vega-Lite and vega-embed in one script that sets ``window.vegaEmbed``."""
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")
