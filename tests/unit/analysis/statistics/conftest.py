from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_samples import PSNR, MakeSample
from sisr.analysis.statistics.samples import Sample
from sisr.scoring.metrics.protocol import Measure


@pytest.fixture(scope="session")
def urban100() -> pd.DataFrame:
    """PSNR-Y of four models on the images of Urban100 at x4, from a run of this project."""
    return pd.read_csv(Path(__file__).with_name("urban100_x4_psnr.csv"), index_col="image")


@pytest.fixture(scope="session")
def make_sample() -> MakeSample:
    """A sample from (images, models) values."""

    def make(
        values: Sequence[Sequence[float]] | np.ndarray,
        measure: Measure = PSNR,
        models: Sequence[str] = (),
    ) -> Sample:
        table = np.asarray(values, dtype=float)
        images = tuple(f"d/i{i:04d}" for i in range(len(table)))
        names = tuple(models) or tuple(f"m{j}" for j in range(table.shape[1]))
        return Sample("d", "k", 4, measure, images, names, table)

    return make
