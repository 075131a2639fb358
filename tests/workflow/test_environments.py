"""Conda environments, pip pins and the workflow catalogue's file say the same."""

from __future__ import annotations

import re
import shutil
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
    assert document["channels"] == ["conda-forge", "nodefaults"]
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


def conda_pins(environment: Path) -> dict[str, str]:
    """Package of conda-forge -> version, of the environment's pin file."""
    lines = environment.with_suffix(".linux-64.pin.txt").read_text().splitlines()
    listed = [line for line in lines if not line.startswith("#")]
    matches = [re.fullmatch(r"conda-forge::([a-z0-9_.-]+)=([\w.]+)=(\w+)", line) for line in listed]
    assert all(matches), listed
    found = {match[1]: match[2] for match in matches if match}
    assert [match[1] for match in matches if match] == sorted(found)
    return found


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_pin_file_is_a_choice_of_what_the_environment_asks_for(path: Path) -> None:
    pinned = conda_pins(path)
    for spec in yaml.safe_load(path.read_text())["dependencies"][:-1]:
        name, _, version = spec.partition("=")
        assert f"{pinned[name]}.".startswith(f"{version}."), spec
    assert pinned == conda_pins(ENVIRONMENTS[0]), "all environments have the same Python"
    (image,) = re.findall(r"^FROM python:([0-9.]+)", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)
    assert pinned["python"] == image


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.stem)
def test_post_deploy_script_has_the_pins_of_pip(path: Path) -> None:
    """With a pin file Snakemake does not read the YAML, and the script alone brings pip's packages."""
    script = path.with_suffix(".post-deploy.sh").read_text()
    (listed,) = re.findall(r"<<'PINS'\n(.*?)^PINS$", script, re.DOTALL | re.MULTILINE)
    assert listed.split() == yaml.safe_load(path.read_text())["dependencies"][-1]["pip"]


def test_a_changed_pin_comes_into_the_post_deploy_script(tmp_path: Path) -> None:
    folder = shutil.copytree(CHECKOUT / "envs", tmp_path / "envs")
    environment = folder / "base.yaml"
    environment.write_text(environment.read_text().replace("- pillow==", "- pillow==1."))
    subprocess.run([sys.executable, folder / "lock.py"], check=True)
    for path in folder.glob("*.sh"):
        expected = (CHECKOUT / "envs" / path.name).read_text()
        if path.name == "base.post-deploy.sh":
            expected = expected.replace("pillow==", "pillow==1.")
        assert path.read_text() == expected
    # Without conda, its own packages cannot be resolved.
    command = [sys.executable, folder / "lock.py", "--conda"]
    done = subprocess.run(command, env={"PATH": ""}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "error: envs/lock.py --conda needs conda, which is not here\n",
    )


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
    rules = "".join(path.read_text() for path in (CHECKOUT / "workflow/rules").glob("*.smk"))
    named = set(re.findall(r'"\.\./\.\./envs/([a-z]+\.yaml)"', rules))
    assert named == {path.name for path in ENVIRONMENTS}


def test_what_the_workflow_imports_is_light_and_in_every_environment_that_reads_it() -> None:
    """Every start of Snakemake, one a job, imports it; and so does the report, in its own environment."""
    text = (CHECKOUT / "workflow/rules/common.smk").read_text()
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
    assert {path.suffix for path in (CHECKOUT / "workflow/rules").iterdir()} == {".smk"}


def test_workflow_catalogue_finds_the_documentation() -> None:
    assert (CHECKOUT / "config/README.md").is_file()
    text = (CHECKOUT / "README.md").read_text().lower()
    assert "snakemake" in text
    assert "workflow" in text
