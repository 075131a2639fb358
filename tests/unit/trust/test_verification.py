"""Altered results: told by sisr verify, and refused where tables are made."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from sisr.analysis.summaries import read_scores, read_status
from sisr.base.cells import SCORE_COLUMNS
from sisr.base.checksums import SUMS, write_sums
from sisr.base.csv_files import write_rows
from sisr.base.errors import ReproductionError, ScoreError
from sisr.scoring.gather import STATUS_COLUMNS
from sisr.trust.verification import altered

ROW = ["set5", "baby", "matlab-bicubic", 4, "bicubic", "psnr", "y-bt601", "31.780000"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_rows(tmp_path / "scores.csv", SCORE_COLUMNS, [ROW])
    write_rows(tmp_path / "status.csv", STATUS_COLUMNS, [[*ROW[:1], *ROW[2:5], "ok", "", 1, "", ""]])
    write_sums([tmp_path / "scores.csv", tmp_path / "status.csv"], tmp_path / SUMS)
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.iterdir()}
    graph = [{"@id": name, "@type": "File", "sha256": digest} for name, digest in files.items()]
    (tmp_path / "ro-crate-metadata.json").write_text(json.dumps({"@graph": [{"@id": "./"}, *graph]}))
    return tmp_path


def test_what_the_run_wrote_is_read(run: Path) -> None:
    assert read_scores(run / "scores.csv")["value"].tolist() == [31.78]
    assert len(read_status(run / "status.csv")) == 1
    assert altered(run) == (3, [])


@pytest.mark.parametrize("name", ["scores.csv", "status.csv"])
def test_what_was_altered_is_refused_and_named(name: str, run: Path) -> None:
    path = run / name
    path.write_text(path.read_text().replace("baby", "bird").replace("set5", "set6"))
    with pytest.raises(ScoreError, match=f"{name}: altered after the run gathered it: sha256 "):
        (read_scores if name == "scores.csv" else read_status)(path)
    number, (line,) = altered(run)
    assert number == 3
    assert line.startswith(f"{name}: altered: sha256 ")


def test_a_missing_file_is_named(run: Path) -> None:
    (run / "status.csv").unlink()
    assert altered(run) == (3, ["status.csv: missing"])


@pytest.mark.parametrize("text", [None, "", "[]", '{"@graph": 1}', '{"@graph": [1]}'])
def test_what_is_no_crate_is_one_line(text: str | None, run: Path) -> None:
    if text is None:
        (run / "ro-crate-metadata.json").unlink()
    else:
        (run / "ro-crate-metadata.json").write_text(text)
    with pytest.raises(ReproductionError, match=r"ro-crate-metadata\.json: (cannot read|not an RO-Crate)"):
        altered(run)
