"""From the tidy score table to result tables: means per dataset or pool, ranked, in four formats.

Everything here is computed from ``scores.csv`` and ``status.csv`` alone::

    scores  = read_scores(run / "scores.csv")
    status  = read_status(run / "status.csv")
    summary = summarise(scores, pools={"Set14 + Urban100": ["set14", "urban100"]})
    render(summary, status, shown, scale=4, out=run / "tables")

:func:`build` makes a format-independent :class:`Table`; the four writers only lay it out.  Values are
compared as they are printed: two models whose means agree in the printed digits share a mark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd

from sisr.analysis.shown_measures import MISSING, letters, show
from sisr.base.cells import SCORED
from sisr.scoring.metrics.protocol import Measure

if TYPE_CHECKING:
    from sisr.report.shown_run import Names

#: Follows the mean of a model that is not shown to be worse than the best of its column.
TIE = "≈"
TIED = (
    f"{TIE} after a mean: not shown to be worse than the best of its column "
    "(Wilcoxon's signed-rank test over images, Holm-corrected over all pairs of models, p ≥ 0.05)."
)
IDENTICAL = (
    "=N after a mean: N images are identical, so that their PSNR is infinite, and the mean leaves them out. "
    "A column with such a mean is ranked by the PSNR of the mean squared error, to which they add 0."
)
NOT_RUN = "A dash without a letter: the model was not run there."


# --- the table, independent of a format -----------------------------------------------------------------


@dataclass(frozen=True)
class Printed:
    """One printed value: ``rank`` 1 is best, 2 second, 0 neither; ``mark`` refers to a :class:`Note`.

    ``lower`` and ``upper`` end the 95 % interval of the mean, NaN where it was not computed.  ``tied``: not
    the best, and not shown to be worse.  ``identical``: images that the mean leaves out, as their value is
    infinite; ``worth`` is what it is ranked by.
    """

    value: float
    text: str
    rank: int = 0
    mark: str = ""
    lower: float = math.nan
    upper: float = math.nan
    tied: bool = False
    identical: int = 0
    worth: float = math.nan


@dataclass(frozen=True)
class Column:
    """One measure on one dataset or pool of ``images`` images."""

    group: str
    group_label: str
    images: int
    measure: Measure


@dataclass(frozen=True)
class Row:
    """One model; ``mark`` refers to a :class:`Note` on the row, ``caveat`` is a :class:`Caveat`'s sign."""

    model: str
    label: str
    cells: tuple[Printed, ...]
    mark: str = ""
    caveat: str = ""


@dataclass(frozen=True)
class Caveat:
    """What a reader must know of a model's training: a sign, its meaning, and the model's own detail."""

    sign: str
    meaning: str
    detail: str = ""


@dataclass(frozen=True)
class Section:
    """All models on the LR images of one kernel."""

    kernel: str
    label: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def spans(self) -> list[tuple[Column, int]]:
        """First column of each group with the number of columns of the group."""
        spans: list[tuple[Column, int]] = []
        for column in self.columns:
            if spans and spans[-1][0].group == column.group:
                spans[-1] = (spans[-1][0], spans[-1][1] + 1)
            else:
                spans.append((column, 1))
        return spans


@dataclass(frozen=True)
class Note:
    """Why a value is missing: the model, its status, where it holds (datasets, kernels) and the reason."""

    mark: str
    model: str
    status: str
    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.model}: {self.status} ({self.where}){': ' + self.reason if self.reason else ''}"


@dataclass(frozen=True)
class Table:
    """Result table of one scale: a section per kernel, notes on what is missing."""

    scale: int
    measures: tuple[Measure, ...]
    sections: tuple[Section, ...]
    notes: tuple[Note, ...]
    untested: tuple[tuple[str, str], ...] = ()
    caveats: tuple[str, ...] = ()

    @property
    def cells(self) -> list[Printed]:
        """All values."""
        return [cell for section in self.sections for row in section.rows for cell in row.cells]

    @property
    def intervals(self) -> bool:
        """Whether any mean has an interval."""
        return any(not math.isnan(cell.lower) for cell in self.cells)

    @property
    def identical(self) -> bool:
        """Whether any mean leaves identical images out."""
        return any(cell.identical for cell in self.cells)

    def marks(self, groups: Iterable[str] | None = None) -> list[str]:
        """What marks mean: identical images; a tie, with the groups too small for one; caveats."""
        same = [IDENTICAL] if self.identical else []
        if not self.intervals:
            return [*same, *self.caveats]
        every = {column.group for section in self.sections for column in section.columns}
        wanted = every if groups is None else {*groups}
        few = [text for group, text in self.untested if group in wanted]
        lines = [f"Too few images to test, so no ties are marked: {'; '.join(few)}."] if few else []
        # Where no group can have a tie, its test is not spoken of.
        tied = [TIED] if len(few) < len(wanted) else []
        return [*same, *tied, *lines, *self.caveats]

    @property
    def heading(self) -> str:
        return f"Super-resolution ×{self.scale}"

    @property
    def not_run(self) -> bool:
        """Whether the table has dashes without a mark: cells that were not asked for."""
        return any(
            cell.text == MISSING and not cell.mark and not row.mark
            for section in self.sections
            for row in section.rows
            for cell in row.cells
        )

    @property
    def kernels(self) -> str:
        return ", ".join(section.label for section in self.sections) or "none"

    @property
    def protocols(self) -> str:
        return ", ".join(dict.fromkeys(measure.protocol for measure in self.measures))

    @property
    def title(self) -> str:
        """Scale, kernels and protocols in one line."""
        return f"{self.heading}; LR by {self.kernels}; protocols {self.protocols}"

    @property
    def legend(self) -> list[str]:
        """``PSNR-Y = psnr@y-bt601, dB, higher is better`` for each measure."""
        return [
            f"{m.label} = {m.id}{', ' + m.unit if m.unit else ''}, {m.direction} is better"
            for m in self.measures
        ]


@dataclass
class _Notes:
    """Collects notes in order of appearance and gives each the next letter."""

    found: dict[tuple[str, str, str, str], Note] = field(default_factory=dict)

    def add(self, model: str, status: str, where: str, reason: str) -> str:
        key = (model, status, where, reason)
        if key not in self.found:
            self.found[key] = Note(letters(len(self.found)), *key)
        return self.found[key].mark


def build(
    summary: pd.DataFrame,
    status: pd.DataFrame,
    shown: Names,
    scale: int,
    caveats: Mapping[str, Caveat] | None = None,
) -> Table:
    """Lay out the summary of one scale.

    The order of the names is that of rows (models), columns (datasets, then pools) and sections (kernels);
    what is not in them comes last under its id.  A model of which the status table says that it did not run
    keeps its row, with dashes and a note.  Intervals and ties are shown if the summary has them
    (:func:`sisr.analysis.statistics.verdicts.with_certainty`).
    """
    models, groups, kernels = shown.models, shown.groups, shown.kernels
    summary = summary[summary["scale"] == scale]
    status = status[status["scale"] == scale]
    kernel_ids = _ordered(kernels, [*summary["kernel"], *status["kernel"]])
    model_ids = _ordered(models, [*summary["model"], *status["model"]])
    notes = _Notes()
    marks = _status_marks(status, model_ids, kernel_ids, notes, shown)

    sections = []
    certain = "verdict" in summary.columns
    for kernel in kernel_ids:
        here = summary[summary["kernel"] == kernel]
        certainty = _certainty(here) if certain else {}
        means = {
            (str(group), str(model), f"{metric}@{protocol}"): (
                float(mean),
                str(note),
                int(identical) if math.isfinite(mean) else 0,
                float(worth),
            )
            for group, model, metric, protocol, mean, note, identical, worth in here[
                ["group", "model", "metric", "protocol", "mean", "note", "identical", "worth"]
            ].itertuples(index=False, name=None)
        }
        sizes = dict(zip(here["group"], here["expected"], strict=True))
        columns = tuple(
            Column(group, groups.get(group, group), int(sizes[group]), measure)
            for group in _ordered(groups, here["group"])
            for measure in shown.measures
            if any((group, model, measure.id) in means for model in model_ids)
        )
        present = {*here["model"], *status[status["kernel"] == kernel]["model"]}
        names = [model for model in model_ids if model in present]
        ranks = [
            rank([means.get((c.group, model, c.measure.id), _NO_MEAN)[-1] for model in names], c.measure)
            for c in columns
        ]
        rows = []
        for line, model in enumerate(names):
            cells = []
            for column, ranked in zip(columns, ranks, strict=True):
                value, note, identical, worth = means.get((column.group, model, column.measure.id), _NO_MEAN)
                mark = ""
                if math.isnan(value):
                    members = shown.pools.get(column.group, [column.group])
                    found = [marks.get((model, kernel, dataset)) for dataset in members]
                    mark = next((m for m in found if m), "")
                    # Some part was never asked for: the dash needs no note.  Else images are missing.
                    if not mark and None not in found:
                        mark = notes.add(models.get(model, model), "incomplete", column.group_label, note)
                sure = certainty.get((column.group, model, column.measure.id), _UNKNOWN)
                text = show(value, column.measure)
                cells.append(Printed(value, text, ranked[line], mark, *sure, identical, worth))
            made = _row(model, models.get(model, model), cells)
            rows.append(replace(made, caveat=caveats[model].sign) if caveats and model in caveats else made)
        sections.append(Section(kernel, kernels.get(kernel, kernel), columns, tuple(rows)))
    used = {column.measure for section in sections for column in section.columns}
    return Table(
        scale,
        tuple(m for m in shown.measures if m in used or not used),
        tuple(sections),
        tuple(notes.found.values()),
        _untested(summary, groups) if certain else (),
        (
            *_caveat_lines({row.model: row.label for s in sections for row in s.rows}, caveats or {}),
            *(line for one in shown.given if one.scale == scale for line in one.remarks(groups[one.dataset])),
        ),
    )


def _caveat_lines(shown: Mapping[str, str], caveats: Mapping[str, Caveat]) -> tuple[str, ...]:
    """One line a sign: what it means and which models have it."""
    lines: dict[tuple[str, str], list[str]] = {}
    for model, label in shown.items():
        if model in caveats:
            one = caveats[model]
            lines.setdefault((one.sign, one.meaning), []).append(
                f"{label} ({one.detail})" if one.detail else label
            )
    return tuple(f"{sign} {meaning}: {', '.join(of)}." for (sign, meaning), of in sorted(lines.items()))


#: Interval and tie of a mean without statistics.
_UNKNOWN = (math.nan, math.nan, False)


def _certainty(summary: pd.DataFrame) -> dict[tuple[str, str, str], tuple[float, float, bool]]:
    """(group, model, measure) -> ends of the interval, and whether the model ties with the best."""
    columns = ["group", "model", "metric", "protocol", "lower", "upper", "verdict"]
    return {
        (str(group), str(model), f"{metric}@{protocol}"): (float(lower), float(upper), verdict == "tied")
        for group, model, metric, protocol, lower, upper, verdict in summary[columns].itertuples(
            index=False, name=None
        )
    }


def _untested(summary: pd.DataFrame, groups: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Groups whose images are too few for any difference to be shown: id, and label with their number."""
    few = summary[summary["verdict"] == "too few images"].drop_duplicates("group").set_index("group")["n"]
    return tuple(
        (group, f"{groups.get(group, group)} ({few[group]})") for group in _ordered(groups, few.index)
    )


_NO_MEAN = (math.nan, "not scored", 0, math.nan)


def _status_marks(
    status: pd.DataFrame,
    model_ids: Sequence[str],
    kernel_ids: Sequence[str],
    notes: _Notes,
    shown: Names,
) -> dict[tuple[str, str, str], str]:
    """(model, kernel, dataset) -> mark of the note that says why it did not run, "" where it did.

    One note for all cells of a model with the same status and reason, in the order of the rows so that the
    letters ascend down the table.
    """
    marks = {
        (str(model), str(kernel), str(dataset)): ""
        for model, kernel, dataset in zip(status["model"], status["kernel"], status["dataset"], strict=True)
    }
    models, groups, kernels = shown.models, shown.groups, shown.kernels
    trouble = status[~status["status"].isin(SCORED)]
    # A dataset that the user has to bring and has not: one note, and no column to put a mark in.
    absent = ~trouble["dataset"].isin(shown.datasets) & (trouble["status"] == "unavailable")
    if shown.datasets:
        sets = trouble[absent].drop_duplicates("dataset")
        for dataset, reason in zip(sets["dataset"], sets["reason"], strict=True):
            notes.add(str(dataset), "unavailable", "all models", str(reason))
        trouble = trouble[~absent]
    for model in model_ids:
        for (state, reason), same in trouble[trouble["model"] == model].groupby(
            ["status", "reason"], sort=False
        ):
            where = ", ".join(groups.get(name, name) for name in _ordered(groups, same["dataset"]))
            if len(kernel_ids) > 1:
                where += "; " + ", ".join(kernels.get(k, k) for k in _ordered(kernels, same["kernel"]))
            mark = notes.add(models.get(model, model), str(state), where, " ".join(str(reason).split()))
            for kernel, dataset in zip(same["kernel"], same["dataset"], strict=True):
                marks[model, str(kernel), str(dataset)] = mark
    return marks


def _row(model: str, label: str, cells: list[Printed]) -> Row:
    """A row in which everything is missing for one reason carries the mark once, beside the label."""
    marks = {cell.mark for cell in cells}
    if len(marks) == 1 and "" not in marks:
        return Row(model, label, tuple(replace(cell, mark="") for cell in cells), marks.pop())
    return Row(model, label, tuple(cells))


def rank(values: Sequence[float], measure: Measure) -> list[int]:
    """1 for the best of ``values``, 2 for the second, 0 for the rest and for NaN.

    Values are compared as printed, so those that look equal share their place; a lone value has no rank.
    """
    printed = [show(value, measure) for value in values]
    present = {float(text) for text in printed if text != MISSING}
    if sum(text != MISSING for text in printed) < 2:
        return [0] * len(values)
    if measure.direction == "closer to 0":
        printed = [text if text == MISSING else str(abs(float(text))) for text in printed]
        present = {abs(value) for value in present}
    best = sorted(present, reverse=measure.direction == "higher")[:2]
    return [0 if text == MISSING or (v := float(text)) not in best else best.index(v) + 1 for text in printed]


def _ordered(known: Iterable[str], present: Iterable[str]) -> list[str]:
    """The names that are present, first those known, in their order, then others as they appear."""
    names = dict.fromkeys(present)
    first = [name for name in known if name in names]
    return first + [name for name in names if name not in first]
