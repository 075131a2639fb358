"""Gathering: text is copied, order is the config's, the worst shard speaks for its cell."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from sisr.base.cells import Cell
from sisr.scoring.gather import SCORE_COLUMNS, TIMING_COLUMNS, gather_scores, gather_status, gather_timings

HEADER = ",".join(SCORE_COLUMNS) + "\n"


def test_scores_are_concatenated_as_text(tmp_path: Path) -> None:
    rows = ["set5,baby,k,2,m,psnr,p,33.123456\n", 'set5,"a,b",k,2,m,psnr,p,inf\n']
    parts = []
    for index, content in enumerate((HEADER + rows[0], HEADER, HEADER + rows[1])):
        parts.append(tmp_path / f"{index}.csv")
        parts[-1].write_text(content, encoding="utf-8")
    gather_scores(parts, tmp_path / "scores.csv")
    assert (tmp_path / "scores.csv").read_text(encoding="utf-8") == HEADER + "".join(rows)


def test_a_foreign_table_is_a_bug(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.csv"):
        gather_scores([tmp_path / "x.csv"], tmp_path / "scores.csv")
    assert not (tmp_path / "scores.csv").exists()


def test_the_worst_shard_speaks(tmp_path: Path) -> None:
    documents = [
        {
            "status": "ok",
            "reason": "",
            "notes": ["tile 32"],
            "images": [{"name": f"{s}", "file": f"{s}.png", "seconds": s} for s in (1.0, 3.0, 2.0)],
        },
        {"status": "oom", "reason": "out of memory", "notes": ["tile 32", "short"], "images": []},
        {"status": "ok", "reason": "", "images": []},
    ]
    parts = []
    for index, document in enumerate(documents):
        parts.append(tmp_path / f"{index}.json")
        parts[-1].write_text(json.dumps(document), encoding="utf-8")
    cells = [Cell("big", "k", 2, "m"), Cell("small", "k", 2, "m")]
    gather_status(cells, {"big": 2, "small": 1}, parts, tmp_path / "status.csv")
    with (tmp_path / "status.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert (rows[0]["status"], rows[0]["images"], rows[0]["seconds_per_image"]) == ("oom", "3", "2.0000")
    assert (rows[1]["status"], rows[1]["reason"]) == ("ok", "")
    assert [row["notes"] for row in rows] == ["tile 32; short", ""]


def test_timings_have_rows_for_every_shard(tmp_path: Path) -> None:
    jobs = [
        {"started": "2026-11-25T13:00:00+00:00", "seconds": 2.5, "cpu_seconds": 3.5, "attempt": 1,
         "host": "a", "hardware": "CPU", "peak_mib": 100.5, "peak_gpu_mib": None},
        {"started": "2026-11-25T13:00:01+00:00", "seconds": 0.5, "cpu_seconds": 0.25, "attempt": 3,
         "host": "b", "hardware": "GPU", "peak_mib": 50.0, "peak_gpu_mib": 20.0},
    ]  # fmt: skip
    parts, scored = [], []
    for index, job in enumerate(jobs):
        document = {"model": "m", "scale": 2, "device": ("cpu", "cuda")[index], "threads": 1, "status": "ok"}
        images = [{"name": f"{s}", "file": f"{s}.png", "seconds": s} for s in (0.25, 0.5)][index:]
        parts.append(tmp_path / f"{index}.json")
        parts[-1].write_text(json.dumps({**document, "job": job, "images": images}), encoding="utf-8")
        scored.append(tmp_path / f"{index}.parts.json")
        took = {**jobs[0], "images": 2 - index, "compute_seconds": 0.125, "device": "cpu", "threads": 1}
        scored[-1].write_text(json.dumps({"measure": None, "images": {}, "job": took}), encoding="utf-8")
    gather_timings([Cell("big", "k", 2, "m")], {"big": 2}, parts, scored, tmp_path / "timings.csv")
    started = jobs[0]["started"]
    with (tmp_path / "timings.csv").open(encoding="utf-8", newline="") as stream:
        assert tuple(next(csv.reader(stream))) == TIMING_COLUMNS
        assert list(csv.reader(stream)) == [
            ["big", "k", "2", "m", "0of2", "upscale", "ok", "2", started, "2.5", "3.5", "0.750000", "1", "a",
             "cpu", "CPU", "1", "100.5", ""],
            ["big", "k", "2", "m", "0of2", "score", "ok", "2", started, "2.5", "3.5", "0.125", "1", "a",
             "cpu", "CPU", "1", "100.5", ""],
            ["big", "k", "2", "m", "1of2", "upscale", "ok", "1", jobs[1]["started"], "0.5", "0.25",
             "0.500000", "3", "b", "cuda", "GPU", "1", "50.0", "20.0"],
            ["big", "k", "2", "m", "1of2", "score", "ok", "1", started, "2.5", "3.5", "0.125", "1", "a",
             "cpu", "CPU", "1", "100.5", ""],
        ]  # fmt: skip
