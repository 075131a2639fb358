"""From ``cost.csv`` and the score table to the cost tables and figures, with the registries' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from sisr.analysis import summaries
from sisr.analysis.cost import gathering, receipts
from sisr.report import challenge_sheets, cost_table, receipt_sheet
from sisr.report.figures import quality_cost as figures
from sisr.report.shown_run import ShownRun, first_kernel, summary_of


def make_table(
    run: ShownRun, cost: Path, scale: int, out: Path, stale: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Write ``out/cost_x{scale}.csv``, ``.md`` and ``.html``: costs, receipts, and ranks by the rules of
    challenges.

    ``stale`` has the receipts, named below their folder, each with its digest and what is stale about it.
    """
    rows, models = gathering.read(cost), run.names.models
    table = cost_table.build(rows, scale, models)
    notes = {reason: mark for mark, reason in table.notes}
    quality = challenge_sheets.quality_of(run, summaries.read_scores(run.scores), scale)
    taken = [
        row
        for name, (_, changed) in (stale or {}).items()
        for row in receipts.rows(receipts.read(receipts.FOLDER / name), changed)
    ]
    sheets = [receipt_sheet.sheet(taken, rows, scale, models, notes)] if taken else []
    sheets += challenge_sheets.sheets(rows, scale, models, quality, notes)
    table = replace(table, sheets=tuple(sheets), notes=tuple((m, r) for r, m in notes.items()))
    cost_table.write(table, rows, out)


def make_plots(run: ShownRun, cost: Path, scale: int, outs: Mapping[str, Path]) -> None:
    """Draw quality against each of ``outs`` (``time``, ``parameters``) for the run's first kernel."""
    frame, shown = summaries.read_scores(run.scores), run.names
    kernel = first_kernel(frame, scale, shown)
    rows = [row for row in gathering.read(cost) if int(row["scale"]) == scale]
    summary = summary_of(frame, run)
    for name, out in outs.items():
        figures.quality_against(summary, _RESOURCES[name](rows), shown, kernel, scale, out)


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
