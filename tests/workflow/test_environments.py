"""Conda environments, pip pins and the workflow catalogue's file say the same."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from tiny_project import CHECKOUT

pytestmark = pytest.mark.workflow

ENVIRONMENTS = sorted((CHECKOUT / "envs").glob("*.yaml"))
REQUIREMENTS = sorted(CHECKOUT.glob("requirements*.txt"))
_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([A-Za-z0-9.+!]+)$")


def normal(name: str) -> str:
    """Name of a distribution as the package index compares names."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(path: Path) -> dict[str, str]:
    """Distribution -> version of a requirements file; a line that pins nothing fails the test."""
    found = {}
    for line in path.read_text().splitlines():
        text = re.sub("#.*| --hash=.*", "", line).strip()
        if text and not text.startswith("-"):
            match = _PIN.match(text)
            assert match, f"{path.name}: '{line}' is not name==version"
            found[normal(match[1])] = match[2]
    return found


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_is_pinned_as_the_requirements_are(path: Path) -> None:
    document = yaml.safe_load(path.read_text())
    assert set(document) == {"channels", "dependencies"}
    # `nodefaults` is no keyword any more: conda asks for a channel of that name from 26.7 on.
    assert document["channels"] == ["conda-forge"]
    *of_conda, last = document["dependencies"]
    assert all(re.fullmatch(r"[a-z0-9_-]+=[0-9.]+", spec) for spec in of_conda), of_conda
    assert [spec.partition("=")[0] for spec in of_conda] == ["python", "pip"]
    required = {
        name: version
        for file in (CHECKOUT / "constraints.txt", *REQUIREMENTS)
        for name, version in pins(file).items()
    }
    assert len(last["pip"]) == len(set(last["pip"])), "a package is listed twice"
    for spec in last["pip"]:
        match = _PIN.match(spec)
        assert match, f"'{spec}' is not name==version"
        assert required[normal(match[1])] == match[2], f"{spec} differs from the requirements"


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_environment_pins_also_what_its_packages_need(path: Path) -> None:
    listed = {
        normal(spec.partition("==")[0])
        for spec in yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]
    }
    needed = set()
    for name in listed:
        for text in metadata.requires(name) or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed.add(normal(requirement.name))
    # PyTorch pins its own builds of CUDA's libraries, where it has any.
    assert {name for name in needed - listed if not name.startswith(("nvidia-", "triton", "cuda-"))} == set()


def test_all_environments_and_the_image_have_the_same_python() -> None:
    (image,) = re.findall(r"^FROM python:([0-9.]+)", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)
    pythons = {yaml.safe_load(path.read_text())["dependencies"][0] for path in ENVIRONMENTS}
    assert pythons == {f"python={'.'.join(image.split('.')[:2])}"}


def test_snakemake_takes_nothing_but_the_yaml_and_what_torch_needs_besides() -> None:
    """A pin file beside a YAML would be read in its place."""
    more = {path.name for path in (CHECKOUT / "envs").iterdir()} - {path.name for path in ENVIRONMENTS}
    assert more == {"torch.post-deploy.sh"}


def test_basicsr_is_installed_alike() -> None:
    """It cannot stand in the lists: pip would bring its dependencies, with a second OpenCV."""
    file = CHECKOUT / "requirements-basicsr.txt"
    (name,) = pins(file)
    for recipe, option in (("Makefile", "-r"), ("Dockerfile", "--requirement")):
        assert f"--no-deps {option} {file.name}\n" in (CHECKOUT / recipe).read_text()
    script = (CHECKOUT / "envs/torch.post-deploy.sh").read_text()
    (inline,) = re.findall(r"--no-deps .*<<'BASICSR'\n(.*\n)BASICSR$", script, re.MULTILINE)
    assert inline == file.read_text().splitlines(keepends=True)[-1]
    environment = yaml.safe_load((CHECKOUT / "envs/torch.yaml").read_text())
    listed = {spec.partition("==")[0] for spec in environment["dependencies"][-1]["pip"]}
    # What its networks and its training import.
    assert {"torch", "torchvision", "opencv-contrib-python-headless"} <= listed
    assert {"lmdb", "requests", "scipy", "pyyaml", "tqdm", "pillow"} <= listed
    assert name not in {name for other in REQUIREMENTS if other != file for name in pins(other)}


def test_every_environment_of_a_rule_exists_and_is_used() -> None:
    rules = "".join(path.read_text() for path in (CHECKOUT / "workflow/rules").rglob("*.smk"))
    named = set(re.findall(r'"(?:\.\./)+envs/([a-z]+\.yaml)"', rules))
    assert named == {path.name for path in ENVIRONMENTS}


def test_what_the_workflow_imports_is_light_and_in_every_environment_that_reads_it() -> None:
    """Every start of Snakemake, one a job, imports it; and so does the report, in its own environment."""
    text = "\n".join(path.read_text() for path in sorted((CHECKOUT / "workflow").rglob("*.smk")))
    imports = "\n".join(re.findall(r"^from sisr.*$", text, re.MULTILINE))
    code = f"{imports}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT / "scripts", capture_output=True, text=True, check=True
    )
    heavy = {"torch", "torchvision", "cv2", "scipy", "pandas", "matplotlib", "skimage", "onnxruntime", "ncnn"}
    assert set(done.stdout.split()) & heavy == set()


def test_constraints_hold_every_requirement() -> None:
    constraints = pins(CHECKOUT / "constraints.txt")
    # `pip freeze` leaves out the tools that build packages.
    required = {
        name: version
        for file in REQUIREMENTS
        for name, version in pins(file).items()
        if name not in ("setuptools", "wheel")
    }
    assert {name: constraints.get(name) for name in required} == required


def test_workflow_catalogue_can_show_the_workflow() -> None:
    document = yaml.safe_load((CHECKOUT / ".snakemake-workflow-catalog.yml").read_text())
    usage = document["usage"]
    assert set(usage["mandatory-flags"]) == {"desc", "flags"}
    assert usage["software-stack-deployment"] == {"conda": True}
    assert usage["report"] is True
    assert (CHECKOUT / "workflow/Snakefile").is_file()
    files = [path for path in (CHECKOUT / "workflow/rules").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".smk"}


def test_workflow_catalogue_finds_the_documentation() -> None:
    assert (CHECKOUT / "config/README.md").is_file()
    text = (CHECKOUT / "README.md").read_text().lower()
    assert "snakemake" in text
    assert "workflow" in text


def test_continuous_integration_runs_what_the_readme_says() -> None:
    document = yaml.safe_load((CHECKOUT / ".github/workflows/ci.yml").read_text())
    steps = [step for job in document["jobs"].values() for step in job["steps"]]
    commands = [line.strip() for step in steps for line in step.get("run", "").splitlines()]
    readme = (CHECKOUT / "README.md").read_text()
    for command in (
        "make demo",
        "make test",
        "snakemake --cores all --use-conda --configfile config/demo.yaml",
    ):
        assert command in commands
        assert command in readme
    assert {"snakemake -n", "snakemake -n --configfile config/demo.yaml"} <= {*commands}
    assert any(step.get("uses", "").startswith("actions/upload-artifact@") for step in steps)
    pythons = document["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert pythons == ["3.11", "3.14"], "the oldest and the newest that are supported"
