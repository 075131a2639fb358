"""What the tests of clusters share: a small benchmark, its scores, the executors' plugins, and Slurm."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster_run import SMALL
from deployments import Bare, Hosted
from filelock import FileLock
from one_node_slurm import OneNodeSlurm, missing
from tiny_project import CHECKOUT, Project


def _shared(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder that all workers of a test session know."""
    base = factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / name


@pytest.fixture(scope="session")
def small_template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(tmp_path_factory.mktemp("small") / "project")
    project.configure(SMALL)
    return project


@pytest.fixture
def small(small_template: Project, tmp_path: Path) -> Project:
    """The small benchmark, in which nothing was run."""
    return small_template.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The small benchmark's ``scores.csv``, from a run in this environment with one core."""
    folder = _shared(tmp_path_factory, "small-scores")
    scores = folder / "project/results/tiny/scores.csv"
    with FileLock(f"{folder}.lock"):
        if not scores.exists():
            project = Project.create(folder / "project")
            project.configure(SMALL)
            run = project.run("--", "results/tiny/scores.csv", cores=1)
            assert run.status == 0, run.output
    return scores.read_bytes()


def _environment(folder: Path, *installs: list[str | Path]) -> Path:
    """Python of an environment with more packages on top of this one's; made once for all workers."""
    python = folder / "bin/python"
    with FileLock(f"{folder}.lock"):
        if not (folder / "ready").exists():
            subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
            own = sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)})
            (Path(own) / "base.pth").write_text(sysconfig.get_path("purelib") + "\n")
            pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-compile"]
            for install in installs:
                done = subprocess.run([*pip, *install], capture_output=True, text=True, check=False)
                if done.returncode != 0:
                    pytest.skip(f"packages cannot be installed: {done.stderr.strip().splitlines()[-1]}")
            (folder / "ready").touch()
    return python


@pytest.fixture(scope="session")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the executors' plugins.

    They are not in the environment of the other tests: Slurm's plugin asks the cluster at every call.
    """
    requirements = CHECKOUT / "requirements-cluster.txt"
    return _environment(_shared(tmp_path_factory, "plugins"), ["-r", requirements])


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment with the plugins for object storage and Kubernetes, and a server for tests."""
    requirements = CHECKOUT / "requirements-cluster.txt"
    s3 = ["-r", CHECKOUT / "s3-requirements.txt", "moto[server]==5.2.5"]
    return _environment(_shared(tmp_path_factory, "storage"), ["-r", requirements], s3)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Bare:
    """An environment with Snakemake alone, of the pinned version."""
    folder = _shared(tmp_path_factory, "bare")
    (pin,) = re.findall(r"^snakemake==.*$", (CHECKOUT / "requirements.txt").read_text(), re.MULTILINE)
    with FileLock(f"{folder}.lock"):
        if not (folder / "ready").exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            pip = [
                folder / "bin/pip",
                "install",
                "--quiet",
                pin,
                "--constraint",
                CHECKOUT / "constraints.txt",
            ]
            done = subprocess.run(pip, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                pytest.skip(f"Snakemake cannot be installed: {done.stderr.strip().splitlines()[-1]}")
            (folder / "ready").touch()
    return Bare(folder / "bin")


@pytest.fixture(scope="session")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Hosted:
    """The current tree as a tagged repository, here and as a host has it."""
    return Hosted.create(tmp_path_factory.mktemp("hosted"))


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneNodeSlurm]:
    """A Slurm cluster of one node, for this worker."""
    if reason := missing():
        pytest.skip(reason)
    cluster = OneNodeSlurm.start(tmp_path_factory.mktemp("slurm") / "root")
    try:
        yield cluster
    finally:
        cluster.stop()
