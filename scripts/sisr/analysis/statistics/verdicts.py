"""Statistics of a run as tables: pairs of models, ranks, and intervals beside the means."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sisr.analysis.statistics import ALPHA, bootstrap, paired, power, ranks
from sisr.analysis.statistics.samples import Sample, Values
from sisr.base import averages
from sisr.base.rounding import fixed

COMPARISON_COLUMNS = (
    "group", "kernel", "scale", "metric", "protocol", "model_a", "model_b", "n", "difference", "lower",
    "upper", "p", "p_holm", "effect_size", "wins", "ties", "losses", "detectable", "verdict",
)  # fmt: skip
RANK_COLUMNS = (
    "group", "kernel", "scale", "metric", "protocol", "model", "n", "models", "mean", "lower", "upper",
    "mean_rank", "critical_difference", "friedman_chi2", "friedman_p", "verdict",
)  # fmt: skip

#: Verdicts on a pair, and on a model against the best.
UNTESTABLE = "too few images"
UNDECIDED = "not distinguishable"
CONTRARY = "mean and ranks disagree"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Everything about the pairs of models of one sample; the arrays have one value a pair.

    ``difference`` is a - b in the measure's unit, of sizes where closer to 0 is better, with its interval.
    ``effect`` is positive where a is the better model; so is ``wins`` the number of images on which a is
    better.
    """

    sample: Sample
    first: NDArray[np.intp]
    second: NDArray[np.intp]
    difference: Values
    lower: Values
    upper: Values
    p: Values
    p_holm: Values
    effect: Values
    wins: NDArray[np.int64]
    ties: NDArray[np.int64]
    losses: NDArray[np.int64]
    detectable: Values

    @property
    def tests(self) -> int:
        """Number of pairs: the family that Holm's correction is for."""
        return len(self.p)

    @property
    def testable(self) -> bool:
        """Whether this many images could show any of these pairs to differ."""
        return self.tests == 0 or self.tests * paired.smallest_p(self.sample.n) < ALPHA

    def verdict(self, pair: int) -> str:
        """Id of the better model of a pair, or that there is none, or that it cannot be known.

        The test is of ranks: where a few images with large differences turn the mean against it, neither is
        better.
        """
        if not self.testable:
            return UNTESTABLE
        if self.p_holm[pair] >= ALPHA:
            return UNDECIDED
        effect = self.effect[pair]
        sign = paired.sense(self.sample.measure)
        if effect * sign * np.sign(self.difference[pair]) < 0:
            return CONTRARY
        return self.sample.models[(self.first if effect > 0 else self.second)[pair]]

    def pair(self, a: int, b: int) -> tuple[int, int]:
        """Where the pair of models ``a`` and ``b`` (places) is, and 1, or -1 if it is there as b, a."""
        low, high = min(a, b), max(a, b)
        k = len(self.sample.models)
        # Row `low` of the upper triangle starts after those above it.
        return low * k - low * (low + 1) // 2 + high - low - 1, 1 if a < b else -1


def compare(sample: Sample) -> Comparison:
    """All pairs of models of a sample; Holm's correction is over these pairs."""
    measure = sample.measure
    values = paired.comparable(sample.values, measure)
    first, second = paired.pairs(sample.models)
    d = paired.differences(values[:, first], values[:, second])
    sign = paired.sense(measure)
    p = paired.signed_rank_p(d)
    means, lower, upper = bootstrap.intervals(d, sample.images)
    shown = paired.comparable(paired.printed(sample.values, measure), measure)
    outcome = np.sign(sign * paired.differences(shown[:, first], shown[:, second]))
    return Comparison(
        sample,
        first,
        second,
        means,
        lower,
        upper,
        p,
        paired.holm(p),
        paired.rank_biserial(sign * d),
        (outcome > 0).sum(axis=0),
        (outcome == 0).sum(axis=0),
        (outcome < 0).sum(axis=0),
        power.detectable_difference(d),
    )


@dataclass(frozen=True, eq=False)
class Standing:
    """One sample as a whole: means with intervals, ranks, and each model against the best.

    ``identical`` are the infinite values that a mean leaves out.  ``order`` are the places of the models,
    best mean first.  Where the images are too few for the pairs, nothing else judges the models either: the
    critical difference and Friedman's test are NaN.  ``verdicts`` are by place: ``best``, ``tied``
    (not shown to be worse than the best), ``worse``, or :data:`UNTESTABLE`.
    """

    comparison: Comparison
    means: Values
    identical: tuple[int, ...]
    lower: Values
    upper: Values
    order: tuple[int, ...]
    mean_ranks: Values
    critical_difference: float
    friedman: tuple[float, float]
    verdicts: tuple[str, ...]

    @property
    def sample(self) -> Sample:
        return self.comparison.sample

    @property
    def detectable(self) -> float:
        """Median over the pairs of models of the smallest detectable difference; NaN if there is none."""
        known = self.comparison.detectable[np.isfinite(self.comparison.detectable)]
        return float(np.median(known)) if len(known) else math.nan


def stand(sample: Sample) -> Standing:
    """Statistics of one sample.

    A model is *tied* with the best if it is not shown to be worse: the Holm-corrected p of Wilcoxon's test
    between the two is not below ``ALPHA``, or it is but the ranks favour the model.  The best is the model
    with the best mean (:func:`sisr.base.averages.worths`), of equal ones the first.
    """
    comparison = compare(sample)
    testable = comparison.testable
    means, lower, upper = bootstrap.intervals(sample.values, sample.images)
    worths = np.array(averages.worths(sample.values.T.tolist(), sample.measure.unit))
    worth = paired.sense(sample.measure) * paired.comparable(worths, sample.measure)
    order = tuple(int(i) for i in np.argsort(-worth, kind="stable"))
    best = order[0]
    verdicts = []
    for place in range(len(sample.models)):
        if place == best:
            verdicts.append("best")
        elif not testable:
            verdicts.append(UNTESTABLE)
        else:
            better = comparison.verdict(comparison.pair(place, best)[0])
            verdicts.append("worse" if better == sample.models[best] else "tied")
    return Standing(
        comparison,
        means,
        tuple(int(n) for n in np.isinf(sample.values).sum(axis=0)),
        lower,
        upper,
        order,
        ranks.average_ranks(sample),
        ranks.critical_difference(len(sample.models), sample.n) if testable else math.nan,
        ranks.friedman(sample) if testable else (math.nan, math.nan),
        tuple(verdicts),
    )


# --- tables ---------------------------------------------------------------------------------------------


def comparison_table(standings: Iterable[Standing]) -> pd.DataFrame:
    """One row a pair of models, in the order of the models, with the columns ``COMPARISON_COLUMNS``."""
    rows: list[tuple[object, ...]] = []
    for standing in standings:
        c, s = standing.comparison, standing.sample
        for i, (a, b) in enumerate(zip(c.first, c.second, strict=True)):
            rows.append(
                (
                    *_where(s),
                    s.models[a],
                    s.models[b],
                    s.n,
                    *map(_number, (c.difference[i], c.lower[i], c.upper[i])),
                    *map(_significant, (c.p[i], c.p_holm[i]) if c.testable else (math.nan, math.nan)),
                    _number(c.effect[i]),
                    c.wins[i],
                    c.ties[i],
                    c.losses[i],
                    _number(c.detectable[i]),
                    c.verdict(i),
                )
            )
    return pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))


def rank_table(standings: Iterable[Standing]) -> pd.DataFrame:
    """One row a model, best mean first, with the columns ``RANK_COLUMNS``."""
    rows: list[tuple[object, ...]] = []
    for standing in standings:
        s = standing.sample
        for i in standing.order:
            rows.append(
                (
                    *_where(s),
                    s.models[i],
                    s.n,
                    len(s.models),
                    *map(_number, (standing.means[i], standing.lower[i], standing.upper[i])),
                    _number(standing.mean_ranks[i]),
                    _number(standing.critical_difference),
                    *map(_significant, standing.friedman),
                    standing.verdicts[i],
                )
            )
    return pd.DataFrame(rows, columns=list(RANK_COLUMNS))


def _where(sample: Sample) -> tuple[object, ...]:
    measure = sample.measure
    return (sample.group, sample.kernel, sample.scale, measure.metric, measure.protocol)


def _number(value: float) -> str:
    """Nine decimals, so that who rounds them prints what the tables print; nothing for NaN.

    Last bits do not reach the file.
    """
    return "" if math.isnan(value) else fixed(value, bootstrap.DECIMALS)


def _significant(value: float) -> str:
    """Six significant digits, for p-values; nothing for NaN."""
    return "" if math.isnan(value) else f"{value:.6g}"


def with_certainty(summary: pd.DataFrame, standings: Iterable[Standing]) -> pd.DataFrame:
    """``summary`` (:func:`sisr.analysis.summaries.summarise`) with the columns ``lower``, ``upper`` and
    ``verdict``.

    NaN and an empty verdict where the summary has no mean.
    """
    found = {}
    for standing in standings:
        s = standing.sample
        for i, model in enumerate(s.models):
            key = (s.group, s.kernel, s.scale, model, s.measure.metric, s.measure.protocol)
            found[key] = (standing.lower[i], standing.upper[i], standing.verdicts[i])
    nothing = (math.nan, math.nan, "")
    keys = summary[["group", "kernel", "scale", "model", "metric", "protocol"]]
    added = [found.get(key, nothing) for key in keys.itertuples(index=False, name=None)]
    return summary.assign(
        lower=np.array([a[0] for a in added], dtype=float),
        upper=np.array([a[1] for a in added], dtype=float),
        verdict=[a[2] for a in added],
    )
