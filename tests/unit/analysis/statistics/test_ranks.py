from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from made_samples import LPIPS, MakeSample
from scipy import stats
from sisr.analysis.statistics import power, ranks
from statsmodels.stats.power import TTestPower


def test_critical_difference_is_demsars() -> None:
    # Demsar (2006), table 5(a), q at 0.05 for 2 to 10 models
    table = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]
    for models, q in enumerate(table, start=2):
        expected = q * math.sqrt(models * (models + 1) / (6 * 14))
        assert ranks.critical_difference(models, 14) == pytest.approx(expected, rel=5e-4)
    # His example: 4 classifiers, 14 data sets, CD = 2.569 sqrt(4 * 5 / (6 * 14)) = 1.25
    assert round(ranks.critical_difference(4, 14), 2) == 1.25
    assert math.isnan(ranks.critical_difference(1, 14))


def test_average_ranks_and_friedman(urban100: pd.DataFrame, make_sample: MakeSample) -> None:
    x = urban100.to_numpy()
    sample = make_sample(x)
    expected = stats.rankdata(-x, axis=1).mean(axis=0)
    np.testing.assert_allclose(ranks.average_ranks(sample), expected)
    found = stats.friedmanchisquare(*x.T)
    assert ranks.friedman(sample) == pytest.approx((found.statistic, found.pvalue))
    of_two = stats.friedmanchisquare(*x[:2].T)
    assert ranks.friedman(make_sample(x[:2])) == pytest.approx((of_two.statistic, of_two.pvalue))
    lower_is_better = make_sample(x, LPIPS)
    np.testing.assert_allclose(ranks.average_ranks(lower_is_better), x.shape[1] + 1 - expected)


def test_ranks_of_ties_and_infinities(make_sample: MakeSample) -> None:
    sample = make_sample([[math.inf, 30, math.inf], [31, 31, 30], [29, 30, 31]])
    assert ranks.image_ranks(sample).tolist() == [[1.5, 3, 1.5], [1.5, 1.5, 3], [3, 2, 1]]
    assert np.isfinite(ranks.friedman(sample)).all()


def test_friedman_of_nothing_to_rank(make_sample: MakeSample) -> None:
    for values in ([[1.0, 2.0], [2.0, 1.0]], [[1.0, 2.0, 3.0]], [[1.0, 1.0, 1.0]] * 4):
        assert np.isnan(ranks.friedman(make_sample(values))).all()


def test_cliques() -> None:
    # Places 0..4 with ranks 4, 1, 1.5, 2.4, 5: sets within 1 of each other.
    values = np.array([4.0, 1.0, 1.5, 2.4, 5.0])
    assert ranks.cliques(values, 1.0) == [[1, 2], [2, 3], [0, 4]]
    assert ranks.cliques(values, 0.3) == []
    assert ranks.cliques(values, 9.0) == [[1, 2, 3, 0, 4]]
    # Equal ranks keep their order, however many.
    assert ranks.cliques(np.full(400, 200.5), 0.0) == [list(range(400))]


@pytest.mark.parametrize("n", [3, 5, 14, 100])
def test_detectable_effect_is_that_of_statsmodels(n: int) -> None:
    expected = TTestPower().solve_power(nobs=n, alpha=0.05, power=0.8)
    # Put back into statsmodels' own power, ours is nearer 0.8 than what its solver stops at.
    assert power.detectable_effect(n) == pytest.approx(expected, rel=1e-5)
    assert TTestPower().power(power.detectable_effect(n), n, 0.05) == pytest.approx(0.8, abs=1e-5)


def test_detectable_difference_is_found_four_times_in_five() -> None:
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(14, 6000))
    shift = power.detectable_effect(14)
    found = stats.ttest_1samp(noise + shift, 0).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.02)


def test_detectable_difference_of_infinite_or_single_differences() -> None:
    d = np.array([[0.1, math.inf], [0.3, 0.2], [0.2, 0.1]])
    with np.errstate(all="raise"):  # without NumPy's warnings on the console
        found = power.detectable_difference(d)
    assert found[0] == pytest.approx(power.detectable_effect(3) * 0.1) and math.isnan(found[1])
    assert np.isnan(power.detectable_difference(d[:1])).all()


@pytest.mark.parametrize("n", [2, 5])
def test_detectable_differences_have_the_power_that_was_asked_for(n: int) -> None:
    # One model differs from another three times as much as from a third: each pair has its own spread.
    d = np.linspace(-1, 1, n)[:, None] * [1.0, 3.0]
    found = power.detectable_difference(d, alpha=0.1, power=0.6)
    assert found[1] == pytest.approx(3 * found[0])
    effects = found / np.array([stats.tstd(column) for column in d.T])
    for effect in effects:
        assert TTestPower().power(effect, n, 0.1) == pytest.approx(0.6, abs=1e-5)
