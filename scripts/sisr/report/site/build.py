"""``index.html`` with its scripts, style sheet and data."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr.analysis import summaries
from sisr.base.atomic import write_text
from sisr.base.cells import SCORED
from sisr.base.errors import ScoreError
from sisr.base.manifest import Manifest
from sisr.report import tables
from sisr.report.pages import environment
from sisr.report.shown_run import Names, ShownRun
from sisr.report.site import charts, learn, methods, model_data, shown_data
from sisr.report.site.origins import Origins
from sisr.report.site.script import write_script
from sisr.report.site.viewer_images import ERROR_TOP, PROTOCOL
from sisr.scoring.blocks import BLOCK
from sisr.trust import anchors

if TYPE_CHECKING:
    import pandas as pd

STATIC = Path(__file__).parent / "static"
#: Copied as they are, in the order in which the page loads them.
SCRIPTS = ("core.js", "plots.js", "leaderboard.js", "viewer.js", "model.js")

#: Models that the viewer shows at a time: with HR and LR eight images, which two rows have room for.
MOST_MODELS = 6


@dataclass(frozen=True)
class Extras:
    """What the site shows of a run beside its scores, where the run has it.

    ``ranks``: tables of means with intervals and verdicts, one a scale; ``pairs``: tables of their pairs of
    models.  ``cost``: ``cost.csv``.  ``curves``:
    name -> log (CSV) of a training, with the column ``iteration``.  ``crops``: crop sheets (JPEG).
    ``images``: ``dataset/kernel/xSCALE/model`` -> manifest of
    :func:`sisr.report.site.viewer_images.write_cell`.  ``lessons``: what the run itself has of the page for
    learners, by study: figures, and the sentences that say what came out.
    """

    ranks: Sequence[Path] = ()
    pairs: Sequence[Path] = ()
    cost: Path | None = None
    curves: Mapping[str, Path] = field(default_factory=dict)
    certification: Path | None = None
    crops: Sequence[Path] = ()
    images: Mapping[str, Path] = field(default_factory=dict)
    lessons: Mapping[str, Sequence[Path]] = field(default_factory=dict)


def build_site(
    out: Path, run: ShownRun, status: Path, provenance: Path, extras: Extras, origins: Origins
) -> None:
    """Write ``index.html`` and the folders ``assets``, ``data`` and ``crops`` into ``out``."""
    import pandas as pd

    shown, hr_manifests = run.names, run.hr_manifests
    frame = summaries.read_scores(run.scores)
    images = {dataset: list(Manifest.read(path).files) for dataset, path in hr_manifests.items()}
    summary = summaries.summarise(frame, shown.pools, {name: len(found) for name, found in images.items()})
    ranked = pd.concat([_read_ranks(path) for path in extras.ranks]) if extras.ranks else None
    pairs = pd.concat([_read_pairs(path) for path in extras.pairs]) if extras.pairs else None
    costs = _read_cost(extras.cost) if extras.cost is not None else None
    made = _read(provenance)

    certified = anchors.read(extras.certification) if extras.certification is not None else []
    for folder in ("assets", "data", "crops"):
        shutil.rmtree(out / folder, ignore_errors=True)
        (out / folder).mkdir(parents=True)
    for name in (*SCRIPTS, "site.css"):
        shutil.copyfile(STATIC / name, out / "assets" / name)
    regions = made.get("config", {}).get("crops", {}).get("regions", {})
    cells = {cell: _read(path) for cell, path in extras.images.items()}
    view: dict[str, Any] = {
            "block": BLOCK, "errorTop": ERROR_TOP, "protocol": PROTOCOL, "most": MOST_MODELS,
            "shown": [measure.id for measure in shown.shown()],
            # 1 for all images: of a large run the numbers alone would be most of the first view.
            "cells": {cell: 1 if len(found["images"]) == len(images[cell.split("/")[0]]) else found["images"]
                      for cell, found in cells.items()},
            "picks": shown_data.picks(shown, frame, cells, images, regions)}  # fmt: skip
    states = summaries.read_status(status)
    overview = shown_data.overview(shown, summary, states, ranked, images, costs, origins)
    overview["behind"] = model_data.behind(pairs, ranked) if pairs is not None and ranked is not None else {}
    overview["published"] = model_data.published(summary, shown)
    overview["thumbs"] = model_data.thumbnails(out, view["picks"], cells)
    write_script(out / "data" / "models.js", "models", model_data.pages(shown, origins, certified))
    overview["provenance"] = {
        "commit": made.get("commit"),
        "uncommitted": made.get("uncommitted_changes"),
        "machine": (made.get("machine", {}).get("gpus") or [])
        + [made.get("machine", {}).get("processor", "")],
    }
    overview["name"] = made.get("config", {}).get("name", "")
    write_script(out / "data" / "run.js", "run", {**overview, "viewer": view})
    places = {}
    for index, (key, values) in enumerate(shown_data.image_values(frame, shown).items()):
        places[key] = f"data/values_{index}.js"
        write_script(out / places[key], f"values/{key}", values)
    write_script(out / "data" / "places.js", "places", places)
    logs = {name: pd.read_csv(path) for name, path in extras.curves.items()}
    drawn = charts.all_charts(shown, frame, summary, costs, ranked, logs)
    write_script(out / "data" / "charts.js", "charts", drawn)
    for path in extras.crops:
        shutil.copyfile(path, out / "crops" / path.name)
    lessons = learn.lessons(extras.lessons)
    for path in (path for lesson in lessons for path in lesson.figures):
        shutil.copyfile(path, out / "assets" / path.name)
    page = environment(STATIC).get_template("index.html.j2")
    scales = sorted({int(scale) for scale in frame["scale"]})
    write_text(
        out / "index.html",
        page.render(
            name=overview["name"],
            scripts=SCRIPTS,
            scales=scales,
            verdict=made.get("config", {}).get("verdict", {}).get("model"),
            paragraph=methods.paragraph(
                shown, scales, {name: len(found) for name, found in images.items()}, made
            ),
            bibliography=methods.bibliography(shown),
            provenance=made,
            machine=_machine(made.get("machine", {})),
            crops=[path.name for path in extras.crops],
            warnings=[line for one in shown.given for line in one.warnings],
            trouble=_trouble(states, shown),
            certification=_certification(certified),
            lessons=lessons,
            tables=[tables.build(summary, states, shown, scale) for scale in scales],
        ),
    )


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _machine(found: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the run's own machine was, as label and text."""
    shown = (
        ("System", found.get("system")),
        ("Processor", found.get("processor")),
        ("CPUs", found.get("cpus")),
        ("Memory", f"{found['memory_gib']} GiB" if found.get("memory_gib") else None),
        ("GPUs", ", ".join(found.get("gpus") or []) or "none"),
    )
    return [(label, str(value)) for label, value in shown if value]


def _read_ranks(path: Path) -> pd.DataFrame:
    import pandas as pd

    # Models may be called "NA"; only numbers are missing where nothing stands.
    numbers = ("mean", "lower", "upper", "mean_rank", "critical_difference", "friedman_chi2", "friedman_p")
    frame = pd.read_csv(path, keep_default_na=False, na_values={name: [""] for name in numbers})
    if "verdict" not in frame:
        raise ScoreError(f"{path}: column 'verdict' is missing; found {', '.join(frame.columns)}")
    return frame


def _read_pairs(path: Path) -> pd.DataFrame:
    import pandas as pd

    # As with ranks: of what is read here, only these are numbers.
    numbers = ("difference", "lower", "upper")
    used = ["group", "kernel", "scale", "metric", "protocol", "model_a", "model_b", *numbers]
    return pd.read_csv(path, usecols=used, keep_default_na=False, na_values={n: [""] for n in numbers})


def _read_cost(path: Path) -> pd.DataFrame:
    import pandas as pd

    from sisr.analysis.cost import gathering

    gathering.read(path)  # complains of another file
    # As with ranks, and "global" is a receptive field.
    na = {name: [""] for name in shown_data.COST_COLUMNS}
    return pd.read_csv(path, dtype={"model": str}, keep_default_na=False, na_values=na)


def _trouble(frame: pd.DataFrame, shown: Names) -> list[dict[str, str]]:
    """Cells that did not run, one row for those of a model that share a status and a reason."""
    bad = frame[~frame["status"].isin(SCORED)]
    rows = []
    model: Any
    # A dataset that the user has to bring and has not is one row, not one a model.
    bad = bad.assign(model=bad["model"].where(bad["dataset"].isin(shown.datasets), "all models"))
    for (model, state, reason), same in bad.groupby(["model", "status", "reason"], sort=False):
        where = dict.fromkeys(
            f"{shown.datasets.get(d, d)} ×{s}" for d, s in zip(same["dataset"], same["scale"], strict=True)
        )
        rows.append({"model": shown.models.get(model, model), "status": state, "reason": reason,
                     "where": ", ".join(where)})  # fmt: skip
    return rows


def _certification(found: Sequence[anchors.Certified]) -> dict[str, Any] | None:
    """The line that the page opens with, and the rows of the table as text; what failed comes first."""
    if not found:
        return None
    order = {"fail": 0, "not run": 1, "pass": 2}
    rows = [
        {
            "status": row.status,
            "label": row.label,
            "measure": row.measure,
            "image": row.image or "mean",
            "expected": row.show(row.expected),
            "found": "—" if math.isnan(row.found) else row.show(row.found),
            "tolerance": f"{row.tolerance:g}",
            "source": row.source,
            "reason": row.reason,
        }
        for row in sorted(found, key=lambda row: order[row.status])
    ]
    return {"summary": anchors.summary(found), "rows": rows}
