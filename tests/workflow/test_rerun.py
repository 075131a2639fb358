"""What an edit makes run again, and what it does not."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest
import yaml
from skimage import data
from tiny_project import CHECKOUT, CONFIG, SCORES, Project, part_of, rows, save

pytestmark = pytest.mark.workflow

#: Jobs that draw the results of the whole run.
SHOW = {
    "tables": 2,
    "comparison": 2,
    "robustness": 2,
    "plots": 2,
    "crops": 4,
    "render_report": 1,
    "render_site": 1,
    "crate": 1,
    "all": 1,
}
#: The table of scores, and the record of what made it.
GATHER = {"gather": 1, "provenance": 1}
#: The phase audit follows the images, not the scores.
AUDIT = {"phase_kernels": 1, "phase_models": 2}
ONE_SET = ("kernels=matlab-bicubic", "scales=2")


def planned(project: Project) -> dict[str, int]:
    run = project.run("--dry-run")
    assert run.status == 0, run.output
    return run.jobs


def test_editing_ssim_reruns_scoring_and_what_follows(done: Project, finished: Project) -> None:
    done.edit("scripts/sisr/scoring/metrics/structural.py", "(0.01 * peak) ** 2", "(0.02 * peak) ** 2")
    assert planned(done) == {"score": 17, **GATHER, "site_images": 17, **SHOW}

    before = done.snapshot("results/tiny/sr")
    run = done.run("--config", *ONE_SET, "models=nearest,bicubic", "--", SCORES)
    assert run.status == 0, run.output
    assert run.jobs == {"score": 2, "gather": 1}
    assert done.snapshot("results/tiny/sr") == before
    cells = {"kernel": ["matlab-bicubic"], "scale": ["2"], "model": ["nearest", "bicubic"]}
    old = part_of(finished.read(SCORES), **cells)
    assert part_of(done.read(SCORES), metric=["psnr"]) == part_of(old, metric=["psnr"])
    assert part_of(done.read(SCORES), metric=["ssim"]) != part_of(old, metric=["ssim"])


def test_editing_what_a_model_does_reruns_its_cells(done: Project) -> None:
    done.edit("config/models.yaml", "method: pillow-lanczos", "method: pillow-bilinear")
    of_cells = {"upscale": 4, "score": 4, **GATHER, "phase_set": 4, "site_images": 4}
    assert planned(done) == {**of_cells, **AUDIT, **SHOW}


def test_editing_a_label_redraws_only(done: Project) -> None:
    done.edit("config/models.yaml", "label: Lanczos", "label: Lanczos 3")
    assert planned(done) == {"phase_models": 2, **SHOW}


def test_editing_a_citation_reruns_nothing(done: Project) -> None:
    """But for the site, which shows it beside the model's numbers."""
    done.edit("config/models.yaml", "Appl. Meteorology 18(8), 1979", "Appl. Meteorology 18, 1979")
    assert set(planned(done)) <= {"render_report", "render_site", "crate", "all"}


def test_inference_options_rerun_pytorch_models_only(done: Project) -> None:
    """Also those without weights, whose jobs are soon done.  What is the default changes nothing."""
    done.configure({**CONFIG, "inference": {"precision": "fp32", "tile": 0}})
    assert set(planned(done)) <= {"provenance", "render_report", "render_site", "crate", "all"}
    done.configure({**CONFIG, "inference": {"precision": "bf16"}})
    jobs = planned(done)
    assert (jobs["upscale"], jobs["score"]) == (5, 5)
    assert "train_model" not in jobs
    run = done.run("--config", *ONE_SET, "models=nearest,tiny-espcn", "--", "results/tiny/status.csv")
    assert run.status == 0, run.output
    assert run.jobs["upscale"] == 1
    notes = {row["model"]: row["notes"] for row in rows(done.read("results/tiny/status.csv"))}
    assert notes == {"nearest": "", "tiny-espcn": "precision bf16"}
    done.configure({**CONFIG, "inference": {"precision": "tf32"}})
    refused = done.run("--dry-run")
    assert refused.status != 0
    assert "inference: precision tf32 exists on CUDA only, the device is cpu" in refused.output


def test_editing_a_recipe_retrains_its_model_only(done: Project) -> None:
    done.edit("config/training/tiny.yaml", "iterations: 5", "iterations: 6")
    audit = {"curves": 1, "phase_set": 1, "phase_kernels": 1, "phase_models": 1, "site_images": 1}
    assert planned(done) == {"train_model": 1, "upscale": 1, "score": 1, **GATHER, **audit, **SHOW}


def test_adding_a_model_runs_its_cells_and_the_tables(done: Project, finished: Project) -> None:
    classical = CONFIG["suites"]["classical"]
    more = {**classical, "models": [*classical["models"], "bilinear"]}
    done.configure({**CONFIG, "suites": {**CONFIG["suites"], "classical": more}})
    of_cells = {"upscale": 4, "score": 4, **GATHER, "phase_set": 4, "site_images": 4}
    assert planned(done) == {**of_cells, **AUDIT, **SHOW}

    run = done.run("--config", *ONE_SET, "models=bicubic,bilinear", "--", SCORES)
    assert run.status == 0, run.output
    assert run.jobs == {"upscale": 1, "score": 1, "gather": 1}
    cells = {"kernel": ["matlab-bicubic"], "scale": ["2"], "model": ["bicubic"]}
    assert part_of(done.read(SCORES), model=["bicubic"]) == part_of(finished.read(SCORES), **cells)
    assert len(done.read(SCORES).splitlines()) == 1 + 2 * 3 * 2


def test_a_new_image_in_a_folder_of_ones_own_is_noticed(done: Project) -> None:
    save(done.root / "images/coffee.png", data.coffee()[100:148, 200:264])
    jobs = planned(done)
    assert (jobs["prepare_dataset"], jobs["make_lr"], jobs["upscale"]) == (1, 4, 17)
    assert "train_model" not in jobs


def test_what_means_nothing_reruns_nothing(done: Project) -> None:
    """A comment in every module and script, a citation, entries that the run does not use."""
    for path in (done.root / "scripts").rglob("*.py"):
        path.write_text(path.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    done.edit("config/metrics.yaml", "Huynh-Thu and Ghanbari, Scope", "Huynh-Thu, Ghanbari: Scope")
    for registry in ("metrics", "kernels", "models", "datasets"):
        entries = yaml.safe_load(done.read(f"config/{registry}.yaml"))
        unused = {"metrics": "ms-ssim", "kernels": "bsrgan", "models": "bilinear", "datasets": "set5"}[
            registry
        ]
        done.register(registry, {"unused": entries[unused]})
    library = done.root / "scripts/sisr"
    for folder, module in (("models/archs", "imdn"), ("scoring/metrics", "niqe"), ("lr/kernels", "jpeg")):
        text = (library / folder / f"{module}.py").read_text(encoding="utf-8")
        (library / folder / "unused.py").write_text(text, encoding="utf-8")
    assert planned(done) == {}


def test_an_installed_package_reruns_nothing_until_it_is_used(done: Project, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(CHECKOUT / "docs/examples/laboratory/laboratory", site / "laboratory")
    project = tomllib.loads((CHECKOUT / "docs/examples/laboratory/pyproject.toml").read_text())["project"]
    information = site / "sisr_laboratory-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: sisr-laboratory\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {code}\n" for name, code in points.items())
            for group, points in project["entry-points"].items()
        )
    )
    run = done.call(done.command("--dry-run"), PYTHONPATH=str(site))
    assert (run.status, run.jobs) == (0, {}), run.output

    done.configure({**CONFIG, "metrics": [*CONFIG["metrics"], "mae@rgb"]})
    run = done.call(done.command("--dry-run"), PYTHONPATH=str(site))
    assert run.jobs["score"] == 17, run.output
    assert "upscale" not in run.jobs
    chosen = ("--config", *ONE_SET, "models=nearest", "--", SCORES)
    run = done.call(done.command(*chosen), PYTHONPATH=str(site))
    assert run.status == 0, run.output
    assert run.jobs == {"score": 1, "gather": 1}
    assert len(part_of(done.read(SCORES), metric=["mae"]).splitlines()) == 1 + 3
    without = done.run("--dry-run")
    assert "measure 'mae@rgb': unknown metric 'mae'; known: " in without.output


@pytest.mark.parametrize(
    ("file", "old", "new", "first"),
    [
        ("scripts/sisr/report/figures/plots.py", "alpha=0.65", "alpha=0.6", {"plots": 2}),
        (
            "scripts/tables.py",
            "Path(snakemake.input.status)",
            "Path(str(snakemake.input.status))",
            {"tables": 2},
        ),
        ("scripts/sisr/report/figures/critical_difference.py", "0.12, text", "0.13, text", {"comparison": 2}),
    ],
)
def test_a_line_of_what_is_shown_reruns_it_and_what_shows_it(
    done: Project, file: str, old: str, new: str, first: dict[str, int]
) -> None:
    path = done.root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    jobs = planned(done)
    assert first.items() <= jobs.items()
    assert set(jobs) <= {*first, "render_report", "render_site", "crate", "all"}
