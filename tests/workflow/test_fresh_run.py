"""What a run leaves behind, and that a second one has nothing to do."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import zipfile

import pytest
from tiny_project import SCORES, Project, part_of, rows

pytestmark = pytest.mark.workflow

IMAGES = ["astronaut", "camera", "chelsea"]
#: Cells of the run in config order, those without images left out.
SCORED = [
    *(
        ("tiny", kernel, scale, model)
        for kernel in ("matlab-bicubic", "opencv-linear")
        for scale in ("2", "4")
        for model in ("nearest", "bicubic", "lanczos")
    ),
    ("tiny", "matlab-bicubic", "2", "tiny-espcn"),
]


def test_scores_have_every_cell_image_and_measure_in_config_order(finished: Project) -> None:
    text = finished.read(SCORES)
    assert text.startswith("dataset,image,kernel,scale,model,metric,protocol,value\n")
    found = [tuple(row.values())[:-1] for row in rows(text)]
    assert found == [
        (dataset, image, kernel, scale, model, metric, "y-bt601")
        for dataset, kernel, scale, model in SCORED
        for image in IMAGES
        for metric in ("psnr", "ssim")
    ]
    for row in rows(text):
        # Five iterations of training end near a gray image.
        low, high = (5, 60) if row["metric"] == "psnr" else (0, 1)
        assert low < float(row["value"]) < high, row


def test_status_has_a_row_for_every_cell(finished: Project) -> None:
    status = rows(finished.read("results/tiny/status.csv"))
    cells = [(row["dataset"], row["kernel"], row["scale"], row["model"]) for row in status]
    assert cells[: len(SCORED)] == SCORED
    assert len(cells) == len(SCORED) + 4
    for row in status[: len(SCORED)]:
        assert (row["status"], row["reason"], row["images"]) == ("ok", "", "3"), row


def test_models_that_cannot_run_are_rows_with_a_reason(finished: Project) -> None:
    rest = rows(finished.read("results/tiny/status.csv"))[len(SCORED) :]
    found = {(row["model"], row["scale"]): (row["status"], row["reason"]) for row in rest}
    assert {cell: status for cell, (status, _) in found.items()} == {
        ("gone", "2"): "unavailable",
        ("gone", "4"): "unavailable",
        ("damaged", "2"): "skipped",
        ("damaged", "4"): "failed",
    }
    assert "gone.safetensors could not be fetched" in found["gone", "2"][1]
    assert found["damaged", "2"][1] == "Damaged has weights for x4 only, not for x2"
    assert "damaged.safetensors: not a readable safetensors checkpoint" in found["damaged", "4"][1]


@pytest.mark.parametrize("form", ["md", "html"])
def test_tables_note_why_a_model_has_no_numbers(finished: Project, form: str) -> None:
    text = finished.read(f"results/tiny/tables/x2.{form}")
    assert "gone.safetensors could not be fetched" in text
    assert "has weights for x4 only" in text
    assert "not a readable safetensors checkpoint" in finished.read(f"results/tiny/tables/x4.{form}")


@pytest.mark.parametrize("scale", [2, 4])
def test_tables_are_there_in_four_forms(finished: Project, scale: int) -> None:
    for form, sign in (("csv", ","), ("md", "| Model"), ("tex", r"\toprule"), ("html", "<table")):
        text = finished.read(f"results/tiny/tables/x{scale}.{form}")
        assert sign in text, f"{form} has no {sign}"
        assert "Lanczos" in text or "lanczos" in text
        assert ("Tiny ESPCN" in text or "tiny-espcn" in text) == (scale == 2)


def test_report_holds_every_result_and_loads_nothing(finished: Project) -> None:
    """No script, style sheet, image or frame has an address; plain links, which load nothing, may have."""
    page = finished.read("results/tiny/report.html")
    assert not re.findall(r"<(?:script|img|iframe|source)\b[^>]*\bsrc\s*=\s*[\"']?(?:https?:)?//", page)
    assert not re.findall(r"<link\b[^>]*\bhref\s*=\s*[\"']?(?:https?:)?//", page)
    assert not re.findall(r"@import\s|url\(\s*[\"']?(?:https?:)?//", page)
    for shown in ("tables/x2.html", "tables/x4.csv", "figures/quality_x2.svg", "scores.csv", "status.csv"):
        assert f"results/tiny/{shown}" in page
    for shown in ("phase/kernels.html", "phase/models_x4.html", "robustness/x2.html"):
        assert f"results/tiny/{shown}" in page
    for kernel in ("matlab-bicubic", "opencv-linear"):
        assert f"results/tiny/figures/crops/tiny_{kernel}_x2_1.jpg" in page


def test_site_is_whole_and_linked_from_the_report(finished: Project) -> None:
    site = finished.root / "results/tiny/site"
    assert "site/index.html" in finished.read("results/tiny/report.html")
    page = (site / "index.html").read_text()
    assert "gone.safetensors could not be fetched" in page
    run = (site / "data/run.js").read_text()
    weights = finished.root / "resources/trained/tiny/x2.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() in run
    assert '"cpu, 1 thread"' in run
    for kernel, scale, model in (cell[1:] for cell in SCORED):
        folder = site / "images/tiny" / kernel / f"x{scale}"
        assert {path.name for path in (folder / model).iterdir()} >= {"0.webp", "1.error.webp", "2.js"}
        assert (folder / "_originals/2.hr.webp").is_file()


def test_zip_has_report_and_site(done: Project) -> None:
    run = done.run("--", "results/tiny/report.zip")
    assert run.status == 0, run.output
    with zipfile.ZipFile(done.root / "results/tiny/report.zip") as archive:
        names = set(archive.namelist())
    assert {"report.html", "site/index.html", "site/data/run.js"} <= names
    assert "site/images/tiny/matlab-bicubic/x2/nearest/0.webp" in names


def test_phase_and_robustness_tables_are_complete(finished: Project) -> None:
    grids = rows(finished.read("results/tiny/phase/kernels.csv"))
    assert [(row["kernel"], row["scale"], row["agrees"]) for row in grids] == [
        (kernel, scale, "yes") for kernel in ("matlab-bicubic", "opencv-linear") for scale in ("2", "4")
    ]
    models = rows(finished.read("results/tiny/phase/models_x2.csv"))
    ran = {(row["kernel"], row["model"]) for row in models}
    assert ran == {
        ("matlab-bicubic", "tiny-espcn"),
        *((k, m) for k in ("matlab-bicubic", "opencv-linear") for m in ("nearest", "bicubic", "lanczos")),
    }
    matrix = rows(finished.read("results/tiny/tables/robustness_x2.csv"))
    assert {row["difference"] for row in matrix if row["kernel"] == "matlab-bicubic"} == {"0.000000"}
    assert "leads under" in finished.read("results/tiny/robustness/x2.html")


def test_provenance_names_config_and_assets(finished: Project) -> None:
    record = json.loads(finished.read("results/tiny/provenance.json"))
    assert record["config"]["name"] == "tiny"
    assert record["assets"]["gone"]["status"] == "unavailable"
    assert record["assets"]["tiny-train"]["status"] == "ok"


def test_second_run_has_nothing_to_do_even_if_the_library_was_touched(done: Project) -> None:
    for path in (done.root / "scripts/sisr").rglob("*.py"):
        os.utime(path)
    before = done.snapshot()
    run = done.run()
    assert run.status == 0
    assert "Nothing to be done" in run.output
    assert done.snapshot() == before


def test_log_of_stages_and_summary(done: Project) -> None:
    run = done.run("--logger", "stages", "-R", "gather", "--", SCORES)
    assert run.status == 0, run.output
    assert re.search(r"(?m)^scoring       1 job in \d\d:\d\d$", run.output)
    assert "Traceback" not in run.output
    assert len(run.output.splitlines()) < 6
    cli = [sys.executable, "-c", "from sisr.cli import app; app()"]
    summary = done.call([*cli, "summary", "results/tiny"], PYTHONPATH="scripts")
    assert summary.status == 0, summary.output
    for scale in (2, 4):
        table = rows(done.read(f"results/tiny/tables/x{scale}.csv"))
        first = [row for row in table if row["kernel"] == "matlab-bicubic"]
        best = max(first, key=lambda row: float(row["psnr@y-bt601"] or 0))
        (line,) = (line for line in summary.output.splitlines() if line.startswith(f"x{scale}, "))
        assert f" {float(best['psnr@y-bt601']):.2f} " in line
    assert "unavailable: " in summary.output
    assert f"Report: {done.root / 'results/tiny/report.html'}" in summary.output


def test_scores_do_not_depend_on_folder_or_cores(finished: Project, project: Project) -> None:
    """Another folder, one core, and everything made anew, also the trained weights."""
    run = project.run("--config", "scales=2", "suite=classical,trained", "--", SCORES, cores=1)
    assert run.status == 0, run.output
    assert run.jobs["train_model"] == 1
    expected = part_of(finished.read(SCORES), scale=["2"])
    assert (project.root / SCORES).read_bytes() == expected.encode()
    weights = "resources/trained/tiny/x2.safetensors"
    assert (project.root / weights).read_bytes() == (finished.root / weights).read_bytes()
