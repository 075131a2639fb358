"""All models at once: average ranks over images, Friedman's test, and the critical difference of Nemenyi."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sisr.analysis.statistics import ALPHA
from sisr.analysis.statistics.paired import comparable, sense
from sisr.analysis.statistics.samples import Sample, Values


def image_ranks(sample: Sample) -> Values:
    """Rank of each model on each image, ``(images, models)``: 1 is best, equal values share the mean rank."""
    from scipy.stats import rankdata

    return rankdata(-sense(sample.measure) * comparable(sample.values, sample.measure), axis=1)


def average_ranks(sample: Sample) -> NDArray[np.float64]:
    """Mean over the images of each model's rank."""
    return image_ranks(sample).mean(axis=0)


def friedman(sample: Sample) -> tuple[float, float]:
    """Friedman's chi-square (corrected for ties) and its p; NaN for fewer than three models or no
    difference."""
    from scipy.stats import friedmanchisquare

    if len(sample.models) < 3 or sample.n < 2:
        return math.nan, math.nan
    ranks = image_ranks(sample)
    if (ranks == ranks[:, :1]).all():
        return math.nan, math.nan
    found = friedmanchisquare(*ranks.T)
    return float(found.statistic), float(found.pvalue)


@cache
def critical_difference(models: int, images: int, alpha: float = ALPHA) -> float:
    """Average ranks farther apart than this differ, at a family-wise ``alpha`` over all pairs (Nemenyi 1963).

    q sqrt(k (k + 1) / (6 n)), q the quantile of the studentized range of k models with infinite degrees of
    freedom over sqrt(2) (Demsar 2006).  NaN for one model.

    >>> round(critical_difference(models=5, images=30), 3)  # Demsar 2006, table 5: q = 2.728
    1.114
    """
    from scipy.stats import studentized_range

    if models < 2:
        return math.nan
    q = studentized_range.ppf(1 - alpha, models, math.inf) / math.sqrt(2)
    return float(q * math.sqrt(models * (models + 1) / (6 * images)))


def cliques(ranks: NDArray[np.float64], difference: float) -> list[list[int]]:
    """Largest sets of models, by place, whose average ranks lie within ``difference`` of each other.

    Best first; sets of one model, and sets inside another, are left out.
    """
    order = [int(i) for i in np.argsort(ranks, kind="stable")]
    found: list[list[int]] = []
    last = -1
    for start in range(len(order)):
        stop = max(i for i in range(start, len(order)) if ranks[order[i]] - ranks[order[start]] <= difference)
        if stop > last and stop > start:
            found.append(order[start : stop + 1])
        last = max(last, stop)
    return found
