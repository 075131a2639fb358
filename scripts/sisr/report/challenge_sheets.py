"""A run's models ranked by the rules of challenges on efficient super-resolution: tables of the cost page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sisr.analysis.cost.challenges import Challenge, RunFigures, Track, challenges, of_run, places, scores
from sisr.analysis.cost.counts import NTIRE_INPUT
from sisr.analysis.shown_measures import MISSING, signed
from sisr.base import registry
from sisr.base.rounding import fixed
from sisr.report.cost_table import CostLine, Sheet, marked
from sisr.report.shown_run import ShownRun, first_kernel, image_counts, summary_of

if TYPE_CHECKING:
    import pandas as pd

#: What decides about the floor, where a run has it: set, kernel and measure nearest to a challenge's.
_SET, _KERNEL, _MEASURE = "div2k-valid", "matlab-bicubic", "psnr@rgb"


@dataclass(frozen=True)
class Quality:
    """Model -> mean PSNR in dB, empty where a run has none; ``where`` says on what."""

    means: Mapping[str, float]
    where: str


def quality_of(run: ShownRun, frame: pd.DataFrame, scale: int) -> Quality:
    """PSNR by which a challenge's floor is judged in a run.

    On DIV2K's validation images where the run has them, else on its set with the most images; of MATLAB's
    bicubic, else the first kernel of the scale; on RGB, else the run's first PSNR.
    """
    shown = run.names
    measures = [measure for measure in shown.measures if measure.metric == "psnr"]
    measure = next((m for m in measures if m.id == _MEASURE), next(iter(measures), None))
    if measure is None:
        return Quality({}, "")
    counts = image_counts(run.hr_manifests)
    dataset = _SET if _SET in counts else max(counts, key=lambda name: counts[name])
    kernel = _KERNEL if _KERNEL in shown.kernels else first_kernel(frame, scale, shown)
    summary = summary_of(frame, run)
    here = summary[
        (summary["group"] == dataset)
        & (summary["kernel"] == kernel)
        & (summary["scale"] == scale)
        & (summary["metric"] == measure.metric)
        & (summary["protocol"] == measure.protocol)
    ]
    means = {m: float(v) for m, v in zip(here["model"], here["mean"], strict=True) if not math.isnan(v)}
    where = f"{measure.label} on {shown.datasets[dataset]}, LR by {shown.kernels[kernel]}"
    return Quality(means, where)


def sheets(
    rows: Sequence[Mapping[str, str]],
    scale: int,
    models: Mapping[str, str],
    quality: Quality,
    notes: dict[str, str],
) -> list[Sheet]:
    """The counts under NTIRE's protocol, and a table for each challenge of the scale.

    ``rows`` are those of ``cost.csv``; ``models`` maps ids to labels; ``notes`` are those of the page,
    reason -> letter, and get more.  Interpolation, which is no network, is in none of them.
    """
    here = [
        row
        for row in rows
        if int(row["scale"]) == scale and row["model"] in models and row["parameters"] != "0"
    ]
    if not any(row["ntire_multiply_adds"] for row in here):
        return []
    found = (challenge for challenge in challenges() if challenge.scale == scale)
    return [_counts(here, models), *(_sheet(one, here, models, quality, notes) for one in found)]


#: The counts, as the challenges print them: heading, unit, column of ``cost.csv``, divisor, digits.
_COUNTS = (
    ("Parameters", "M", "parameters", 1e6, 3),
    ("FLOPs", "G", "ntire_multiply_adds", 1e9, 2),
    ("Activations", "M", "ntire_activations", 1e6, 2),
)


def _counts(rows: Sequence[Mapping[str, str]], models: Mapping[str, str]) -> Sheet:
    by_model = {row["model"]: row for row in rows}
    lines = []
    for name in (name for name in models if name in by_model):
        values = [float(by_model[name][column] or "nan") / unit for _, _, column, unit, _ in _COUNTS]
        cells = (
            MISSING if math.isnan(value) else fixed(value, digits, commas=True)
            for value, (*_, digits) in zip(values, _COUNTS, strict=True)
        )
        lines.append(CostLine(models[name], tuple(cells), tuple(values)))
    text = (
        f"LR image of {NTIRE_INPUT}×{NTIRE_INPUT} and fvcore's rules: one FLOP is one multiply-add, and "
        "normalisation, interpolation and adaptive pooling count, too. Without models that have no network."
    )
    headings = tuple((title, unit) for title, unit, *_ in _COUNTS)
    return Sheet("Counts as NTIRE's", (text,), headings, tuple(lines))


def _sheet(
    challenge: Challenge,
    rows: Sequence[Mapping[str, str]],
    models: Mapping[str, str],
    quality: Quality,
    notes: dict[str, str],
) -> Sheet:
    figures = of_run(rows, challenge)
    order = [name for name in models if name in figures]
    floor = quality.means.get(challenge.reference, math.nan) - challenge.margin
    above = {name: quality.means.get(name, math.nan) - floor for name in order}
    # Without a floor none is excluded, and the page says so.
    ranked = [name for name in order if math.isnan(floor) or round(above[name], 2) >= 0]
    columns = [_column(track, challenge, figures, ranked) for track in challenge.tracks]
    first = next((column for column in columns if any(cell.place for cell in column.values())), columns[0])
    lines = []
    for name in sorted(order, key=lambda name: first[name].place or math.inf):
        cells = [column[name] for column in columns]
        reasons = (figures[name].reason, _outside(above[name], floor, quality))
        mark = marked("; ".join(filter(None, reasons)), notes)
        texts = (signed(above[name], 2), *(cell.text for cell in cells))
        lines.append(CostLine(models[name], texts, (above[name], *(cell.score for cell in cells)), mark))
    headings = (
        ("PSNR above floor", "dB"),
        *((track.label, _UNITS[track.rule]) for track in challenge.tracks),
    )
    return Sheet(challenge.label, tuple(_text(challenge, floor, quality)), headings, tuple(lines))


_UNITS = {"exponential": "score", "rank-sum": "sum of places"}
_FIGURES = {"runtime": "runtime", "flops": "FLOPs", "parameters": "parameters"}


@dataclass(frozen=True)
class _Cell:
    """Score, NaN where there is none, and place, 0 for a model that is not ranked."""

    score: float
    place: int
    track: Track

    @property
    def text(self) -> str:
        if math.isnan(self.score):
            return MISSING
        digits = 2 if self.track.rule == "exponential" else 0
        score = fixed(self.score, digits, commas=True) if self.score < 1e6 else f"{self.score:.1e}"
        return f"{score} ({self.place})" if self.place else score


def _column(
    track: Track, challenge: Challenge, figures: Mapping[str, RunFigures], ranked: Sequence[str]
) -> dict[str, _Cell]:
    """Cells of all models.  One that is not ranked has no place; its exponential score is shown."""
    found = scores(track, [figures[name].values for name in ranked], challenge.figures)
    column = {
        name: _Cell(score, place, track)
        for name, score, place in zip(ranked, found, places(found), strict=True)
    }
    for name in figures.keys() - column.keys():
        [alone] = scores(track, [figures[name].values], challenge.figures)
        column[name] = _Cell(alone if track.rule == "exponential" else math.nan, 0, track)
    return column


def _outside(above: float, floor: float, quality: Quality) -> str:
    if math.isnan(floor) or round(above, 2) >= 0:
        return ""
    return f"not ranked: no {quality.where}" if math.isnan(above) else "not ranked: below the floor"


def _text(challenge: Challenge, floor: float, quality: Quality) -> Iterable[str]:
    reference = registry.entry("models", challenge.reference)["label"]
    main = challenge.tracks[0]
    yield f"{challenge.title}. There: {challenge.timed_on}; {challenge.counts}."
    if main.rule == "exponential":
        parts = (
            f"{weight:g} exp(2 {_FIGURES[name]} / {reference}'s)" for name, weight in main.weights.items()
        )
        yield (
            f"{main.label}: {' + '.join(parts)}, the lower the better; places in brackets. Runtime is "
            f"relative to {reference}'s in this run, the counts are relative to those that the year printed."
        )
    else:
        yield "A track adds a model's places by each of its figures, the lower the better; place in brackets."
    asked = (
        f"The challenge's floor was {challenge.floor:.2f} dB on {challenge.floor_set}, "
        f"{challenge.margin:.2f} dB below {reference}."
    )
    if not math.isnan(floor):
        yield f"{asked} Here it is as far below {reference}: {floor:.2f} dB, {quality.where}."
    elif quality.means:
        yield f"{asked} Here is none, since {reference} has no {quality.where}: every model is ranked."
    else:
        yield f"{asked} Here is none, since this run has no PSNR: every model is ranked."
