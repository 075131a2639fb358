"""A tiny project for every test, and one finished run that they share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock
from tiny_project import Project


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project that nothing was run in; to be copied, not changed."""
    return Project.create(tmp_path_factory.mktemp("template") / "project")


@pytest.fixture
def project(template: Project, tmp_path: Path) -> Project:
    """A project that nothing was run in."""
    return template.copy(tmp_path / "project")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose tiny run has reached its report, once for all workers; to be read or copied only."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "finished"
    record = folder / "output.txt"
    with FileLock(f"{folder}.lock"):
        if not record.exists():
            run = Project.create(folder / "project").run()
            record.write_text(f"status {run.status}\n{run.output}")
    output = record.read_text()
    assert output.startswith("status 0\n"), output
    return Project(folder / "project")


@pytest.fixture
def done(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished project that a test may change."""
    return finished.copy(tmp_path / "project")
