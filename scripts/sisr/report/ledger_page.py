"""From the precision ledgers of single models to ``precision.csv`` and its page in the report."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sisr.analysis.shown_measures import MISSING, letters, signed
from sisr.base.atomic import write_text
from sisr.base.csv_files import write_rows
from sisr.base.rounding import fixed
from sisr.upscaling.inference.options import LOWER_PRECISIONS

#: Columns of ``precision.csv``; ``docs/cost.md`` explains them.
COLUMNS = (
    "model", "scale", "dataset", "kernel", "image", "precision", "psnr_fp32", "psnr", "delta_psnr",
    "max_error", "changed", "status", "reason",
)  # fmt: skip
_HEADINGS = (("ΔPSNR", "mean, dB"), ("ΔPSNR", "worst, dB"), ("Max. error", "of 255"))


@dataclass(frozen=True)
class LedgerLine:
    """One model: printed cells and their numbers (NaN where missing), and the letter of its note."""

    label: str
    cells: tuple[str, ...]
    values: tuple[float, ...]
    mark: str = ""


def write(ledgers: Sequence[Path], *, csv_path: Path, html_path: Path, models: Mapping[str, str]) -> None:
    """Write the table of all images and the page of means; ``models`` maps ids to labels, in order.

    ``ledgers`` are the files of :func:`sisr.analysis.cost.ledger.ledger_job`.
    """
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in ledgers]
    rows = [
        {**{name: document[name] for name in COLUMNS[:4]}, **row}
        for document in documents
        for row in document["rows"]
    ]
    write_rows(csv_path, COLUMNS, rows)
    write_text(html_path, to_html(documents, models))


def to_html(documents: Sequence[Mapping[str, Any]], models: Mapping[str, str]) -> str:
    """One self-contained page: a table a scale, three columns a precision."""
    from sisr.report.pages import environment

    notes: dict[str, str] = {}
    sheets = []
    for scale in dict.fromkeys(document["scale"] for document in documents):
        here = {document["model"]: document for document in documents if document["scale"] == scale}
        lines = [_line(models[name], here[name]["rows"], notes) for name in models if name in here]
        headings = [
            (title, f"{precision}, {unit}") for precision in LOWER_PRECISIONS for title, unit in _HEADINGS
        ]
        sheets.append({"caption": f"×{scale}", "headings": headings, "lines": lines})
    # A model that had no weights has come to no device.
    found = dict.fromkeys(document["device"] for document in documents if document["device"])
    devices = ", ".join(found) or "no device"
    sets = ", ".join(dict.fromkeys(f"{d['dataset']} (LR by {d['kernel']})" for d in documents))
    return environment().get_template("sheet.html.j2").render(
        heading="Precision ledger",
        text=[
            f"Each PyTorch model in lower precisions against itself in fp32, over the images of {sets}, on "
            f"{devices}. ΔPSNR: change of PSNR-Y, negative is worse; its mean and its worst image. Max. "
            "error: the largest difference of one output value, before rounding, in gray levels of 255.",
            "All other numbers of this run are fp32. Values of every image are in precision.csv.",
        ],
        sheets=sheets,
        notes=[(mark, reason) for reason, mark in notes.items()],
    )  # fmt: skip


def _line(label: str, rows: Sequence[Mapping[str, Any]], notes: dict[str, str]) -> LedgerLine:
    cells: list[str] = []
    values: list[float] = []
    reasons: dict[str, list[str]] = {}
    for precision in LOWER_PRECISIONS:
        mine = [row for row in rows if row["precision"] == precision]
        done = [row for row in mine if row["status"] == "ok"]
        for row in mine:
            if row["status"] != "ok":
                reasons.setdefault(f"{row['status']}: {row['reason']}", []).append(precision)
        if not done:
            cells += [MISSING] * 3
            values += [math.nan] * 3
            continue
        deltas = [row["delta_psnr"] for row in done]
        numbers = [math.fsum(deltas) / len(deltas), min(deltas), max(row["max_error"] for row in done)]
        values += numbers
        cells += [signed(numbers[0], 4), signed(numbers[1], 4), fixed(numbers[2], 3)]
    text = "; ".join(f"{', '.join(dict.fromkeys(which))} {reason}" for reason, which in reasons.items())
    mark = notes.setdefault(text, letters(len(notes))) if text else ""
    return LedgerLine(label, tuple(cells), tuple(values), mark)
