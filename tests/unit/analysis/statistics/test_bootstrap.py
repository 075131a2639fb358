from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sisr.analysis.statistics import bootstrap

NAMES = tuple(f"{i:03d}" for i in range(100))


def test_without_the_expansion_it_is_scipys_percentile_interval(
    urban100: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "tail", lambda n, alpha: alpha / 2)
    x = urban100["bicubic"].to_numpy()
    _, [low], [high] = bootstrap.intervals(x[:, None], NAMES, resamples=40_000)
    scipys = stats.bootstrap((x,), np.mean, method="percentile", n_resamples=40_000, rng=0)
    # Both draw at random: the ends scatter by about 1 % of the width.
    width = high - low
    assert low == pytest.approx(scipys.confidence_interval.low, abs=0.03 * width)
    assert high == pytest.approx(scipys.confidence_interval.high, abs=0.03 * width)
    spread = bootstrap.resampled_means(x[:, None], bootstrap.resample_counts(NAMES)).std(ddof=1)
    assert spread == pytest.approx(scipys.standard_error, rel=0.03)
    assert spread == pytest.approx(x.std() / math.sqrt(100), rel=0.03)  # the closed form


def test_tails_are_hesterbergs() -> None:
    # Phi(-sqrt(n / (n - 1)) t), Hesterberg, What teachers should know about the bootstrap (2015), written out
    for n in (5, 10, 20, 100):
        expected = stats.norm.cdf(-math.sqrt(n / (n - 1)) * stats.t.ppf(0.975, n - 1))
        assert bootstrap.tail(n) == pytest.approx(expected, rel=1e-9)
    found = {n: round(bootstrap.tail(n), 4) for n in (5, 10, 20, 100)}
    assert found == {5: 0.0010, 10: 0.0086, 20: 0.0159, 100: 0.0231}


def test_interval_depends_on_the_images_alone(urban100: pd.DataFrame) -> None:
    x = urban100.to_numpy()
    together = bootstrap.intervals(x, NAMES)
    for column in range(x.shape[1]):
        alone = bootstrap.intervals(x[:, [column]], NAMES)
        for a, b in zip(together, alone, strict=True):
            assert a[column] == pytest.approx(b[0], abs=1e-12)
    again = bootstrap.resample_counts.__wrapped__(NAMES)
    assert np.array_equal(again, bootstrap.resample_counts(NAMES))
    other = bootstrap.resample_counts(tuple(f"x{name}" for name in NAMES))
    assert not np.array_equal(again, other)
    assert (again.sum(axis=1) == 100).all()


def test_interval_of_a_difference_is_antisymmetric(urban100: pd.DataFrame) -> None:
    d = (urban100["bicubic"] - urban100["lanczos"]).to_numpy()[:, None]
    mean, low, high = bootstrap.intervals(d, NAMES)
    back = bootstrap.intervals(-d, NAMES)
    assert (back[0], back[1], back[2]) == (-mean, -high, -low)


@pytest.mark.parametrize(
    ("n", "least", "most"),
    # docs/statistics.md has the coverage by 10000 repetitions; here 2000, so +-1.3 points are noise.
    [(5, 0.90, 0.95), (14, 0.93, 0.965), (100, 0.93, 0.965)],
)
def test_coverage_for_normal_values(n: int, least: float, most: float) -> None:
    x = np.random.default_rng(n).normal(size=(n, 2000))
    _, low, high = bootstrap.intervals(x, NAMES[:n], resamples=4000)
    assert least < ((low <= 0) & (high >= 0)).mean() < most


def test_coverage_for_real_skewed_differences(urban100: pd.DataFrame) -> None:
    gains = (urban100["opencv-fsrcnn"] - urban100["bicubic"]).to_numpy()
    assert stats.skew(gains) > 1.5
    for n, least, most in ((5, 0.83, 0.90), (14, 0.87, 0.92), (100, 0.925, 0.96)):
        x = np.random.default_rng(n).choice(gains, (n, 2000))
        _, low, high = bootstrap.intervals(x, NAMES[:n], resamples=4000)
        assert least < ((low <= gains.mean()) & (high >= gains.mean())).mean() < most


def test_infinite_values() -> None:
    inf = math.inf
    x = np.array([[30.0, inf, inf], [31.0, 30.0, -inf], [32.0, 31.0, inf], [30.5, 32.0, -inf]])
    means, low, high = bootstrap.intervals(x, NAMES[:4])
    assert means[0] == 30.875 and means[1] == 31 and math.isnan(means[2])
    assert np.isfinite([low[0], high[0], low[1]]).all()
    assert low[1] >= 30 and math.isnan(low[2]) and math.isnan(high[2])
    # The mean is of the finite values of a resample: of images as often as they are drawn.
    counts = bootstrap.resample_counts(NAMES[:4], 50)
    some = counts[:, 1:].sum(axis=1) > 0
    expected = counts[some, 1:] @ x[1:, 1] / counts[some, 1:].sum(axis=1)
    np.testing.assert_allclose(bootstrap.resampled_means(x, counts)[some, 1], expected)
    # One infinite image does not touch another model's interval.
    assert bootstrap.intervals(x[:, :1], NAMES[:4])[1][0] == pytest.approx(low[0], abs=1e-12)
    everywhere = bootstrap.intervals(np.full((4, 1), inf), NAMES[:4])
    assert [v[0] for v in everywhere] == [inf, inf, inf]


def test_one_image_has_a_mean_and_no_interval() -> None:
    means, low, high = bootstrap.intervals(np.array([[30.0]]), ("a",))
    assert means[0] == 30.0 and math.isnan(low[0]) and math.isnan(high[0])


def test_equal_values_have_an_interval_of_no_width() -> None:
    _, low, high = bootstrap.intervals(np.full((9, 1), 0.5), NAMES[:9])
    assert low[0] == high[0] == 0.5


def test_the_mean_of_a_resample_is_of_what_it_drew() -> None:
    inf = math.inf
    values = np.array([[inf], [-inf], [5.0]])
    drawn = {(3, 0, 0): inf, (0, 3, 0): -inf, (2, 0, 1): 5, (0, 2, 1): 5, (1, 1, 1): 5, (0, 0, 3): 5}
    # Infinities of both signs have no mean, however often either is drawn.
    drawn |= {(2, 1, 0): math.nan, (1, 2, 0): math.nan}
    counts = np.array(list(drawn), dtype=float)
    np.testing.assert_array_equal(bootstrap.resampled_means(values, counts)[:, 0], list(drawn.values()))


def test_the_interval_of_two_images_is_their_range() -> None:
    # Hesterberg's tail of two images is Phi(-18): no resample lies beyond, and one in four has the same
    # image twice.
    assert bootstrap.tail(2) < 1e-60
    _, [low], [high] = bootstrap.intervals(np.array([[0.25], [0.75]]), NAMES[:2])
    assert (low, high) == (0.25, 0.75)


def test_the_end_of_an_interval_is_no_negative_zero() -> None:
    # -1e-12 rounds to -0.0, which files and pages would print with its sign.
    _, [low], [high] = bootstrap.intervals(np.full((9, 1), -1e-12), NAMES[:9])
    assert [str(low), str(high)] == ["0.0", "0.0"]


def test_as_many_resamples_lie_below_an_interval_as_above(urban100: pd.DataFrame) -> None:
    x = urban100.to_numpy()
    _, low, high = bootstrap.intervals(x, NAMES, resamples=1000)
    means = bootstrap.resampled_means(x, bootstrap.resample_counts(NAMES, 1000))
    beyond = math.floor(bootstrap.tail(100) * 1000)
    assert ((means < low - 1e-8).sum(axis=0) == beyond).all()
    assert ((means > high + 1e-8).sum(axis=0) == beyond).all()
