"""Scores as Parquet: the same table, streamed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pyarrow import parquet as arrow
from sisr.analysis.summaries import read_scores
from sisr.base.cells import SCORE_COLUMNS
from sisr.base.errors import ScoreError
from sisr.scoring import parquet


def table(path: Path, rows: list[str]) -> Path:
    path.write_text(",".join(SCORE_COLUMNS) + "\n" + "".join(f"{row}\n" for row in rows))
    return path


def test_it_is_read_as_the_csv_is(tmp_path: Path) -> None:
    rows = [
        "set5,baby,matlab-bicubic,4,NA,psnr,y-bt601,31.45",
        "set5,baby,matlab-bicubic,4,oracle,psnr,y-bt601,inf",
        'set5,"a, ""b""",matlab-bicubic,4,null,psnr,y-bt601,0.30000000000000004',
    ]
    scores = table(tmp_path / "scores.csv", rows)
    out = tmp_path / "scores.parquet"
    parquet.write_scores(scores, out)
    pd.testing.assert_frame_equal(read_scores(out), read_scores(scores))


def test_it_is_written_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory does not grow with the table; the order of rows stays."""
    monkeypatch.setattr(parquet, "BLOCK", 4096)
    rows = [f"set,{index:05},k,2,m,psnr,rgb,{index}.5" for index in range(2000)]
    out = tmp_path / "scores.parquet"
    parquet.write_scores(table(tmp_path / "scores.csv", rows), out)
    assert arrow.ParquetFile(out).num_row_groups > 10
    assert read_scores(out)["value"].tolist() == [index + 0.5 for index in range(2000)]


@pytest.mark.parametrize("row", ["set5,baby,k,4,m,psnr,rgb,good", "set5,baby,k,four,m,psnr,rgb,1"])
def test_what_is_no_number_is_named_and_nothing_is_written(tmp_path: Path, row: str) -> None:
    with pytest.raises(ScoreError, match=r"scores\.csv: not a table of scores: "):
        parquet.write_scores(table(tmp_path / "scores.csv", [row]), tmp_path / "scores.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["scores.csv"]


def test_other_columns_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("image,value\na,1\n")
    with pytest.raises(ScoreError, match=r"columns \['image', 'value'\], expected"):
        parquet.write_scores(tmp_path / "scores.csv", tmp_path / "scores.parquet")
