"""From the cost of single models to ``cost.csv``, and from that to the tables beside those of quality."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sisr.analysis.cost.counts import OUTPUT
from sisr.analysis.cost.gathering import COLUMNS, NOT_TIMED
from sisr.analysis.shown_measures import MISSING, letters
from sisr.base.atomic import write_text
from sisr.base.csv_files import write_rows
from sisr.base.rounding import fixed

# --- laying out -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CostColumn:
    """One column: how a row's text becomes what is printed, and the number by which it is sorted."""

    heading: str
    unit: str
    text: Callable[[Mapping[str, str]], str]
    value: Callable[[Mapping[str, str]], float]


@dataclass(frozen=True)
class CostLine:
    """One model: printed cells and their numbers (NaN where missing), and the letter of its note."""

    label: str
    cells: tuple[str, ...]
    values: tuple[float, ...]
    mark: str = ""


@dataclass(frozen=True)
class Sheet:
    """A further table of the page: sentences below its caption, and columns as (heading, unit)."""

    caption: str
    text: tuple[str, ...]
    headings: tuple[tuple[str, str], ...]
    lines: tuple[CostLine, ...]


@dataclass(frozen=True)
class CostTable:
    """The cost of one scale, ready to be written; ``machines`` is a line for each that measured a row."""

    scale: int
    columns: tuple[CostColumn, ...]
    lines: tuple[CostLine, ...]
    notes: tuple[tuple[str, str], ...]
    machines: tuple[str, ...]
    sheets: tuple[Sheet, ...] = ()

    @property
    def heading(self) -> str:
        return f"Cost ×{self.scale}"


def significant(value: float, digits: int = 3) -> str:
    """``value`` with that many significant digits and without an exponent.

    >>> significant(0.012345), significant(1234567.0)
    ('0.0123', '1,230,000')
    """
    if math.isnan(value):
        return MISSING
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return fixed(value, places, commas=True)


def _number(name: str, divisor: float = 1.0) -> Callable[[Mapping[str, str]], float]:
    return lambda row: float(row[name]) / divisor if row.get(name, "") not in ("", "global") else math.nan


def column_of(heading: str, unit: str, name: str, divisor: float, digits: int | None = None) -> CostColumn:
    """A column of plain numbers: with ``digits`` after the point, or with three significant ones below 1."""
    value = _number(name, divisor)

    def text(row: Mapping[str, str]) -> str:
        number = value(row)
        if digits is None or math.isnan(number) or abs(number) < 1:
            return significant(number)
        return fixed(number, digits, commas=True)

    return CostColumn(heading, unit, text, value)


def _field(row: Mapping[str, str]) -> str:
    return row["receptive_field"] or MISSING


def _field_value(row: Mapping[str, str]) -> float:
    return math.inf if row["receptive_field"] == "global" else _number("receptive_field")(row)


def _spread(row: Mapping[str, str]) -> float:
    return _number("seconds_q3")(row) - _number("seconds_q1")(row)


def _pixels(row: Mapping[str, str]) -> float:
    return float(math.prod(map(int, row["timed_output"].split("x")))) if row["timed_output"] else math.nan


COUNTED = (
    column_of("Parameters", "K", "parameters", 1e3, 1),
    column_of("Multiply-adds", "G", "multiply_adds", 1e9, 1),
    column_of("Activations", "M", "activations", 1e6, 1),
    CostColumn("Receptive field", "LR px", _field, _field_value),
)
TIMED = (
    column_of("Time", "s / MP", "seconds", 1),
    CostColumn("IQR", "s / MP", lambda row: significant(_spread(row), 2), _spread),
    column_of("Peak memory", "MiB", "peak_memory", 2**20, 0),
    CostColumn("at output", "px", lambda row: row["timed_output"].replace("x", "×") or MISSING, _pixels),
)


def build(rows: Sequence[Mapping[str, str]], scale: int, models: Mapping[str, str]) -> CostTable:
    """Lay out the rows of one scale; ``models`` maps ids to labels, and its order is the table's."""
    here = {row["model"]: row for row in rows if int(row["scale"]) == scale}
    timed = any(row["time_status"] not in ("", NOT_TIMED) for row in here.values())
    columns = (*COUNTED, *TIMED) if timed else COUNTED
    notes: dict[str, str] = {}
    lines = []
    for model in (name for name in models if name in here):
        row = here[model]
        cells, values = zip(*((column.text(row), column.value(row)) for column in columns), strict=True)
        lines.append(CostLine(models[model], cells, values, marked(_reason(row), notes)))
    return CostTable(
        scale, columns, tuple(lines), tuple((m, r) for r, m in notes.items()), _machines(here.values())
    )


def marked(reason: str, notes: dict[str, str]) -> str:
    """The letter of a reason in ``notes``, which it joins; no letter for no reason."""
    return notes.setdefault(reason, letters(len(notes))) if reason else ""


def _reason(row: Mapping[str, str]) -> str:
    """Why something is missing in a row, "" where nothing is; a reason that holds for both is said once."""
    counted, timed = row["count_reason"], row["time_reason"]
    if counted and counted == timed:
        return f"{row['count_status']}: {counted}"
    parts = [counted and f"not counted: {counted}", timed and f"not timed: {timed}"]
    return "; ".join(part for part in parts if part)


def _machines(rows: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """One line for each device that rows were timed on, with the range of its clock over them."""
    timed: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in rows:
        if row["device"]:
            timed.setdefault((row["device"], row["threads"]), []).append(row)
    lines = []
    for (device, threads), here in timed.items():
        parts = [device, f"{threads} thread{'s' * (threads != '1')}"]
        if clocks := _range(here, "clock_mhz", 0):
            parts.append(f"{clocks} MHz")
        if versions := sorted({row["torch"] for row in here} - {""}):
            parts.append(f"torch {', '.join(versions)}")
        if loads := _range(here, "load", 1):
            parts.append(f"load average {loads}")
        lines.append(", ".join(parts))
    return tuple(lines)


def _range(rows: Sequence[Mapping[str, str]], name: str, digits: int) -> str:
    """``1.2 to 3.4``, one number where they print alike, "" where no row has one."""
    values = [float(row[name]) for row in rows if row[name]]
    ends = dict.fromkeys(fixed(end, digits) for end in (min(values), max(values))) if values else {}
    return " to ".join(ends)


# --- writing --------------------------------------------------------------------------------------------


def write(table: CostTable, rows: Sequence[Mapping[str, str]], out: Path) -> None:
    """Write ``out/cost_x{scale}.csv``, ``.md`` and ``.html``."""
    stem = f"cost_x{table.scale}"
    write_rows(out / f"{stem}.csv", COLUMNS, (row for row in rows if int(row["scale"]) == table.scale))
    write_text(out / f"{stem}.md", to_markdown(table))
    write_text(out / f"{stem}.html", to_html(table))


def explanation(table: CostTable) -> list[str]:
    """Sentences that say what the columns are."""
    width, height = OUTPUT
    text = [
        "Parameters, multiply-adds and activations (outputs of all convolutions) are counted for an output "
        f"of {width}×{height}; a network on luma is counted for its one channel. Receptive field: side in LR "
        "pixels, measured; “global” is the whole image.",
    ]
    if len(table.columns) > len(COUNTED):
        text.append(
            "Time: median and interquartile range (IQR) of the seconds per megapixel of output, after "
            "warm-up, from image in memory to image in memory. Slow models are timed at a smaller "
            "output. Peak memory: at that output, above what the process held before the model was loaded."
        )
    return text


def to_markdown(table: CostTable) -> str:
    """GitHub-flavoured Markdown."""
    lines = [f"# {table.heading}", "", *explanation(table)]
    lines += [f"Timed on {_escape(machine)}." for machine in table.machines]
    lines += ["", *_grid([(column.heading, column.unit) for column in table.columns], table.lines)]
    for sheet in table.sheets:
        lines += ["", f"## {_escape(sheet.caption)}", "", *map(_escape, sheet.text), ""]
        lines += _grid(sheet.headings, sheet.lines)
    if table.notes:
        lines += ["", *(f"- <sup>{mark}</sup> {_escape(reason)}" for mark, reason in table.notes)]
    return "\n".join(lines) + "\n"


def _grid(headings: Sequence[tuple[str, str]], lines: Iterable[CostLine]) -> list[str]:
    head = ["Model", *(f"{title}<br>({unit})" if unit else title for title, unit in headings)]
    found = [f"| {' | '.join(head)} |", f"|:---|{'---:|' * len(headings)}"]
    for line in lines:
        label = _escape(line.label) + (f"<sup>{line.mark}</sup>" if line.mark else "")
        found.append(f"| {' | '.join([label, *map(_escape, line.cells)])} |")
    return found


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_\[\]|])", r"\\\1", html.escape(" ".join(text.split()), quote=False))


def to_html(table: CostTable) -> str:
    """One self-contained page that sorts by a click on a heading."""
    from sisr.report.pages import environment

    headings = [(column.heading, column.unit) for column in table.columns]
    return environment().get_template("sheet.html.j2").render(
        heading=table.heading,
        text=[*explanation(table), *(f"Timed on {machine}." for machine in table.machines)],
        sheets=[{"caption": "", "headings": headings, "lines": table.lines}, *table.sheets],
        notes=table.notes,
    )  # fmt: skip
