"""Which Pythons and platforms the pins are for: `make setup` asks for them, the README states them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet
from sisr.base.digest import file_digest
from sisr.data.assets.catalog import load
from sisr.models.libraries import BASICSR
from tiny_project import CHECKOUT

pytestmark = pytest.mark.workflow

SUPPORTED = ("3.11", "3.12", "3.13", "3.14")
#: uv's names of platforms: those with wheels for all pins, and the one without.
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin")
INTEL_MAC = "x86_64-apple-darwin"
#: Pins without a wheel, which pip builds: pure Python, and for one Python a small extension.
SOURCES = {version: ["connection-pool", "openai-clip"] for version in SUPPORTED}
SOURCES["3.14"].append("immutables")


def test_makefile_metadata_and_readme_name_the_same_pythons() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    specifiers = SpecifierSet(project["requires-python"])
    assert [f"3.{minor}" for minor in range(40) if f"3.{minor}" in specifiers] == list(SUPPORTED)
    readme = (CHECKOUT / "README.md").read_text()
    assert f"Python {SUPPORTED[0]} to {SUPPORTED[-1]}" in readme
    (heads,) = re.findall(r"^\| platform \|(.*)\|$", readme, re.MULTILINE)
    assert [head.strip() for head in heads.split("|")] == list(SUPPORTED)


@pytest.mark.parametrize("minor", [10, 15])
def test_other_pythons_are_refused_in_one_line(tmp_path: Path, minor: int) -> None:
    """A Python that says it is another."""
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo Python 3.{minor}.0 && exit\n'
        f'exec {sys.executable} -c "import sys; sys.version_info = (3, {minor}, 0)\n$2"\n'
    )
    python.chmod(0o755)
    folder = tmp_path / "project"
    folder.mkdir()
    for path in (CHECKOUT / "Makefile", CHECKOUT / "pyproject.toml", *CHECKOUT.glob("*.txt")):
        shutil.copy(path, folder)
    done = subprocess.run(
        ["make", "--no-print-directory", "setup", f"PYTHON={python}"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    first, *_ = done.stderr.splitlines()
    wanted = f"error: Python {SUPPORTED[0]} to {SUPPORTED[-1]} is needed, '{python}' is Python 3.{minor}.0; "
    assert done.returncode != 0
    assert first.startswith(wanted)
    assert not (folder / ".venv").exists()


def _pythons() -> dict[str, str]:
    """Supported Pythons on this machine, on the path or of pyenv."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = {}
    for version in SUPPORTED:
        ours = [sys.executable] if sys.version_info[:2] == tuple(map(int, version.split("."))) else []
        of_pyenv = [str(path) for path in sorted(root.glob(f"versions/{version}.*/bin/python{version}"))]
        on_path = [path for path in [shutil.which(f"python{version}")] if path and "shims" not in path]
        for python in (*ours, *of_pyenv, *on_path):
            found.setdefault(version, python)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("version", SUPPORTED)
def test_basicsr_installs_into_a_bare_environment(version: str, tmp_path: Path) -> None:
    python = _pythons().get(version)
    if python is None:
        pytest.skip(f"no Python {version} on the path or of pyenv")
    bare = tmp_path / "venv/bin/python"
    subprocess.run([python, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", bare, "install"]
    command += ["--no-compile", "--no-deps", "--requirement", CHECKOUT / "requirements-basicsr.txt"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "No matching distribution" in done.stderr and "(from versions: none)" in done.stderr:
        pytest.skip(f"the package index was not reached: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    (package,) = tmp_path.glob("venv/lib/python*/site-packages/basicsr")
    modules = [f"archs/{module}" for module, _ in BASICSR.values()]
    modules += ["train", "models/sr_model", "models/srgan_model", "models/esrgan_model", "metrics/niqe"]
    assert [module for module in modules if not (package / f"{module}.py").is_file()] == []
    (parameters,) = load()["niqe-parameters"].files
    assert file_digest(package / "metrics" / parameters.name) == parameters.check.value
    # This Python can read them.
    files = [package / f"{module}.py" for module in modules]
    subprocess.run([bare, "-m", "compileall", "-q", *files], check=True, capture_output=True)


def _resolve(uv: str, platform: str, python: str, *files: str) -> subprocess.CompletedProcess[str]:
    command = [uv, "pip", "compile", "--quiet", "--no-deps", "--no-annotate", "--no-header"]
    command += ["--python-platform", platform, "--python-version", python, "--only-binary", ":all:"]
    for name in SOURCES.get(python, []):
        command += ["--no-binary", name]
    command += [CHECKOUT / file for file in files]
    # uv takes macOS 13 where it is not told; torch's wheels are for 14.
    environment = {**os.environ, "MACOSX_DEPLOYMENT_TARGET": "14.0", "UV_NO_CONFIG": "1"}
    return subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.release
@pytest.mark.slow
def test_every_pin_has_a_wheel_for_the_stated_platforms() -> None:
    """Nothing is downloaded but the index; the packages' own files are not looked at."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        pytest.skip("no uv: make setup-dev")
    torch = "requirements-torch.txt"
    good = [
        (platform, python, "constraints.txt", torch)
        for platform in PLATFORMS
        for python in (SUPPORTED[0], SUPPORTED[-1])
    ]
    # What the README says is not to be had.
    bad = [(INTEL_MAC, SUPPORTED[0], torch), (PLATFORMS[0], "3.15", torch)]
    with ThreadPoolExecutor(len(good + bad)) as pool:
        done = dict(zip(good + bad, pool.map(lambda asked: _resolve(uv, *asked), good + bad), strict=True))
    said = "".join(run.stderr for run in done.values())
    if re.search("error sending request|dns error|timed out", said, re.IGNORECASE):
        pytest.skip(f"the package index was not reached: {said.splitlines()[0]}")
    assert {asked: done[asked].stderr for asked in good if done[asked].returncode != 0} == {}
    pinned = len(set(re.findall(r"^[\w.-]+==", (CHECKOUT / "constraints.txt").read_text(), re.MULTILINE)))
    assert all(done[asked].stdout.count("==") >= pinned for asked in good)
    for asked in bad:
        assert done[asked].returncode != 0, asked
        assert "torch" in done[asked].stderr
