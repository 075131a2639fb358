"""The page rounds as the tables do, in a real browser."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sisr.base import averages
from sisr.base.rounding import fixed

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

#: Halves in decimal, exact in binary or not, sums that are a half but for noise, and what has no such digits.
NUMBERS = [
    28.415, 28.125, 1.005, 2.675, 0.125, -0.125, 0.23495, 0.2349499999, 0.234950143, -0.0001, -0.0, 0.0, 1e-7,
    5e-7, 1e-20, 9.995, 99.9999, 123456789.125, 0.1 + 0.2 + 0.005, (28.41 + 28.42) / 2, 1 / 3, -2.5, 40.0,
]  # fmt: skip


def test_the_rule_of_the_page_is_that_of_the_tables(browser: Any, site: Path) -> None:
    browser.get(f"{site.as_uri()}/index.html")
    asked = list(itertools.product(NUMBERS, range(7)))
    shown = browser.execute_script("return arguments[0].map(([v, d]) => SISR.show(v, d))", asked)
    assert shown == [fixed(value, digits) for value, digits in asked]


def test_every_mean_on_the_board_is_that_of_the_score_table(browser: Any, site: Path) -> None:
    browser.get("about:blank")
    browser.get(f"{site.as_uri()}/index.html#leaderboard?scale=4")
    scores = pd.read_csv(site.parent / "scores.csv", keep_default_na=False, dtype={"model": str})
    digits = {"psnr": 2, "ssim": 4, "lpips": 4}
    whole = {}
    for (model, metric), here in scores[scores["scale"] == 4].groupby(["model", "metric"]):
        whole.setdefault(model, {})[metric] = here["value"].astype(float)
    most = max(len(values) for of in whole.values() for values in of.values())
    expected = {
        model: [fixed(averages.mean(of[metric])[0], n) for metric, n in digits.items()]
        for model, of in whole.items()
        if all(len(values) == most for values in of.values())
    }
    found = browser.execute_script(
        """const rows = [...document.querySelectorAll('#board tbody tr[data-model]')];
        const texts = row => [...row.querySelectorAll('td[data-value] button')].map(one => one.textContent);
        return Object.fromEntries(rows.map(row => [row.dataset.model, texts(row)]));"""
    )
    assert {model: found[model] for model in expected} == expected
