"""Bootstrap intervals of means over images.

The resamples are drawn once for a set of images, from a generator that is seeded with the images' names, and
serve all models and measures: the interval of a difference is paired by construction, and no interval
depends on the order of rows or jobs, or on which other models a run has.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sisr.analysis.statistics import ALPHA
from sisr.analysis.statistics.samples import Values
from sisr.base import averages

RESAMPLES = 10_000
#: Decimals of the ends of an interval.
DECIMALS = 9
METHOD = "percentile bootstrap, expanded for small samples, 10000 resamples of the images"


def intervals(
    values: Values, images: Sequence[str], *, resamples: int = RESAMPLES, alpha: float = ALPHA
) -> tuple[Values, Values, Values]:
    """Mean of each column of ``values`` (images, columns), and the ends of its interval.

    The percentile interval (Efron 1979) with the expansion of Hesterberg (2015): tails of
    Phi(-sqrt(n / (n - 1)) t), t the quantile of Student's distribution with n - 1 degrees of freedom, in
    place of ``alpha / 2``.  It makes up for the plain interval's being too narrow by about sqrt((n - 1) / n)
    z / t.

    Means are over the finite values, of the images as of each resample (:mod:`sisr.base.averages`); a column
    of ``inf`` and ``-inf`` alone (differences of models that are perfect in turn) has none, and its numbers
    are NaN.  One image has no interval: both ends are NaN.
    """
    n = len(values)
    means = np.array([averages.mean(column)[0] for column in values.T])
    if n < 2:
        nothing = np.full(values.shape[1], np.nan)
        return means, nothing, nothing.copy()
    resampled = resampled_means(values, resample_counts(tuple(images), resamples))
    rank = math.floor(tail(n, alpha) * resamples)
    # The same rank from both ends, so that the interval of -x is the mirror image of that of x.
    ends = np.partition(resampled.T, (rank, resamples - 1 - rank), axis=1)
    # What files keep of them is what is shown: one that were rounded again from a file could differ.
    lower, upper = (np.round(ends[:, i], DECIMALS) + 0.0 for i in (rank, resamples - 1 - rank))
    undefined = np.isnan(means)
    lower[undefined] = upper[undefined] = np.nan
    return means, lower, upper


def tail(n: int, alpha: float = ALPHA) -> float:
    """Share of the resampled means beyond each end of the interval, for ``n`` images."""
    from scipy.special import ndtr, stdtrit

    return float(ndtr(math.sqrt(n / (n - 1)) * stdtrit(n - 1, alpha / 2)))


@lru_cache(maxsize=8)
def resample_counts(images: tuple[str, ...], resamples: int = RESAMPLES) -> NDArray[np.float64]:
    """How often each resample draws each image, ``(resamples, images)``; the same for the same names."""
    n = len(images)
    seed = hashlib.sha256("\n".join(images).encode()).digest()
    draws = np.random.default_rng(int.from_bytes(seed[:16], "big")).integers(n, size=(resamples, n))
    draws += np.arange(0, resamples * n, n)[:, None]
    counts = np.bincount(draws.ravel(), minlength=resamples * n).reshape(resamples, n).astype(np.float64)
    counts.flags.writeable = False
    return counts


def resampled_means(values: Values, counts: NDArray[np.float64]) -> Values:
    """Mean of each column of ``values`` (images, columns) in each resample, ``(resamples, columns)``."""
    finite = np.isfinite(values)
    if finite.all():
        return counts @ values / len(values)
    sums, drawn = counts @ np.where(finite, values, 0.0), counts @ finite.astype(np.float64)
    # Without a finite value: the infinite one that was drawn, NaN if both signs were.
    above, below = counts @ (values == np.inf) > 0, counts @ (values == -np.inf) > 0
    rest = np.where(above & below, np.nan, np.where(above, np.inf, -np.inf))
    return np.where(drawn > 0, sums / np.maximum(drawn, 1), rest)
