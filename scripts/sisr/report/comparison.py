"""From a run's tidy tables to the comparison of its models: pairs and ranks as CSV, a page, and a diagram.

The numbers are those of :mod:`sisr.analysis.statistics`; this module lays them out.  The page shows of each
model what a reader asks first: how far behind the best, and behind the model just above it.  All pairs are
in the CSV.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sisr.analysis import summaries
from sisr.analysis.shown_measures import heading, show, show_gap, show_mean, show_p, signed
from sisr.analysis.statistics import bootstrap
from sisr.analysis.statistics.paired import images_needed
from sisr.analysis.statistics.verdicts import (
    CONTRARY,
    UNDECIDED,
    Comparison,
    Standing,
    comparison_table,
    rank_table,
)
from sisr.base.atomic import write_text
from sisr.base.csv_files import write_frame
from sisr.base.rounding import fixed
from sisr.report.pages import environment
from sisr.report.shown_run import Names, ShownRun, image_counts, standings
from sisr.scoring.metrics.protocol import Measure


def make_comparison(
    run: ShownRun,
    status: Path,
    scale: int,
    *,
    pairs: Path,
    ranks: Path,
    page: Path,
    diagram: Path,
) -> None:
    """Write the pairs and the ranks of one scale (CSV), the page (HTML) and the diagram (SVG).

    Raises :class:`sisr.base.errors.ScoreError`, naming the cell, for a value that is not a number and for a
    finished cell without scores.
    """
    from sisr.analysis.statistics.samples import check_cells
    from sisr.report.figures.critical_difference import critical_difference

    frame, shown = summaries.read_scores(run.scores), run.names
    check_cells(frame, summaries.read_status(status), shown.measures)
    found = standings(frame, image_counts(run.hr_manifests), scale, shown)
    write_frame(pairs, comparison_table(found))
    write_frame(ranks, rank_table(found))
    write_text(page, to_html(found, scale, shown))
    critical_difference(found, shown, scale, diagram)


# --- the page -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Against:
    """One model against another, as text; ``verdict`` says in words which is better, if either."""

    other: str
    difference: str
    interval: str
    p: str
    effect: str
    images: str
    verdict: str


@dataclass(frozen=True)
class Line:
    """One model of a ladder; ``best`` and ``above`` are None for the best itself."""

    label: str
    mean: str
    interval: str
    rank: str
    best: Against | None
    above: Against | None


@dataclass(frozen=True)
class Ladder:
    """The models of one kernel, dataset or pool, and measure, best mean first."""

    kernel: str
    group: str
    measure: Measure
    images: int
    lines: tuple[Line, ...]
    facts: tuple[str, ...]


def to_html(found: Sequence[Standing], scale: int, shown: Names) -> str:
    """One self-contained page: choosers for kernel, dataset and measure, and a ladder for each choice."""
    ladders = [ladder(standing, shown) for standing in found]
    axes = {
        "LR kernel": list(dict.fromkeys(part.kernel for part in ladders)),
        "Images": list(dict.fromkeys(part.group for part in ladders)),
        "Measure": list(dict.fromkeys(heading(part.measure) for part in ladders)),
    }
    template = environment().get_template("comparison.html.j2")
    return template.render(scale=scale, ladders=ladders, axes=axes, method=bootstrap.METHOD)


def ladder(standing: Standing, shown: Names) -> Ladder:
    """The lines of one sample, and what its number of images can show."""
    sample, measure = standing.sample, standing.sample.measure
    labels = [shown.models.get(model, model) for model in sample.models]
    lines = []
    best = standing.order[0]
    for place, i in enumerate(standing.order):
        above = standing.order[place - 1] if place else None
        lines.append(
            Line(
                labels[i],
                show_mean(float(standing.means[i]), standing.identical[i], measure),
                _interval(standing.lower[i], standing.upper[i], measure),
                fixed(float(standing.mean_ranks[i]), 2),
                None if i == best else against(standing.comparison, i, best, labels),
                None if above is None else against(standing.comparison, i, above, labels),
            )
        )
    kernel, group = (
        shown.kernels.get(sample.kernel, sample.kernel),
        shown.groups.get(sample.group, sample.group),
    )
    return Ladder(kernel, group, measure, sample.n, tuple(lines), tuple(facts(standing, labels)))


def against(comparison: Comparison, a: int, b: int, labels: Sequence[str]) -> Against:
    """Model ``a`` against model ``b`` (places); the difference is a - b."""
    pair, sign = comparison.pair(a, b)
    measure = comparison.sample.measure
    wins, ties, losses = comparison.wins[pair], comparison.ties[pair], comparison.losses[pair]
    low, high = sign * comparison.lower[pair], sign * comparison.upper[pair]
    verdict = comparison.verdict(pair)
    names = comparison.sample.models
    words = {
        names[a]: "▲ better",
        names[b]: "▼ worse",
        UNDECIDED: "≈ " + UNDECIDED,
        CONTRARY: "≷ " + CONTRARY,
    }
    return Against(
        labels[b],
        show_gap(sign * comparison.difference[pair], measure),
        ""
        if math.isnan(low)
        else f"{show_gap(min(low, high), measure)} to {show_gap(max(low, high), measure)}",
        f"p {show_p(comparison.p_holm[pair])}" if comparison.testable else "",
        signed(sign * comparison.effect[pair]),
        f"{wins} / {ties} / {losses}" if sign > 0 else f"{losses} / {ties} / {wins}",
        words.get(verdict, verdict),
    )


def facts(standing: Standing, labels: Sequence[str]) -> list[str]:
    """Sentences about a sample as a whole."""
    sample, comparison = standing.sample, standing.comparison
    measure = sample.measure
    out = []
    if comparison.testable and comparison.tests:
        tied = [labels[i] for i in standing.order if standing.verdicts[i] == "tied"]
        best = labels[standing.order[0]]
        out.append(f"Not shown to be worse than {best}: {', '.join(tied) or 'none'}.")
    elif comparison.tests:
        out.append(
            f"Too few images for the signed-rank test of {_count(comparison.tests, 'pair')} of models: from "
            f"{images_needed(comparison.tests)} images on it can show a difference. Nothing below is "
            "called better, worse or tied."
        )
    if not math.isnan(standing.detectable):
        unit = f" {measure.unit}" if measure.unit else ""
        out.append(
            f"Smallest difference that {_count(sample.n, 'image')} would detect (paired t-test of one pair "
            f"at 0.05, power 0.8; median over the pairs): {_digits(standing.detectable, measure)}{unit}."
        )
    chi2, p = standing.friedman
    if not math.isnan(chi2):
        out.append(
            f"Friedman's test of all {len(labels)} models: χ² = {fixed(chi2, 1)}, p {show_p(p)}; "
            f"critical difference of mean ranks {fixed(standing.critical_difference, 2)}."
        )
    return out


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _interval(low: float, high: float, measure: Measure) -> str:
    return "" if math.isnan(low) else f"{show(float(low), measure)} to {show(float(high), measure)}"


def _digits(value: float, measure: Measure) -> str:
    """A small positive number with the measure's digits, and one more where those would show one or none."""
    text = show(float(value), measure)
    return text if value >= 10 ** (1 - measure.digits) else fixed(float(value), measure.digits + 1)
