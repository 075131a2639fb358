"""The RO-Crate of a run: valid by the community's own tool, and enough to make the run again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys

import pytest
from crate_validator import CannotInstall, Validator
from filelock import FileLock
from tiny_project import SCORES, Project, Run, rows

pytestmark = pytest.mark.workflow

RESULTS = "results/tiny"
#: What the profile recommends and a run cannot know, by check: who ran it and who publishes it, an address of
#: this workflow, and one of a package that states none.  The workflow is a file here, so its id is relative.
NOT_KNOWN = {
    ("process-run-crate-0.5_8.6", "./#run"),
    ("ro-crate-1.1_22.3", "./"),
    ("ro-crate-1.1_31.2", "./#authors"),
    ("process-run-crate-0.5_3.2", "./code/workflow/Snakefile"),
    ("process-run-crate-0.5_3.2", "./#software-spandrel"),
    ("process-run-crate-0.5_5.1", "http://schema.org/SoftwareApplication"),
    ("process-run-crate-0.5_5.1", "http://schema.org/SoftwareSourceCode"),
    ("process-run-crate-0.5_5.1", "https://bioschemas.org/ComputationalWorkflow"),
}


@pytest.fixture(scope="session")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Validator:
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "crate-validator"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            try:
                Validator.install(folder)
            except CannotInstall as error:
                pytest.skip(f"the validator cannot be installed: {error}")
    return Validator(folder)


def reproduce(project: Project, crate: str, *options: str) -> Run:
    code = "from sisr.cli import app; app()"
    command = [sys.executable, "-c", code, "reproduce", crate, "--cores", "2", *options]
    return project.call(command, PYTHONPATH=str(project.root / "scripts"))


def test_the_crate_is_a_valid_workflow_run_crate(finished: Project, validator: Validator) -> None:
    folder = finished.root / RESULTS
    assert validator.issues(folder, "required") == []
    left = {
        (issue["check"]["identifier"], issue["violatingEntity"])
        for issue in validator.issues(folder, "recommended")
    }
    assert left <= NOT_KNOWN, left - NOT_KNOWN


def test_a_damaged_crate_is_not_valid(done: Project, validator: Validator) -> None:
    """The validator is awake: it misses a file, and the workflow's language."""
    folder = done.root / RESULTS
    (folder / "scores.csv").unlink()
    path = folder / "ro-crate-metadata.json"
    path.write_text(path.read_text().replace('"programmingLanguage"', '"language"'))
    found = " ".join(issue["message"] for issue in validator.issues(folder, "required"))
    assert "scores.csv" in found
    assert "programmingLanguage" in found


def test_the_crate_says_what_made_the_run(finished: Project) -> None:
    folder = finished.root / RESULTS
    graph = json.loads((folder / "ro-crate-metadata.json").read_text())["@graph"]
    entities = {entity["@id"]: entity for entity in graph}
    for name in ("scores.csv", "status.csv", "timings.csv", "config.yaml", "report.html", "site/index.html"):
        content = (folder / name).read_bytes()
        assert entities[name]["sha256"] == hashlib.sha256(content).hexdigest()
        assert entities[name]["contentSize"] == str(len(content))

    run = entities["#run"]
    inputs = {item["@id"] for item in run["object"]}
    # An asset that could not be had is described, but did not go in.
    assert inputs == {"config.yaml", "#asset-tiny-train", "#asset-damaged"}
    assert "unavailable" in entities["#asset-gone"]["creativeWorkStatus"]
    (file,) = [entities["#asset-tiny-train"]["hasPart"]]
    train = (finished.root / "files/train.png").read_bytes()
    assert entities[file["@id"]]["sha256"] == hashlib.sha256(train).hexdigest()
    assert {"scores.csv", "tables/x2.csv"} <= {item["@id"] for item in run["result"]}
    assert run["startTime"] < run["endTime"]

    workflow = entities["code/workflow/Snakefile"]
    assert run["instrument"] == {"@id": workflow["@id"]}
    assert workflow["programmingLanguage"]["@id"].endswith("#snakemake")
    versions = {entities[item["@id"]]["name"] for item in workflow["softwareRequirements"]}
    assert {"Python", "numpy", "torch", "snakemake"} <= versions
    for name in ("workflow/Snakefile", "scripts/sisr/scoring/metrics/structural.py", "config/models.yaml"):
        assert (folder / "code" / name).read_bytes() == (finished.root / name).read_bytes()
    assert not list((folder / "code").rglob("__pycache__"))


def test_timings_have_a_row_for_every_job_of_upscaling_and_scoring(finished: Project) -> None:
    timings = rows(finished.read(f"{RESULTS}/timings.csv"))
    status = rows(finished.read(f"{RESULTS}/status.csv"))
    cell = ("dataset", "kernel", "scale", "model", "status")
    for job in ("upscale", "score"):
        found = [[row[key] for key in cell] for row in timings if row["job"] == job]
        assert found == [[row[key] for key in cell] for row in status]
    for row in timings:
        assert (row["shard"], row["attempt"], row["device"], row["threads"]) == ("0of1", "1", "cpu", "1")
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", row["started"])
        assert float(row["seconds"]) >= float(row["compute_seconds"])
        assert float(row["cpu_seconds"]) > 0
        assert row["host"]
        assert row["hardware"]
    # PyTorch alone takes more than the interpolations do altogether.
    memory = {row["model"]: float(row["peak_mib"]) for row in timings if row["job"] == "upscale"}
    assert 20 < memory["nearest"] < memory["tiny-espcn"] < 2000


def test_a_retried_job_says_so(done: Project) -> None:
    line = "with job(snakemake.log[0]):\n"
    fail = "    if snakemake.resources.attempt == 1:\n        raise SystemExit(1)\n"
    done.edit("scripts/upscale.py", line, line + fail)
    status = f"{RESULTS}/sr/tiny/matlab-bicubic/x2/bicubic/0of1.json"
    run = done.run("--retries", "1", "--", status)
    assert run.status == 0, run.output
    assert json.loads(done.read(status))["job"]["attempt"] == 2


def test_a_run_is_reproduced_and_a_tampered_one_is_not(done: Project) -> None:
    again = reproduce(done, RESULTS)
    assert again.status == 0, again.output
    found = "results/tiny-reproduced/results/tiny/scores.csv"
    assert again.output.splitlines()[-1].endswith(f"{found}: identical: the same 78 scores, byte for byte")
    assert (done.root / found).read_bytes() == (done.root / SCORES).read_bytes()
    # Trained weights are made anew, downloads are shared.
    trained = done.root / "results/tiny-reproduced/resources/trained/tiny/x2.safetensors"
    assert trained.read_bytes() == (done.root / "resources/trained/tiny/x2.safetensors").read_bytes()
    assert not trained.samefile(done.root / "resources/trained/tiny/x2.safetensors")
    assert "warning: the commit of the run is unknown" in again.output
    assert "the code is another one" not in again.output

    # The new run is there, so from here on only the comparison is done.
    text = done.read(SCORES)
    first = rows(text)[0]
    value = first["value"]

    (done.root / SCORES).write_text(text.replace(f",{value}\n", f",{float(value) + 1:.6f}\n", 1))
    # No table is made of it in silence.
    (error,) = done.run("--", f"{RESULTS}/tables/x2.csv").errors
    assert f"{SCORES}: altered after the run gathered it: sha256 " in error
    seen = reproduce(done, f"{RESULTS}/ro-crate-metadata.json")
    assert seen.status == 1
    assert "warning: scores.csv was changed after the crate was made" in seen.output
    (error,) = seen.errors
    assert "not reproduced: 1 of 78 scores differ in digits that are shown" in error
    where = f"psnr@y-bt601 of {first['image']} (tiny, {first['kernel']} x{first['scale']}, {first['model']})"
    assert where in error
    assert f"{float(value):g} here, difference 1" in error

    (done.root / SCORES).write_text(text)

    # Other code is said, and an asset whose file is not what it was is not taken for it.
    done.edit("scripts/sisr/scoring/metrics/structural.py", "(0.01 * peak) ** 2", "(0.02 * peak) ** 2")
    (done.root / "resources/assets/tiny-train/train.png").write_bytes(b"another")
    other = reproduce(done, RESULTS)
    assert other.status == 1
    assert "warning: the code is another one: scripts/sisr/scoring/metrics/structural.py" in other.output
    assert "not the same inputs: asset 'tiny-train': train.png is sha256" in other.output


def test_a_failing_run_is_one_line(done: Project) -> None:
    """The images are gone: Snakemake's error is said, and where its log is."""
    for path in (done.root / "images").iterdir():
        path.unlink()
    run = reproduce(done, RESULTS, "--out", "elsewhere")
    assert run.status == 1
    (error,) = run.errors
    assert error.startswith("elsewhere/reproduce.log: Snakemake ended with status 1: images: no image in")
    # The same folder is no place for another run.
    config = done.read(f"{RESULTS}/config.yaml")
    (done.root / RESULTS / "config.yaml").write_text(config.replace("seed: 0", "seed: 1"))
    other = reproduce(done, RESULTS, "--out", "elsewhere")
    assert other.errors == {"elsewhere: holds another run's reproduction; give another folder with --out"}
    assert "seed: 0" in done.read("elsewhere/config.yaml")
