"""Measured impulse responses, and the table of docs/kernels.md."""

from __future__ import annotations

import numpy as np
import pytest
from sisr.base import registry
from sisr.lr.kernels import filtering, matlab
from sisr.report.figures.kernel_responses import RADIUS, centre, impulse_response, observation_table


def test_response_of_subsampling_is_one_pixel() -> None:
    response = impulse_response("subsample", 4, repeats=1)
    expected = np.zeros((2 * RADIUS + 4, 2 * RADIUS + 4))
    expected[RADIUS, RADIUS] = 1  # the top left of the sample's pixels
    assert np.array_equal(response, expected)
    assert centre(response) == pytest.approx((-1.5, -1.5))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_response_of_bd_is_its_gaussian(scale: int) -> None:
    response = impulse_response("bd", scale, repeats=2)
    size = 7 if scale == 3 else 12
    left = RADIUS + filtering.first_tap(size, scale)
    expected = np.zeros_like(response)
    expected[left : left + size, left : left + size] = filtering.gaussian(size, 1.6)
    np.testing.assert_allclose(response, expected, atol=2e-3)  # rounding to 8 bits, averaged


def test_response_of_bicubic_is_the_product_of_its_weights() -> None:
    response = impulse_response("matlab-bicubic", 4, repeats=2)
    first, weights = matlab.contributions(400, 100, 0.25, matlab.KERNELS["cubic"], True)
    row = np.zeros(len(response))
    left = RADIUS + int(first[50]) - 200
    row[left : left + weights.shape[1]] = weights[50]
    np.testing.assert_allclose(response, np.outer(row, row), atol=2e-3)
    assert centre(response) == pytest.approx((0, 0), abs=0.05)


def test_documentation_has_the_table_of_the_registry() -> None:
    text = (registry.ROOT / "docs/kernels.md").read_text(encoding="utf-8")
    assert observation_table() in text, "write what observation_table() returns into docs/kernels.md"
