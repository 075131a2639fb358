"""CSV as all tables of a run are written: UTF-8, a header, commas, quotes where needed, lines ended by LF.

Values are written as ``str`` gives them, None as nothing, so that whoever has numbers rounds them first.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr.base.atomic import write_text

if TYPE_CHECKING:
    import pandas as pd


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object] | Mapping[str, object]]) -> str:
    """A table as text: the names of the columns, then the rows.

    A row is its values in the order of the columns, or a mapping, of which what is missing is empty;
    :class:`ValueError` for one that has more than the columns.

    >>> csv_text(("model", "psnr"), [("a, b", 31.5), {"model": "c"}])
    'model,psnr\\n"a, b",31.5\\nc,\\n'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(columns)
    for row in rows:
        values = row.values() if isinstance(row, Mapping) else row
        # A carriage return ends a row for whoever reads it, but is not quoted where lines end by LF.
        within = any(isinstance(value, str) and "\r" in value for value in values)
        more: Any = {"quoting": csv.QUOTE_ALL} if within else {}
        writer = csv.DictWriter(text, columns, lineterminator="\n", **more)
        if isinstance(row, Mapping):
            writer.writerow(row)
        else:
            writer.writer.writerow(row)
    return text.getvalue()


def write_rows(
    path: Path, columns: Sequence[str], rows: Iterable[Sequence[object] | Mapping[str, object]]
) -> None:
    """Write a table atomically; rows as for :func:`csv_text`.  The same rows give the same bytes."""
    write_text(path, csv_text(columns, rows))


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a data frame of numbers atomically, without its index.

    By pandas, which knows the types of whole columns: a missing number is empty, be it NaN or None.
    """
    write_text(path, frame.to_csv(index=False, lineterminator="\n"))
