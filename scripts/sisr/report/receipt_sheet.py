"""Timing receipts on the cost page: what a run's models took on other devices, beside its own times."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from sisr.analysis.shown_measures import MISSING
from sisr.report.cost_table import TIMED, CostColumn, CostLine, Sheet, column_of, marked

_TEXT = (
    "What models took on other devices, or on other days: median of whole calls and of the network alone, "
    "and the ratio to a reference network that took turns with it there. Ratios carry over to machines of "
    "the same kind, seconds do not."
)


def _as_it_is(heading: str, name: str) -> CostColumn:
    """A column of text."""
    return CostColumn(heading, "", lambda row: row.get(name) or MISSING, lambda row: math.nan)


COLUMNS = (
    _as_it_is("Device", "device"),
    _as_it_is("Precision", "precision"),
    column_of("Time", "s / MP", "call_seconds", 1),
    column_of("Network alone", "s / MP", "network_seconds", 1),
    column_of("Ratio", "of reference", "ratio", 1),
    column_of("Peak memory", "MiB", "peak_memory", 2**20, 0),
    TIMED[-1],
    _as_it_is("Taken", "date"),
)


def sheet(
    receipts: Sequence[Mapping[str, str]],
    rows: Sequence[Mapping[str, str]],
    scale: int,
    models: Mapping[str, str],
    notes: dict[str, str],
) -> Sheet:
    """Lay out ``receipts``, rows of :func:`sisr.analysis.cost.receipts.rows` by model.

    ``rows`` are those of ``cost.csv``, ``models`` maps ids to labels; ``notes`` has the letter of each
    reason, and gets those of new ones.
    """
    lines = []
    for row in _with_own(receipts, {row["model"]: row for row in rows if int(row["scale"]) == scale}):
        cells, values = zip(*((column.text(row), column.value(row)) for column in COLUMNS), strict=True)
        lines.append(CostLine(models[row["model"]], cells, values, marked(row.get("note", ""), notes)))
    headings = tuple((column.heading, column.unit) for column in COLUMNS)
    return Sheet("Receipts", (_TEXT,), headings, tuple(lines))


def _with_own(
    receipts: Sequence[Mapping[str, str]], own: Mapping[str, Mapping[str, str]]
) -> Iterator[Mapping[str, str]]:
    """Rows of receipts; before the first one of a model the time of the run itself, where it has one."""
    before = ""
    for row in receipts:
        timed = own.get(row["model"])
        if row["model"] != before and timed is not None and timed["seconds"]:
            before, threads = row["model"], timed["threads"]
            device = f"this run: {timed['device']}, {threads} thread{'s' * (threads != '1')}"
            kept = {name: timed[name] for name in ("model", "peak_memory", "timed_output")}
            yield kept | {"device": device, "call_seconds": timed["seconds"]}
        yield row
