"""Result tables as CSV, Markdown, LaTeX and HTML."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sisr.analysis.shown_measures import MISSING, heading
from sisr.base.atomic import write_text
from sisr.base.csv_files import csv_text
from sisr.base.rounding import fixed
from sisr.report.pages import environment
from sisr.report.tables import NOT_RUN, TIE, Caveat, Printed, Section, Table, build

if TYPE_CHECKING:
    from sisr.report.cost_table import CostTable
    from sisr.report.shown_run import Names

#: Characters of \footnotesize text that fit the 345 pt line of LaTeX's article class beside a model's name.
_TEX_LINE = 74


def render(
    summary: pd.DataFrame,
    status: pd.DataFrame,
    shown: Names,
    scale: int,
    out: Path,
    caveats: Mapping[str, Caveat] | None = None,
) -> dict[str, Path]:
    """Write ``out/x{scale}.csv``, ``.md``, ``.tex`` and ``.html``; returns the paths by extension.

    Arguments are those of :func:`build`.  The files depend on the arguments alone: no dates, no versions.
    """
    table = build(summary, status, shown, scale, caveats)
    texts = {
        "csv": to_csv(table, summary),
        "md": to_markdown(table),
        "tex": to_latex(table),
        "html": to_html(table),
    }
    paths = {}
    for extension, text in texts.items():
        paths[extension] = out / f"x{scale}.{extension}"
        write_text(paths[extension], text)
    return paths


def to_csv(table: Table, summary: pd.DataFrame) -> str:
    """Plain numbers: kernel, model, group, per measure mean, ends of the interval, ``tied``, n.

    Six digits after the point, ``inf``, nothing where a mean is missing; ``n`` counts the images scored.  The
    columns of intervals are there if any mean has one, ``identical`` if any mean leaves images out; ``tied``
    is 1 for a tie with the best.
    """
    here = summary[summary["scale"] == table.scale]
    counts = here.groupby(["kernel", "model", "group"])["n"].max().to_dict()
    lines = []
    for section in table.sections:
        for row in section.rows:
            for group in dict.fromkeys(column.group for column in section.columns):
                cells = {
                    column.measure.id: cell
                    for column, cell in zip(section.columns, row.cells, strict=True)
                    if column.group == group
                }
                found = [cells.get(measure.id, Printed(math.nan, MISSING)) for measure in table.measures]
                shown = [text for cell in found for text in _csv_cell(cell, table)]
                n = int(counts.get((section.kernel, row.model, group), 0))
                lines.append([section.kernel, row.model, group, *shown, n])
    parts = ["", *(["_lower", "_upper", "_tied"] if table.intervals else [])]
    parts += ["_identical"] if table.identical else []
    columns = [f"{measure.id}{part}" for measure in table.measures for part in parts]
    header = ["kernel", "model", "group", *columns, "n"]
    return csv_text(header, lines)


def _csv_cell(cell: Printed, table: Table) -> list[str]:
    numbers = (cell.value, cell.lower, cell.upper) if table.intervals else (cell.value,)
    shown = ["" if math.isnan(v) else fixed(v, 6) for v in numbers]
    shown += [str(int(cell.tied))] if table.intervals else []
    return [*shown, str(cell.identical)] if table.identical else shown


def to_markdown(table: Table) -> str:
    """GitHub-flavoured Markdown: best bold, second underlined (``<ins>``, the tag that GitHub keeps)."""
    lines = [
        f"# {_md(table.heading)}",
        "",
        f"LR by {_md(table.kernels)}. Protocols: {_md('; '.join(table.legend))}.",
        "Best **bold**, second <ins>underlined</ins>, per kernel and column.",
        *(part for line in table.marks() for part in ("", _md(line))),
    ]
    for section in table.sections:
        lines += ["", f"## LR: {_md(section.label)} (`{section.kernel}`)", ""]
        if not section.columns:
            lines.append("No scores.")
            continue
        head = ["Model"] + [
            f"{_md(c.group_label)} ({c.images})<br>{_md(heading(c.measure))}" for c in section.columns
        ]
        body = [
            [_md(row.label) + _md_mark(row.caveat) + _md_mark(row.mark)]
            + [_md_cell(cell) for cell in row.cells]
            for row in section.rows
        ]
        widths = [max(map(len, column)) for column in zip(head, *body, strict=True)]
        rule = [":" + "-" * (widths[0] - 1)] + ["-" * (width - 1) + ":" for width in widths[1:]]
        for line in (head, rule, *body):
            cells = [line[0].ljust(widths[0])] + [
                c.rjust(w) for c, w in zip(line[1:], widths[1:], strict=True)
            ]
            lines.append(f"| {' | '.join(cells)} |")
    if table.not_run:
        lines += ["", NOT_RUN]
    if table.notes:
        lines += ["", "**Not in the table**", ""]
        lines += [f"- <sup>{note.mark}</sup> {_md(str(note))}" for note in table.notes]
    return "\n".join(lines) + "\n"


def _md(text: str) -> str:
    """Escape what Markdown or inline HTML would interpret inside a table cell."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    for char in "\\`*_[]|":
        text = text.replace(char, "\\" + char)
    return " ".join(text.split())


def _md_mark(mark: str) -> str:
    return f"<sup>{mark}</sup>" if mark else ""


def _md_cell(cell: Printed) -> str:
    wrapped = {1: f"**{cell.text}**", 2: f"<ins>{cell.text}</ins>"}.get(cell.rank, cell.text)
    return wrapped + _md_mark(_same(cell)) + _md_mark(TIE if cell.tied else "") + _md_mark(cell.mark)


def _same(cell: Printed) -> str:
    return f"={cell.identical}" if cell.identical else ""


_TEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "×": r"$\times$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "±": r"$\pm$", "∞": r"$\infty$",
    "†": r"$\dagger$", "‡": r"$\ddagger$",
    "≈": r"$\approx$", "≥": r"$\geq$", "≤": r"$\leq$", "→": r"$\rightarrow$", "−": r"$-$", "—": "---", "–":
    "--", "…": r"\dots{}", "σ": r"$\sigma$", "µ": r"$\mu$", "·": r"$\cdot$",
}  # fmt: skip


def _tex(text: str) -> str:
    """Escape TeX's special characters and the symbols that pdfLaTeX knows only by command."""
    # \textquotedbl needs the T1 encoding, which article does not load by itself.
    return " ".join("".join("''" if c == '"' else _TEX.get(c, c) for c in text).split())


def _tex_cell(cell: Printed) -> str:
    text = _tex(cell.text)
    wrapped = {1: rf"\best{{{text}}}", 2: rf"\second{{{text}}}"}.get(cell.rank, text)
    return wrapped + _tex_mark(_same(cell)) + (r"\tied{}" if cell.tied else "") + _tex_mark(cell.mark)


def _tex_mark(mark: str) -> str:
    return rf"\textsuperscript{{{mark}}}" if mark else ""


@dataclass(frozen=True)
class Look:
    """How LaTeX marks the best value and the second: a command each, their names in the caption, packages."""

    best: str
    second: str
    names: tuple[str, str]
    packages: str


LOOKS: Mapping[str, Look] = {
    "bold": Look(r"\textbf{#1}", r"\underline{#1}", ("bold", "underlined"), r"\usepackage{booktabs}"),
    "colour": Look(
        r"\textcolor{red}{#1}", r"\textcolor{blue}{#1}", ("red", "blue"), r"\usepackage{booktabs,xcolor}"
    ),
}


def to_latex(table: Table, look: Look = LOOKS["bold"], cost: CostTable | None = None) -> str:
    """LaTeX floats to ``\\input``: needs only ``booktabs``; one or more per kernel, none wider than a line.

    A table whose groups do not fit one line of ``article`` side by side is continued in further floats,
    labelled ``tab:sr-x4-<kernel>``, ``...-2`` and so on.  ``cost``: what each model costs, in columns beside
    its name.
    """
    lines = [
        # A line break of a label would end the comment.
        f"% {' '.join(table.title.split())}",
        rf"% Needs {look.packages}. Redefine \best, \second and \tied to change the marks.",
        rf"\providecommand{{\best}}[1]{{{look.best}}}",
        rf"\providecommand{{\second}}[1]{{{look.second}}}",
        # Without width, so that the digits stay in line.
        r"\providecommand{\tied}{\rlap{\textsuperscript{$\approx$}}}",
    ]
    for section in table.sections:
        costs = _tex_costs(section, cost)
        parts = _tex_parts(section, sum(max(map(len, column)) + 2 for column in costs))
        if not parts:
            lines += ["", f"% {section.kernel}: no scores"]
        for number, chosen in enumerate(parts, start=1):
            lines += ["", *_tex_float(table, section, chosen, (number, len(parts)), look.names, costs)]
    if table.notes and not any(section.columns for section in table.sections):
        lines += ["", *(_tex(str(note)) + r"\par" for note in table.notes)]
    return "\n".join(lines) + "\n"


#: Columns of cost that a paper's table has, by the headings of the cost table.
_TEX_COSTS = ("Parameters", "Multiply-adds", "Time")


def _tex_costs(section: Section, cost: CostTable | None) -> list[list[str]]:
    """Columns of cost, each with its heading and a text for each row; those that no row has are left out."""
    if cost is None:
        return []
    lines = {line.label: line.cells for line in cost.lines}
    found = []
    for place, column in enumerate(cost.columns):
        texts = [lines[row.label][place] if row.label in lines else MISSING for row in section.rows]
        if column.heading in _TEX_COSTS and any(text != MISSING for text in texts):
            found.append([f"{column.heading} ({column.unit})", *texts])
    return found


def _tex_parts(section: Section, taken: int) -> list[list[int]]:
    """Indices of columns per float: whole groups, as many as fit one line of which so much is taken."""
    name = max((len(row.label) for row in section.rows), default=5) + 3 + taken
    parts: list[list[int]] = []
    used = 0
    start = 0
    for column, span in section.spans():
        chosen = list(range(start, start + span))
        start += span
        width = 0
        for i in chosen:
            texts = [heading(section.columns[i].measure), *(row.cells[i].text for row in section.rows)]
            width += max(map(len, texts)) + 2
        width = max(width, len(column.group_label) + 4)
        if not parts or used + width > _TEX_LINE - name:
            parts.append([])
            used = 0
        parts[-1] += chosen
        used += width
    return parts


def _tex_float(
    table: Table,
    section: Section,
    chosen: list[int],
    part: tuple[int, int],
    marked: tuple[str, str],
    costs: list[list[str]],
) -> list[str]:
    number, parts = part
    columns = [section.columns[i] for i in chosen]
    spans = Section(section.kernel, section.label, tuple(columns), ()).spans()
    used = {m for row in section.rows for m in (row.mark, *(row.cells[i].mark for i in chosen))}
    measures = dict.fromkeys(column.measure for column in columns)
    protocols = "; ".join(f"{m.label}: {m.protocol}{' (' + m.unit + ')' if m.unit else ''}" for m in measures)
    caption = (
        f"{table.heading}, LR by {section.label}{f' ({number} of {parts})' if parts > 1 else ''}. "
        f"Protocols: {protocols}. Best "
    )
    label = f"tab:sr-x{table.scale}-{section.kernel}{f'-{number}' if number > 1 else ''}"
    start = 2 + len(costs)
    heads, rules = [], []
    for column, span in spans:
        heads.append(rf"\multicolumn{{{span}}}{{c}}{{{_tex(column.group_label)} ({column.images})}}")
        rules.append(rf"\cmidrule(lr){{{start}-{start + span - 1}}}")
        start += span
    lines = [
        r"\begin{table}[htbp]",
        r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
        rf"\caption{{{_tex(caption)} \best{{{marked[0]}}}, second \second{{{marked[1]}}}.}}",
        rf"\label{{{label}}}",
        r"\par\medskip",
        rf"\begin{{tabular}}{{l{'r' * (len(costs) + len(columns))}}}",
        r"\toprule",
        " & " * (1 + len(costs)) + " & ".join(heads) + r" \\",
        "".join(rules),
        " & ".join(
            [
                "Model",
                *(_tex(cost[0]) for cost in costs),
                *(_tex(heading(column.measure)) for column in columns),
            ]
        )
        + r" \\",
        r"\midrule",
    ]
    for place, row in enumerate(section.rows, 1):
        cells = [*(_tex(cost[place]) for cost in costs), *(_tex_cell(row.cells[i]) for i in chosen)]
        signs = _tex_mark(_tex(row.caveat)) + _tex_mark(row.mark)
        lines.append(_tex(row.label) + signs + " & " + " & ".join(cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    dashes = any(
        row.cells[i].text == MISSING and not (row.mark or row.cells[i].mark)
        for row in section.rows
        for i in chosen
    )
    if dashes:
        lines += [rf"\par\smallskip {NOT_RUN}"]
    if marks := table.marks({column.group for column in columns}):
        lines += [r"\par\smallskip", r"\begin{minipage}{\linewidth}\footnotesize\raggedright"]
        lines += [*(_tex(line) + r"\par" for line in marks), r"\end{minipage}"]
    if notes := [note for note in table.notes if note.mark in used]:
        lines += [
            r"\par\smallskip",
            r"\begin{minipage}{\linewidth}\footnotesize\raggedright Not in the table:\par",
        ]
        lines += [rf"{_tex_mark(note.mark)}\,{_tex(str(note))}\par" for note in notes]
        lines += [r"\end{minipage}"]
    return [*lines, r"\end{table}"]


def to_html(table: Table) -> str:
    """One self-contained page: no network, light and dark, sorted by a click on a column's heading."""
    return environment().get_template("table.html.j2").render(table=table, not_run=NOT_RUN, tie=TIE)
