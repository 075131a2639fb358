from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_samples import LPIPS, PSNR
from scipy import stats
from sisr.analysis.statistics import paired
from statsmodels.stats.multitest import multipletests

#: Scores as they come: a few decimals, so that ties occur, and now and then identical images.
SCORES = st.one_of(st.integers(200, 400).map(lambda i: i / 10), st.just(math.inf))
TWO = st.integers(1, 30).flatmap(lambda n: arrays(float, (n, 2), elements=SCORES))


def test_p_is_scipys(urban100: pd.DataFrame) -> None:
    for n in (5, 9, 14, 50, 51, 100):
        x = urban100.to_numpy()[:n]
        first, second = paired.pairs(urban100.columns)
        d = paired.differences(x[:, first], x[:, second])
        expected = [stats.wilcoxon(x[:, a], x[:, b]).pvalue for a, b in zip(first, second, strict=True)]
        np.testing.assert_allclose(paired.signed_rank_p(d), expected, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(TWO.filter(lambda x: not 9 < len(x) < 14))  # scipy's own permutations of that many take seconds
def test_p_is_scipys_with_ties_zeros_and_infinities(x: np.ndarray) -> None:
    d = paired.differences(x[:, :1], x[:, 1:])
    [p] = paired.signed_rank_p(d)
    expected = stats.wilcoxon(d[:, 0]).pvalue if (d != 0).any() else 1.0
    assert p == pytest.approx(expected, rel=1e-12)
    # Both columns at once, one of which has no ties: each keeps its own method.
    plain = np.arange(1.0, len(d) + 1)[:, None] * (-1.0) ** np.arange(len(d))[:, None]
    together = paired.signed_rank_p(np.hstack([d, plain]))
    assert together[0] == pytest.approx(expected, rel=1e-12)
    assert together[1] == pytest.approx(stats.wilcoxon(plain[:, 0]).pvalue, rel=1e-12)


def test_a_tie_is_a_tie_in_spite_of_binary_fractions() -> None:
    a, b = np.array([[30.3], [0.3], [28.0]]), np.array([[30.1], [0.1], [28.2]])
    assert len({float(size) for size in np.abs(a - b).ravel()}) > 1
    assert np.unique(np.abs(paired.differences(a, b))).size == 1


@pytest.mark.parametrize("n", [6, 14, 40, 100])
def test_p_is_uniform_under_the_null(n: int) -> None:
    """Two models that differ by symmetric noise: p below any level as often as the level says."""
    d = np.random.default_rng(20261125 + n).normal(size=(n, 4000))
    p = paired.signed_rank_p(d)
    if n >= 40:  # with few images p is too coarse for the comparison of whole distributions
        assert stats.kstest(p, "uniform").pvalue > 0.01
    for level in (0.01, 0.05, 0.2, 0.5):
        # What this n can attain at most below the level; an exact test never exceeds it.
        share = (p <= level).mean()
        noise = 3 * math.sqrt(level * (1 - level) / 4000)
        assert share < level + noise
        # p has steps: the share is as large as the largest attainable level below this one.
        attainable = float(p[p <= level].max(initial=0.0))
        assert share > attainable - noise


@settings(max_examples=40, deadline=None)
@given(arrays(float, st.integers(1, 40), elements=st.floats(0, 1)))
def test_holm_is_that_of_statsmodels(p: np.ndarray) -> None:
    corrected = paired.holm(p)
    np.testing.assert_allclose(corrected, multipletests(p, method="holm")[1], rtol=1e-12)
    order = np.argsort(p, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()
    assert (corrected >= p).all() and (corrected <= np.minimum(1, p * len(p) + 1e-15)).all()


def test_rank_biserial_by_hand() -> None:
    # |d| ranks 1 2 3 4; W+ = 1 + 2 + 4 = 7, W- = 3: (7 - 3) / 10
    d = np.array([[0.1], [0.2], [-0.3], [0.4]])
    assert paired.rank_biserial(d)[0] == pytest.approx(0.4)
    # Zeros are dropped; ties share ranks: ranks of |1|, |1|, |2| are 1.5, 1.5, 3.
    assert paired.rank_biserial(np.array([[0.0], [1.0], [-1.0], [2.0]]))[0] == pytest.approx(3 / 6)
    assert paired.rank_biserial(np.array([[1.0], [math.inf]]))[0] == 1
    assert paired.rank_biserial(np.zeros((4, 1)))[0] == 0
    # Two zeros would have 1.5 - 2 = -0.5 each in the sum of ranks.
    assert paired.rank_biserial(np.array([[0.0], [0.0], [1.0], [-2.0]]))[0] == pytest.approx(-1 / 3)


@settings(max_examples=60, deadline=None)
@given(TWO)
def test_exchanging_the_models_turns_all_signs(x: np.ndarray) -> None:
    a, b = x[:, :1], x[:, 1:]
    there, back = paired.differences(a, b), paired.differences(b, a)
    assert np.array_equal(there, -back)
    assert paired.signed_rank_p(there) == pytest.approx(paired.signed_rank_p(back), rel=1e-12)
    assert paired.rank_biserial(there) == pytest.approx(-paired.rank_biserial(back))
    for measure in (PSNR, LPIPS):
        wins, ties, losses = paired.wins(a[:, 0], b[:, 0], measure)
        assert wins + ties + losses == len(x)
        assert paired.wins(b[:, 0], a[:, 0], measure) == (losses, ties, wins)


def test_a_tie_is_what_prints_alike() -> None:
    a, b = np.array([30.001, 30.1, 28.0, math.inf]), np.array([30.004, 30.0, 29.0, math.inf])
    assert paired.wins(a, b, PSNR) == (1, 2, 1)
    assert paired.wins(a, b, LPIPS) == (2, 1, 1)


def test_smallest_p_is_attained_and_not_undercut() -> None:
    for n in range(1, 13):
        p = [
            stats.wilcoxon(np.arange(1.0, n + 1) * signs).pvalue
            for signs in itertools.islice(itertools.product((1, -1), repeat=n), 64)
        ]
        assert min(p) == pytest.approx(paired.smallest_p(n))
    assert paired.smallest_p(5) == 0.0625


@settings(max_examples=40)
@given(st.integers(1, 500))
def test_images_needed_are_the_fewest(tests: int) -> None:
    n = paired.images_needed(tests)
    assert tests * paired.smallest_p(n) < 0.05 <= tests * paired.smallest_p(n - 1)
