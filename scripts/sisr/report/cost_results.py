"""From ``cost.csv`` and the score table to the cost tables and figures, with the registries' names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sisr.analysis import summaries
from sisr.analysis.cost import gathering
from sisr.report import cost_table
from sisr.report.figures import quality_cost as figures
from sisr.report.shown_run import Names, first_kernel, summary_of


def make_table(cost: Path, scale: int, out: Path, labels: Mapping[str, str]) -> None:
    """Write ``out/cost_x{scale}.csv``, ``.md`` and ``.html``; ``labels`` are the models', in order."""
    rows = gathering.read(cost)
    cost_table.write(cost_table.build(rows, scale, labels), rows, out)


def make_plots(
    scores: Path,
    hr_manifests: Mapping[str, Path],
    cost: Path,
    scale: int,
    shown: Names,
    outs: Mapping[str, Path],
) -> None:
    """Draw quality against each of ``outs`` (``time``, ``parameters``) for the run's first kernel."""
    frame = summaries.read_scores(scores)
    kernel = first_kernel(frame, scale, shown)
    rows = [row for row in gathering.read(cost) if int(row["scale"]) == scale]
    common: dict[str, Any] = {
        "models": shown.models,
        "groups": shown.groups,
        "kernel": kernel,
        "kernel_label": shown.kernels[kernel],
        "scale": scale,
    }
    summary = summary_of(frame, hr_manifests, shown)
    for name, out in outs.items():
        figures.quality_against(summary, shown.fidelity, _RESOURCES[name](rows), out, **common)


def _parameters(rows: list[dict[str, str]]) -> figures.Resource:
    return figures.Resource(
        label="Parameters",
        missing="not counted",
        values={row["model"]: float(row["parameters"]) for row in rows if row["parameters"]},
        spread={},
    )


def _time(rows: list[dict[str, str]]) -> figures.Resource:
    timed = [row for row in rows if row["seconds"]]
    return figures.Resource(
        label="Time (s per megapixel of output)",
        missing="not timed",
        values={row["model"]: float(row["seconds"]) for row in timed},
        spread={row["model"]: (float(row["seconds_q1"]), float(row["seconds_q3"])) for row in timed},
    )


_RESOURCES = {"time": _time, "parameters": _parameters}
