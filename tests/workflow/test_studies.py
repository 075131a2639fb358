"""Studies as rules: what is planned, and one that is run and shown in the report."""

from __future__ import annotations

import json

import pytest
from sisr.studies import STUDIES
from skimage import data
from tiny_project import CONFIG, Project, dataset, rows, save

pytestmark = pytest.mark.workflow

SMALL = {
    **CONFIG,
    "name": "studied",
    "suites": {
        "main": {
            "datasets": ["larger"],
            "kernels": ["matlab-bicubic"],
            "scales": [2],
            "models": ["nearest", "bicubic", "lanczos"],
        }
    },
    "metrics": ["psnr@y-bt601"],
    "crops": {"per_set": 0},
    "studies": ["interpolation"],
}


@pytest.fixture
def studied(project: Project) -> Project:
    """A project whose run has an image that is large enough and a study in its report."""
    save(project.root / "larger/coffee.png", data.coffee()[100:244, 200:344])
    project.register("datasets", {"larger": dataset("larger")})
    project.configure(SMALL)
    return project


def test_all_studies_are_planned(studied: Project) -> None:
    run = studied.run("--dry-run", "--", "studies")
    assert run.status == 0, run.output
    assert {f"study_{name}": 1 for name in STUDIES}.items() <= run.jobs.items()
    # No network in the run: tiles are studied on the one that the workflow trains.
    assert run.jobs["train_model"] == 1


def test_report_shows_the_studies_of_the_config(studied: Project) -> None:
    assert studied.run("--dry-run").jobs.get("study_interpolation") == 1
    none = studied.run("--dry-run", "--config", "studies=[]")
    assert none.status == 0, none.output
    assert not any(rule.startswith("study") for rule in none.jobs)
    wrong = studied.run("--dry-run", "--config", "studies=interpolatoin")
    assert wrong.errors == {
        "config: studies.0: 'interpolatoin' is not one of ['interpolation', 'misr', 'tiling', "
        "'upscaling_layers', 'deconvolution', 'evaluation', 'pixel_art', 'alignment']"
    }


def test_a_module_with_a_prefix_has_studies_too(studied: Project) -> None:
    (studied.root / "Snakefile").write_text(
        "module sr:\n"
        '    snakefile: "workflow/Snakefile"\n'
        "    config: config\n"
        '    prefix: "sr"\n\n'
        "use rule * from sr\n"
    )
    run = studied.run("--snakefile", "Snakefile", "--dry-run")
    assert run.status == 0, run.output
    assert run.jobs["study_interpolation"] == 1
    assert "sr/results/studied/studies/interpolation_kernels.svg" in run.output


def test_a_study_runs_and_its_caption_has_its_numbers(studied: Project) -> None:
    run = studied.run()
    assert run.status == 0, run.output
    folder = studied.root / "results/studied/studies"
    table = rows((folder / "interpolation.csv").read_text())
    quality = {row["method"]: float(row["value"]) for row in table if row["part"] == "image"}
    assert quality["nearest"] < quality["linear"] < quality["cubic"] < quality["Lanczos"]
    assert (folder / "interpolation_kernels.svg").read_text().startswith("<?xml")
    (first, *_) = json.loads((folder / "interpolation.json").read_text())["findings"]
    report = (studied.root / "results/studied/report.html").read_text()
    assert "Studies" in report
    assert first[:40] in report
    assert studied.run().jobs == {}


def test_images_that_are_too_small_are_one_line(project: Project) -> None:
    run = project.run("--", "study_interpolation")
    assert run.status != 0
    assert run.errors == {"results/tiny/hr/tiny.json: no image of at least 120x120 for a study"}
