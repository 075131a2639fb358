"""The few lines that a run ends with."""

from __future__ import annotations

import math

import pandas as pd
from sisr.report.run_summary import _leaders
from sisr.report.shown_run import names


def _summary(**means: float) -> pd.DataFrame:
    rows = [{"metric": "psnr", "protocol": "y-bt601", "model": m, "mean": v} for m, v in means.items()]
    return pd.DataFrame(rows)


def test_the_leader_is_named_also_where_one_model_alone_was_scored() -> None:
    """Such a model has no rank in the tables, where nothing is beside it."""
    shown = names(["psnr@y-bt601"], ["bicubic", "nearest"], ["set5"], ["matlab-bicubic"], {})
    assert list(_leaders(_summary(bicubic=28.43, nearest=26.26), shown)) == ["PSNR-Y ↑ 28.43 Bicubic"]
    assert list(_leaders(_summary(bicubic=28.43, nearest=math.nan), shown)) == ["PSNR-Y ↑ 28.43 Bicubic"]
    assert not list(_leaders(_summary(bicubic=math.nan, nearest=math.nan), shown))
