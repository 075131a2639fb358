"""A run of a dataset of pairs, made here, beside a set that the user has to bring and has not."""

from __future__ import annotations

import json
import sys

import pytest
from skimage import data
from tiny_project import CONFIG, SCORES, Project, dataset, rows, save

pytestmark = pytest.mark.workflow

SUITE = {
    "datasets": ["tiny", "pairs", "general100"],
    "kernels": ["matlab-bicubic"],
    "scales": [2],
    "models": ["nearest"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project.create(tmp_path_factory.mktemp("given") / "project")
    for name, image in (("cat", data.chelsea()[100:148, 150:214]), ("man", data.camera()[60:108, 200:264])):
        save(made.root / f"pairs/{name}_HR.png", image)
        save(made.root / f"pairs/{name}_LR_x2.PNG", image[1::2, 1::2])
    made.register("datasets", {"pairs": {**dataset("pairs"), "lr": {2: "pairs"}, "lr_kernel": "matlab-box"}})
    made.configure({**CONFIG, "suites": {"main": SUITE}})
    return made


def test_pairs_and_an_absent_set(project: Project) -> None:
    run = project.run("--", SCORES, "results/tiny/tables/x2.md", "results/tiny/site/index.html")
    assert run.status == 0, run.output
    # What is made here is not asked who made it.
    assert (run.jobs["make_lr"], run.jobs["take_lr"], run.jobs["identify_lr"]) == (1, 1, 1)
    cells = {(row["dataset"], row["kernel"]) for row in rows(project.read(SCORES))}
    assert cells == {("tiny", "matlab-bicubic"), ("pairs", "given")}
    lr = json.loads(project.read("results/tiny/lr/pairs/given/x2.json"))
    assert [image["name"] for image in lr["images"]] == ["cat_HR", "man_HR"]
    status = {row["dataset"]: row for row in rows(project.read("results/tiny/status.csv"))}
    assert status["pairs"]["status"] == "ok"
    assert status["general100"]["status"] == "unavailable"
    assert status["general100"]["reason"].startswith("no folder resources/datasets/general100: download")
    table = project.read("results/tiny/tables/x2.md")
    assert "LR by MATLAB bicubic, given (Pillow nearest, exact)" in table
    assert (
        "given by Pairs ×2 (2 of 2 images looked at): LR is pillow-nearest at x2, exactly: 0 of 3072 "
        in table
    )
    # It is not what the dataset's entry says: in the log and at the end, below the table, on the page.
    warning = "pairs x2: lr_kernel says MATLAB box, but LR is by Pillow nearest, exact"
    assert run.output.rstrip().count(f"warning: {warning}") == 1
    assert warning in project.read("results/tiny/logs/identify_lr/pairs/x2.log")
    assert f"Warning: {warning}.".replace("_", r"\_") in table
    assert f"<strong>Warning:</strong> {warning}." in project.read("results/tiny/site/index.html")
    command = [sys.executable, "-c", "from sisr.cli import app; app()", "summary", "results/tiny"]
    summary = project.call(command, PYTHONPATH=str(project.root / "scripts"))
    assert (summary.status, warning in summary.output) == (0, True), summary.output
    assert "general100: unavailable (all models): no folder" in table
    # Another LR file takes the set anew.
    save(project.root / "pairs/cat_LR_x2.PNG", data.chelsea()[100:148:2, 150:214:2])
    assert "take_lr" in project.run("--dry-run", "--", SCORES).jobs
