"""What a dataset can show: the smallest mean difference that a paired test on its images would find."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

from sisr.analysis.statistics import ALPHA
from sisr.analysis.statistics.samples import Values

POWER = 0.8


@cache
def detectable_effect(n: int, alpha: float = ALPHA, power: float = POWER) -> float:
    """Smallest mean difference, in standard deviations of the differences, found with probability ``power``.

    Of the two-sided paired t-test at level ``alpha`` on ``n`` images, from the noncentral t distribution
    (Cohen 1988, chapter 2).  NaN for fewer than two images.
    """
    from scipy.optimize import brentq
    from scipy.special import nctdtr, stdtrit

    if n < 2:
        return math.nan
    t = stdtrit(n - 1, 1 - alpha / 2)

    def missing(effect: float) -> float:
        shift = effect * math.sqrt(n)
        # Far out the wrong side's tail underflows to NaN.
        return 1 - nctdtr(n - 1, shift, t) + np.nan_to_num(nctdtr(n - 1, shift, -t)) - power

    return float(brentq(missing, 1e-6, (3 * t + 10) / math.sqrt(n), xtol=1e-10))


def detectable_difference(d: Values, alpha: float = ALPHA, power: float = POWER) -> NDArray[np.float64]:
    """Smallest detectable mean difference for each column of differences ``d``, in their unit.

    NaN where a difference is infinite, since there is no standard deviation then.
    """
    if len(d) < 2:
        return np.full(d.shape[1], np.nan)
    finite = np.isfinite(d).all(axis=0)
    spread = np.full(d.shape[1], np.nan)
    spread[finite] = d[:, finite].std(axis=0, ddof=1)
    return detectable_effect(len(d), alpha, power) * spread
