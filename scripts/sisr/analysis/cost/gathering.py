"""From the cost of single models to ``cost.csv``, and back."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sisr.base.csv_files import write_rows
from sisr.base.errors import ScoreError

#: Columns of ``cost.csv``; ``docs/cost.md`` explains them.
COLUMNS = (
    "model", "scale", "parameters", "multiply_adds", "activations", "ntire_multiply_adds",
    "ntire_activations", "receptive_field", "count_status", "count_reason", "seconds_q1", "seconds",
    "seconds_q3", "peak_memory", "timed_output", "calls", "device", "clock_mhz", "memory_clock_mhz",
    "threads", "torch", "load", "time_status", "time_reason",
)  # fmt: skip


NOT_TIMED = "not timed"


def gather(counts: Sequence[Path], timings: Sequence[Path], out: Path) -> None:
    """Write ``cost.csv``: one row a model and scale, in the order of the files.

    ``counts`` and ``timings`` are what :mod:`sisr.analysis.cost.jobs` writes.  Seconds are those per
    megapixel of output, the first quartile, median and third; peak memory is in bytes.  What is missing is
    empty.
    """
    counted = [document for path in counts for document in _read(path)]
    timed = {(document["model"], document["scale"]): _timed(document) for document in map(_read, timings)}
    not_timed = {"time_status": NOT_TIMED}
    rows = [_counted(one) | timed.get((one["model"], one["scale"]), not_timed) for one in counted]
    write_rows(out, COLUMNS, rows)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _counted(document: Mapping[str, Any]) -> dict[str, Any]:
    counted = COLUMNS[: COLUMNS.index("count_status")]
    return {
        **{name: document.get(name) for name in counted},
        "count_status": document["status"],
        "count_reason": document["reason"],
    }


def _timed(document: Mapping[str, Any]) -> dict[str, Any]:
    status = {"time_status": document["status"], "time_reason": document["reason"]}
    if document["status"] != "ok":
        return status
    low, middle, high = (f"{value:.6g}" for value in document["seconds_per_megapixel"])
    facts = ("calls", "device", "clock_mhz", "memory_clock_mhz", "threads", "torch", "load", "peak_memory")
    return {
        **status,
        **{name: document[name] for name in facts},
        "timed_output": "x".join(map(str, document["output"])),
        "seconds_q1": low,
        "seconds": middle,
        "seconds_q3": high,
    }


def read(path: Path) -> list[dict[str, str]]:
    """Rows of ``cost.csv`` as text; :class:`ScoreError` for a file that is not one."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise ScoreError(f"{path}: columns {reader.fieldnames}, expected {list(COLUMNS)}")
            return list(reader)
    except FileNotFoundError:
        raise ScoreError(f"{path}: no such file") from None
