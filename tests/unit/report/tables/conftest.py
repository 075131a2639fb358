from __future__ import annotations

from collections.abc import Callable

import fake_run
import pandas as pd
import pytest
from sisr.scoring.gather import SCORE_COLUMNS


@pytest.fixture(scope="session")
def full_scores() -> pd.DataFrame:
    return fake_run.make_scores()


@pytest.fixture(scope="session")
def status(full_scores: pd.DataFrame) -> pd.DataFrame:
    return fake_run.make_status(full_scores, fake_run.TROUBLE)


@pytest.fixture(scope="session")
def scores(full_scores: pd.DataFrame, status: pd.DataFrame) -> pd.DataFrame:
    return fake_run.drop_trouble(full_scores, status)


@pytest.fixture
def tiny() -> Callable[..., pd.DataFrame]:
    """Builds scores of dataset "d" from model -> values per image."""

    def build(values: dict[str, list[float]], dataset: str = "d", metric: str = "psnr") -> pd.DataFrame:
        rows = [
            (dataset, f"i{index}", "k", 4, model, metric, "y-bt601", value)
            for model, column in values.items()
            for index, value in enumerate(column)
        ]
        return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))

    return build
