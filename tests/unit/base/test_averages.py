"""Means of which some values are infinite: what is shown, and what wins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sisr.base import averages

INF = math.inf

#: Values in dB of two models on the same images, and which one a reader takes for the better.
CASES = {
    "perfect on one image, worse on the others": ([INF, 28, 28, 28, 28], [31, 30, 30, 30, 30], 1),
    "perfect on one image, better on the others": ([INF, 31, 31], [31, 30, 30], 0),
    "better on every image, on the easy one perfect": ([INF, 30, 30], [50, 29, 29], 0),
    "perfect on one image, alike on the others": ([INF, 30, 30], [50, 30, 30], 0),
    "perfect on most images, bad on one": ([INF, INF, INF, 20], [30, 30, 30, 30], 1),
    "perfect everywhere": ([INF, INF], [60, 60], 0),
    "perfect everywhere, the other on one": ([60, INF], [INF, INF], 1),
    "perfect in turn": ([INF, 30, 30], [30, INF, 31], 1),
    "nothing is infinite": ([40, 20], [29, 30], 0),
}


@pytest.mark.parametrize(("a", "b", "winner"), CASES.values(), ids=CASES)
def test_one_identical_image_neither_wins_nor_costs(a: list[float], b: list[float], winner: int) -> None:
    assert int(np.argmax(averages.worths([a, b], "dB"))) == winner
    assert int(np.argmax(averages.worths([b, a], "dB"))) == 1 - winner


def test_means_are_of_the_finite_values() -> None:
    assert averages.mean([30.0, INF, 32.0, INF]) == (31.0, 2)
    assert averages.mean([INF, INF]) == (INF, 2)
    assert averages.mean([-INF]) == (-INF, 1)
    assert math.isnan(averages.mean([INF, -INF])[0])
    assert averages.mean([0.1] * 10) == (0.1, 0)


def test_without_infinite_values_means_rank() -> None:
    """Here the mean squared error would rank the other way."""
    assert averages.worths([[40.0, 20.0], [28.0, 28.0]], "dB") == [30.0, 28.0]
    assert averages.worths([[INF, INF], [28.0, 28.0]], "dB") == [INF, 28.0]
    # Only of decibels is it known that they are the logarithm of an error.
    assert averages.worths([[INF, 2.0], [3.0, 3.0]], "") == [2.0, 3.0]
