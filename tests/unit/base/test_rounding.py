"""One rule for every number that is shown."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sisr.base import averages
from sisr.base.rounding import fixed


def by_hand(value: Fraction, digits: int) -> str:
    """Halves away from zero, in whole numbers."""
    units = math.floor(abs(value) * 10**digits + Fraction(1, 2))
    whole, rest = divmod(units, 10**digits)
    text = f"{whole}.{rest:0{digits}d}" if digits else str(whole)
    return f"-{text}" if value < 0 and units else text


# Scores as a table holds them: whole numbers of millionths.
scores = st.lists(st.integers(-60_000_000, 60_000_000), min_size=1, max_size=40)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(scores, st.integers(0, 6))
@example([28_415_000], 2)
@example([28_410_000, 28_420_000], 2)
@example([125_000], 2)
@example([-125_000], 2)
@example([-4_999], 2)
@example([234_950, 234_949, 234_951], 4)
def test_a_mean_is_printed_as_the_exact_mean_of_the_table_is(millionths: list[int], digits: int) -> None:
    mean, _ = averages.mean(number / 10**6 for number in millionths)
    assert fixed(mean, digits) == by_hand(Fraction(sum(millionths), len(millionths) * 10**6), digits)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(-60_000_000, 60_000_000), st.integers(0, 5))
def test_an_end_of_an_interval_prints_alike_from_a_file_of_nine_decimals(
    millionths: int, digits: int
) -> None:
    end = round(millionths / 10**6 / 7, 9)
    assert fixed(float(fixed(end, 9)), digits) == fixed(end, digits)


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (math.inf, 2, "inf"),
        (-math.inf, 2, "-inf"),
        (math.nan, 2, "nan"),
        (-0.0, 2, "0.00"),
        (9.995, 2, "10.00"),
        (2.5, 0, "3"),
        (1.5e300, 1, f"{int(1.5e300)}.0"),
        (5e-324, 3, "0.000"),
    ],
)
def test_what_is_no_ordinary_number(value: float, digits: int, shown: str) -> None:
    assert fixed(value, digits) == shown
