"""From single counts and timings to the cost table."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sisr.analysis.cost import gathering
from sisr.analysis.cost.jobs import count_job, time_job
from sisr.base.errors import ModelUnavailable, ScoreError
from sisr.models.model_entries import get
from sisr.report import cost_table
from sisr.upscaling.inference.options import Execution
from sisr.upscaling.upscale import ScaledModel

LABELS = {"bicubic": "Bicubic", "imdn": "IMDN", "gone": "Gone_1"}
TIMED: dict[str, Any] = {
    "output": [640, 360],
    "calls": 7,
    "seconds_per_megapixel": [0.0009, 0.00123, 0.0021],
    "peak_memory": 52_428_800,
    "device": "A processor",
    "clock_mhz": 2300.0,
    "memory_clock_mhz": None,
    "threads": 2,
    "torch": "2.13.0",
    "load": 0.5,
}
COUNTED = {"parameters": 715_176, "multiply_adds": 40_885_865_472, "activations": 107_827_608}


def document(model: str, status: str = "ok", reason: str = "", **rest: Any) -> dict[str, Any]:
    return {"model": model, "scale": 4, "status": status, "reason": reason, **rest}


def written(path: Path, found: Any) -> Path:
    path.write_text(json.dumps(found))
    return path


@pytest.fixture
def gathered(tmp_path: Path) -> Path:
    counts = [
        document("bicubic", reason="no network", parameters=0),
        document("imdn", **COUNTED, receptive_field="global"),
        document("gone", "unavailable", "never released"),
    ]
    timings = [
        written(tmp_path / "t1", document("bicubic", **TIMED)),
        written(tmp_path / "t2", document("imdn", "oom", "out of memory on the CPU")),
        written(tmp_path / "t3", document("gone", "unavailable", "never released")),
    ]
    gathering.gather([written(tmp_path / "c", counts)], timings, tmp_path / "cost.csv")
    return tmp_path / "cost.csv"


def test_csv_has_plain_numbers_and_empty_cells(gathered: Path) -> None:
    bicubic, imdn, gone = csv.DictReader(gathered.open())
    assert tuple(bicubic) == gathering.COLUMNS
    assert (bicubic["seconds"], bicubic["seconds_q1"], bicubic["timed_output"]) == (
        "0.00123",
        "0.0009",
        "640x360",
    )
    assert (imdn["multiply_adds"], imdn["seconds"], imdn["time_status"]) == ("40885865472", "", "oom")
    assert (gone["parameters"], gone["count_reason"]) == ("", "never released")


def test_table_prints_units_and_reasons(gathered: Path) -> None:
    built = cost_table.build(gathering.read(gathered), 4, LABELS)
    bicubic, imdn, gone = built.lines
    assert imdn.cells == ("715.2", "40.9", "107.8", "global", *["—"] * 4)
    assert bicubic.cells == ("0", "—", "—", "—", "0.00123", "0.0012", "50", "640×360")
    assert set(gone.cells) == {"—"}
    assert built.notes == (
        ("a", "not counted: no network"),
        ("b", "not timed: out of memory on the CPU"),
        ("c", "unavailable: never released"),
    )
    assert built.machines == ("A processor, 2 threads, 2300 MHz, torch 2.13.0, load average 0.5",)


def test_three_forms(gathered: Path, tmp_path: Path) -> None:
    rows = gathering.read(gathered)
    built = cost_table.build(rows, 4, LABELS)
    cost_table.write(built, rows, tmp_path)
    assert (tmp_path / "cost_x4.csv").read_text() == gathered.read_text()
    markdown = (tmp_path / "cost_x4.md").read_text()
    assert "| IMDN<sup>b</sup> | 715.2 | 40.9 |" in markdown
    assert "Gone\\_1" in markdown
    page = (tmp_path / "cost_x4.html").read_text()
    assert "<script>" in page and "http" not in page
    assert "1280×720" in page and "never released" in page
    assert cost_table.build(rows, 2, LABELS).lines == ()


def test_without_timing_there_are_no_columns_of_it(tmp_path: Path) -> None:
    counts = written(tmp_path / "c", [document("imdn", **COUNTED)])
    gathering.gather([counts], [], tmp_path / "cost.csv")
    built = cost_table.build(gathering.read(tmp_path / "cost.csv"), 4, LABELS)
    assert [column.heading for column in built.columns] == [column.heading for column in cost_table.COUNTED]
    assert built.notes == ()


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cost.csv").write_text("model,scale\n")
    with pytest.raises(ScoreError, match=r"cost\.csv: columns \['model', 'scale'\], expected"):
        gathering.read(tmp_path / "cost.csv")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (float("nan"), "—"),
        (537.04, "537"),
        (53.36, "53.4"),
        (0.000087, "0.0000870"),
        (9999.6, "10,000"),
    ],
)
def test_significant_digits_without_exponent(value: float, text: str) -> None:
    assert cost_table.significant(value) == text


def test_jobs_leave_a_reason_instead_of_failing(tmp_path: Path) -> None:
    def gone() -> dict[str, Path]:
        raise ModelUnavailable("vdsr.pth could not be fetched")

    out = tmp_path / "job.json"
    count_job([ScaledModel(get("realesrgan"), 2), ScaledModel(get("bicubic"), 2)], out)
    skipped, counted = json.loads(out.read_text())
    assert (skipped["status"], skipped["reason"]) == (
        "skipped",
        "Real-ESRGAN has weights for x4 only, not for x2",
    )
    assert (counted["status"], counted["parameters"], counted["reason"]) == ("ok", 0, "no network")
    time_job(ScaledModel(get("vdsr"), 4, gone), out, execution=Execution("cpu"), budget=0.1)
    assert json.loads(out.read_text()) == {
        "model": "vdsr", "scale": 4, "status": "unavailable", "reason": "vdsr.pth could not be fetched",
    }  # fmt: skip
