"""The plans of the full benchmark and the demo, made but not run."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from sisr.base import registry
from sisr.run import config
from tiny_project import CHECKOUT, Project

pytestmark = pytest.mark.workflow

DEMO = "config/demo.yaml"


@pytest.mark.parametrize("configfile", [None, DEMO], ids=["benchmark", "demo"])
def test_whole_plan_has_one_job_a_cell_and_shard(project: Project, configfile: str | None) -> None:
    run = project.run("--dry-run", configfile=configfile)
    assert run.status == 0, run.output
    planned = config.read(registry.read_yaml(CHECKOUT / (configfile or "config/config.yaml")))
    datasets = registry.load("datasets")
    cells = sum(datasets[cell.dataset].get("shards", 1) for cell in planned.cells)
    sets = planned.sets()
    assert (run.jobs["upscale"], run.jobs["score"]) == (cells, cells)
    drawn = [kernel for _, kernel, _ in sets if kernel in planned.crop_kernels]
    assert (run.jobs["make_lr"], run.jobs["phase_set"], run.jobs["crops"]) == (
        len(sets),
        len(sets),
        len(drawn),
    )
    scales = len(planned.values("scale"))
    assert (run.jobs["phase_kernels"], run.jobs["phase_models"], run.jobs["robustness"]) == (1, scales, 1)
    assert run.jobs["prepare_dataset"] == len(planned.values("dataset"))
    assert (run.jobs["tables"], run.jobs["plots"]) == (scales, scales)
    assert (run.jobs["render_report"], run.jobs["render_site"]) == (1, 1)
    assert (run.jobs["site_images"], run.jobs["site_originals"]) == (len(planned.cells), len(sets))
    assert not (project.root / "results").exists()
    if configfile is None:
        # Three sets, two scales, 43 models, Urban100 in four shards and without one of them:
        # 2 x (43 + 43 + 4 x 42).  Robustness: 12 models on 24 kernels beside MATLAB bicubic.
        assert cells == 508 + 288


@pytest.mark.parametrize(
    ("restriction", "cells"),
    [
        (("datasets=set5", "scales=2"), 43),
        (("datasets=set5,set14", "scales=4", "models=bicubic,vdsr"), 4),
        (("datasets=[set5,set14]", "scales=[2,4]", "models=[bicubic]"), 4),
        (("suite=small_sets", "models=bicubic"), 4),
    ],
)
def test_restrictions_need_no_edit(project: Project, restriction: tuple[str, ...], cells: int) -> None:
    run = project.run("--dry-run", "--config", *restriction, configfile=None)
    assert run.status == 0, run.output
    assert run.jobs["upscale"] == cells
    scales = {"2", "4"} if "scales=" not in " ".join(restriction) else set()
    for item in restriction:
        if item.startswith("scales="):
            scales = set(re.findall(r"\d", item))
    assert set(re.findall(r"results/benchmark/tables/x(\d)\.csv", run.output)) == scales


def test_fetch_target_holds_every_asset_of_the_run(project: Project) -> None:
    run = project.run("--dry-run", "--config", "datasets=set5", "--", "fetch", configfile=None)
    assert run.status == 0, run.output
    assert set(run.jobs) == {"fetch_asset", "fetch"}
    for asset in ("set5", "vdsr", "skimage-train", "lpips-backbones", "ncnn-span"):
        assert f"resources/assets/{asset}.json" in run.output


@pytest.mark.parametrize("configfile", [None, DEMO], ids=["benchmark", "demo"])
def test_lint_is_clean(project: Project, configfile: str | None) -> None:
    run = project.run("--lint", configfile=configfile)
    assert run.status == 0, run.output
    assert "Congratulations" in run.output


def test_no_function_of_the_workflow_hides_another() -> None:
    """All .smk files share one namespace, where the last definition of a name wins without a word."""
    folder = CHECKOUT / "workflow"
    named = [
        name
        for file in folder.rglob("*.smk")
        for name in re.findall(r"^def (\w+)", file.read_text(), re.MULTILINE)
    ]
    assert sorted(name for name, count in Counter(named).items() if count > 1) == []
