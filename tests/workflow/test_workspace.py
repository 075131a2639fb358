"""The folder that a run works in: writable or not, and locks that a killed run left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sisr.base.errors import ConfigError
from sisr.run.workspace import join_runs, require_writable

pytestmark = pytest.mark.workflow


def test_a_folder_that_can_be_made_is_writable_and_is_not_made(tmp_path: Path) -> None:
    require_writable(tmp_path / "results/demo")
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("file", ["results", "results/demo"])
def test_a_file_in_the_way_is_named(tmp_path: Path, file: str) -> None:
    blocker = tmp_path / file
    blocker.parent.mkdir(exist_ok=True)
    blocker.touch()
    with pytest.raises(ConfigError, match=f"{blocker} is not a folder$"):
        require_writable(tmp_path / "results/demo")


def test_a_folder_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may write anywhere, so the answer of the system is replaced.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ConfigError, match=f"{tmp_path} is not writable$"):
        require_writable(tmp_path / "results")


def test_stale_locks_go_and_those_of_a_living_run_stay(tmp_path: Path) -> None:
    lock = tmp_path / "locks/0.output.lock"
    lock.parent.mkdir()
    lock.write_text("results/a\n")
    first = join_runs(tmp_path)
    assert first is not None
    assert not lock.exists()

    lock.write_text("results/a\n")
    # In a process of its own, as the locks of one process do not exclude each other everywhere.
    code = (
        "import pathlib; from sisr.run.workspace import join_runs; "
        f"join_runs(pathlib.Path({str(tmp_path)!r}))"
    )
    scripts = Path(__file__).resolve().parents[2] / "scripts"
    for alive in (True, False):
        subprocess.run([sys.executable, "-c", code], check=True, cwd=scripts)
        assert lock.exists() == alive
        first.close()


def test_locks_of_a_run_on_another_machine_stay(tmp_path: Path) -> None:
    """There the kernel's locks may not be seen; Snakemake then says how to unlock."""
    lock = tmp_path / "locks/0.output.lock"
    lock.parent.mkdir()
    lock.touch()
    (tmp_path / "runs.lock").write_text("another-login-node")
    for main in (False, True, True):
        stream = join_runs(tmp_path, main)
        assert stream is not None
        stream.close()
        assert lock.exists()
    # `snakemake --unlock` removes them; from then on the folder is this machine's.
    lock.unlink()
    for _ in range(2):
        stream = join_runs(tmp_path)
        assert stream is not None
        stream.close()
        assert not lock.exists()
        lock.touch()
