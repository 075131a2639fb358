"""Cost and precision ledger, in a run of their own: times differ between runs, which others compare."""

from __future__ import annotations

import pytest
from sisr.analysis.cost import gathering
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
