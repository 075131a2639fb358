"""Two models, image by image: differences, Wilcoxon's test, effect size, wins and losses."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sisr.analysis.shown_measures import show
from sisr.analysis.statistics import ALPHA
from sisr.analysis.statistics.samples import Values
from sisr.scoring.metrics.protocol import Measure

#: Differences are rounded to this many decimals, more than any score has: 30.3 - 30.1 and 0.3 - 0.1, not
#: equal in binary, are a tie for the ranks.
_DECIMALS = 9
#: Above these numbers of images scipy's exact distribution, or its permutations where there are ties, give
#: way to the normal approximation.
_EXACT, _PERMUTED = 50, 13


def differences(a: Values, b: Values) -> Values:
    """``a - b``, rounded to where scores end; 0 where both are the same infinity.

    >>> differences(np.array([30.3, np.inf]), np.array([30.1, np.inf])).tolist()
    [0.2, 0.0]
    """
    same = a == b
    return (
        np.where(same, 0.0, np.round(np.subtract(a, b, where=~same, out=np.zeros(a.shape)), _DECIMALS)) + 0.0
    )


def signed_rank_p(d: Values) -> Values:
    """Two-sided p of Wilcoxon's signed-rank test for each column of differences ``d`` (images, columns).

    ``scipy.stats.wilcoxon`` with its defaults, column by column: zeros are dropped; exact up to 50 images
    without ties or zeros, by permutation up to 13 images with them, else normal with the correction for ties
    and continuity.  1 where all differences are 0.

    >>> signed_rank_p(np.array([[0.1], [0.2], [0.3], [0.4], [0.5]])).tolist()
    [0.0625]
    """
    from scipy.stats import wilcoxon

    n = len(d)
    out = np.ones(d.shape[1])
    size = np.abs(d)
    some = (size > 0).any(axis=0)
    ordered = np.sort(size, axis=0)
    plain = some & (ordered[0] > 0) & (ordered[1:] > ordered[:-1]).all(axis=0)
    if n > _EXACT:
        plain = some
    if plain.any():
        out[plain] = wilcoxon(d[:, plain], axis=0).pvalue
    for column in np.flatnonzero(some & ~plain):
        # One by one: scipy chooses its method once for all columns that it is given.
        nonzero = d[d[:, column] != 0, column]
        out[column] = _permuted_p(nonzero) if n <= _PERMUTED else wilcoxon(d[:, column]).pvalue
    return np.minimum(out, 1.0)


def _permuted_p(d: Values) -> float:
    """What scipy's permutation test of nonzero differences gives, over all signs, without going through them.

    The distribution of W+ is built rank by rank, on doubled ranks, which are whole also where they are
    shared.
    """
    from scipy.stats import rankdata

    ranks = np.round(2 * rankdata(np.abs(d))).astype(int)
    ways = np.zeros(ranks.sum() + 1)
    ways[0] = 1
    for rank in ranks:
        ways[rank:] = ways[rank:] + ways[: len(ways) - rank]
    observed = int(ranks[d > 0].sum())
    fewer, more = ways[: observed + 1].sum(), ways[observed:].sum()
    return float(2 * min(fewer, more) / ways.sum())


def rank_biserial(d: Values) -> Values:
    """Matched-pairs rank-biserial correlation of each column of differences, in [-1, 1] (Kerby 2014).

    (W+ - W-) / (W+ + W-), W the sums of the ranks of positive and negative differences, zeros dropped: 1
    where all are positive, 0 where both sides balance or all are 0.

    >>> rank_biserial(np.array([[3.0], [2.0], [-1.0]])).round(3).tolist()
    [0.667]
    """
    from scipy.stats import rankdata

    zeros = (d == 0).sum(axis=0)
    ranks = np.where(d == 0, 0.0, rankdata(np.abs(d), axis=0) - zeros)
    total = ranks.sum(axis=0)
    balance = (ranks * np.sign(d)).sum(axis=0)
    return np.divide(balance, total, where=total > 0, out=np.zeros(d.shape[1])) + 0.0


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """p-values of a family of tests after Holm's (1979) correction, in the order given.

    >>> holm(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    steps = np.arange(len(p), 0, -1)
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * steps), 1.0)
    return corrected


def smallest_p(n: int) -> float:
    """The smallest p that Wilcoxon's two-sided test can give on ``n`` images: all differences of one sign.

    >>> smallest_p(5)
    0.0625
    """
    return min(1.0, 2.0 ** (1 - n))


def images_needed(tests: int, alpha: float = ALPHA) -> int:
    """From how many images on the smallest of ``tests`` Holm-corrected p can be below ``alpha``.

    >>> images_needed(tests=1)
    6
    """
    n = math.floor(1 - math.log2(alpha / tests))
    while tests * smallest_p(n) >= alpha:
        n += 1
    return n


def sense(measure: Measure) -> float:
    """1 where a larger value of :func:`comparable` is better, else -1."""
    return 1.0 if measure.direction == "higher" else -1.0


def comparable(values: Values, measure: Measure) -> Values:
    """The values that are compared: their sizes where closer to 0 is better, else themselves."""
    return np.abs(values) if measure.direction == "closer to 0" else values


def wins(a: Values, b: Values, measure: Measure) -> tuple[int, int, int]:
    """Images on which ``a`` is better, ties, and images on which ``b`` is better; a tie is what prints
    alike."""
    first, second = (comparable(printed(x, measure), measure) for x in (a, b))
    outcome = np.sign(sense(measure) * differences(first, second))
    return int((outcome > 0).sum()), int((outcome == 0).sum()), int((outcome < 0).sum())


def printed(values: Values, measure: Measure) -> Values:
    """Values as the tables print them."""
    return np.array([float(show(float(value), measure)) for value in values.ravel()]).reshape(values.shape)


def pairs(models: Sequence[str]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Places of the first and second model of each pair, each pair once."""
    first, second = np.triu_indices(len(models), k=1)
    return first, second
