"""Cost and precision ledger, in a run of their own: times differ between runs, which others compare."""

from __future__ import annotations

from typing import Any

import pytest
from sisr.analysis.cost import gathering, receipts
from sisr.models import model_digests
from sisr.models.model_entries import get
from sisr.report import ledger_page
from tiny_project import CONFIG, Project, rows

pytestmark = pytest.mark.workflow

COST = {
    **CONFIG,
    "suites": {
        "one": {
            "datasets": ["tiny"],
            "kernels": ["matlab-bicubic"],
            "scales": [2],
            "models": ["bicubic", "tiny-espcn", "gone"],
        }
    },
    "metrics": ["psnr@y-bt601"],
    "cost": {"time": True, "seconds": 0.05, "ledger": "tiny"},
}


def a_receipt(model: str, scale: int) -> dict[str, Any]:
    """One of a GPU, with today's code, on which a call for 0.04 megapixels took 0.32 ms."""
    series = {"p50": 0.00032, "p90": 0.00032, "p99": 0.00032, "microseconds": [[320]]}
    taken = {
        "status": "ok", "reason": "", "ratio": {"call": 0.5}, "spread": 0.01, "discarded_rounds": 0,
        "energy_joules": 0.1, "model": {"call": series}, "reference": {"call": series, "network": series},
        "peak_memory": None, "notes": [],
    }  # fmt: skip
    device = {
        "kind": "cuda", "name": "NVIDIA Fake 100", "processor": "A CPU", "system": "Linux", "python": "3.12",
        "cuda": "12.8", "driver": "570.86", "clock_mhz": 1980, "memory_clock_mhz": 2619, "threads": 1,
        "torch": "2.13.0", "load": None,
    }  # fmt: skip
    return {
        "version": receipts.VERSION, "model": model, "scale": scale, "date": "2026-03-01T12:00:00+00:00",
        "weights": {}, "code": model_digests.code_of(get(model), scale), "device": device,
        "options": {"channels_last": True, "compile": False, "cuda_graphs": False}, "changed": {},
        "output": [200, 200], "allowed_spread": 0.03, "precisions": {"fp32": taken},
        "reference": {"label": "R", "code": model_digests.code_of(receipts.REFERENCE, scale)},
    }  # fmt: skip


@pytest.mark.slow
def test_a_run_with_costs(project: Project) -> None:
    project.configure(COST)
    run = project.run()
    assert run.status == 0, run.output
    assert (run.jobs["count_cost"], run.jobs["time_model"], run.jobs["compare_precisions"]) == (1, 3, 2)

    cost = {row["model"]: row for row in rows(project.read("results/tiny/cost.csv"))}
    assert list(cost) == ["bicubic", "tiny-espcn", "gone"]
    assert tuple(cost["gone"]) == gathering.COLUMNS
    # ESPCN x2, in closed form: 64 (25 + 1) + 32 (9 * 64 + 1) + 4 (9 * 32 + 1).
    assert cost["tiny-espcn"]["parameters"] == cost["gone"]["parameters"] == "21284"
    assert cost["tiny-espcn"]["receptive_field"] == "9"
    for model in ("bicubic", "tiny-espcn"):
        row = cost[model]
        assert 0 < float(row["seconds_q1"]) <= float(row["seconds"]) <= float(row["seconds_q3"])
        assert (row["time_status"], row["threads"]) == ("ok", "2")
    assert cost["gone"]["time_status"] == "unavailable"
    assert "gone.safetensors could not be fetched" in cost["gone"]["time_reason"]

    ledger = rows(project.read("results/tiny/precision.csv"))
    assert tuple(ledger[0]) == ledger_page.COLUMNS
    done = [row for row in ledger if row["status"] == "ok"]
    assert [(row["model"], row["image"], row["precision"]) for row in done] == [
        ("tiny-espcn", image, "bf16") for image in ("astronaut", "camera", "chelsea")
    ]
    assert {row["status"] for row in ledger if row["model"] == "gone"} == {"unavailable"}

    page = project.read("results/tiny/report.html")
    shown = ["cost.csv", "precision.csv", "tables/cost_x2.html", "tables/precision.html"]
    for name in (*shown, "figures/quality_time_x2.svg", "figures/quality_parameters_x2.svg"):
        assert f"results/tiny/{name}" in page, name

    assert "Nothing to be done" in project.run().output
    # A receipt of another device is shown beside the run's own time, and measures nothing anew.
    receipts.write(a_receipt("bicubic", 2), project.root / "config/receipts")
    assert set(project.run("--dry-run").jobs) == {"cost_table", "render_report", "crate", "all"}
    assert project.run().status == 0
    table = project.read("results/tiny/tables/cost_x2.md").split("\n## ")
    (sheet,) = (part for part in table if part.startswith("Receipts"))
    lines = [line.split(" | ")[1:4] for line in sheet.splitlines() if line.startswith("| Bicubic")]
    own = f"this run: {cost['bicubic']['device']}, 2 threads"
    assert lines == [[own, "—", lines[0][2]], ["NVIDIA Fake 100", "fp32", "0.00800"]]
    # Of other code it is stale.
    receipts.write(a_receipt("bicubic", 2) | {"code": "0" * 16}, project.root / "config/receipts")
    assert project.run().status == 0
    assert "stale: other code than today's" in project.read("results/tiny/tables/cost_x2.md")
    # Another way to lay out the table measures nothing anew.
    project.edit("scripts/sisr/report/cost_table.py", 'f"Cost ×{self.scale}"', 'f"Costs ×{self.scale}"')
    assert set(project.run("--dry-run").jobs) == {"cost_table", "render_report", "crate", "all"}


def test_static_costs_only(project: Project) -> None:
    project.configure({**COST, "cost": {"time": False}})
    jobs = project.run("--dry-run").jobs
    assert jobs["count_cost"] == 1
    assert not {"time_model", "compare_precisions"} & set(jobs)


def test_ledger_of_a_dataset_that_no_suite_has(project: Project) -> None:
    project.configure({**COST, "cost": {"ledger": "set5"}})
    run = project.run("--dry-run")
    assert run.errors == {"config: cost.ledger: unknown dataset 'set5'; known: tiny (in the suites)"}
