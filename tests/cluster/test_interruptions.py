"""Kills, two runs at once and full disks on one machine: the next run completes, with the same bytes."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from cluster_run import SMALL
from tiny_project import RECIPE, SCORES, Project, Run

pytestmark = [pytest.mark.workflow, pytest.mark.slow]

SET = "tiny/matlab-bicubic/x2"
PAGE = 4096


#: What a run that trains a network makes beside its scores.
TRAINED = "resources/trained/tiny/x2.safetensors"


def _bytes_of(project: Project, files: list[str]) -> list[bytes]:
    return [(project.root / file).read_bytes() for file in files]


@pytest.mark.parametrize(("kills", "trains"), [(5, False), pytest.param(50, True, marks=pytest.mark.release)])
def test_kills_are_each_followed_by_a_run_that_completes(
    kills: int, trains: bool, small: Project, expected: bytes
) -> None:
    """``kill -9`` of every process of the run at random moments, also while it trains a network.

    The first run is not killed; with all cores, it gives what one core gave.
    """
    files = [SCORES]
    if trains:
        suite = {**SMALL["suites"]["small"], "models": ["nearest", "tiny-espcn"]}
        small.configure({**SMALL, "suites": {"small": suite}})
        recipe = {**RECIPE, "iterations": 400, "interval": 20}
        (small.root / "config/training/tiny.yaml").write_text(yaml.safe_dump(recipe))
        files.append(TRAINED)
        run = small.run("--", SCORES, cores=1)
        assert run.status == 0, run.output
        first = _bytes_of(small, files)
        shutil.rmtree(small.root / "results")
        shutil.rmtree(small.root / "resources/trained")
    else:
        first = [expected]
    run = small.run("--", SCORES, cores="all")
    assert run.status == 0, run.output
    assert _bytes_of(small, files) == first
    steps = sum(run.jobs.values())
    chance = random.Random(8)
    kept = 0
    for _ in range(kills):
        shutil.rmtree(small.root / "results")
        shutil.rmtree(small.root / "resources/trained", ignore_errors=True)
        # A moment after so many steps: however fast the machine is, and however busy.
        done, later = chance.randrange(steps), chance.uniform(0, 4.0 if trains else 0.7)
        mark = f"{done} of {steps} steps" if done else "Building DAG of jobs"
        log = small.root / "killed.log"
        log.unlink(missing_ok=True)

        def reached(log: Path = log, mark: str = mark, later: float = later) -> bool:
            if not log.exists() or mark not in log.read_text():
                return False
            time.sleep(later)
            return True

        small.run_until(reached, "--", SCORES)
        run = small.run("--", SCORES)
        assert run.status == 0, run.output
        kept += sum(run.jobs.values()) < steps
        assert _bytes_of(small, files) == first
    assert kept, "no run had come far enough for anything to be kept"


def test_of_two_runs_at_once_one_works_and_the_other_says_why_not(small: Project, expected: bytes) -> None:
    logs = [small.root / "first.log", small.root / "second.log"]
    runs = [small.start(log, "--", SCORES) for log in logs]
    statuses = [run.wait(300) for run in runs]
    outputs = [log.read_text() for log in logs]
    assert sorted(statuses) == [0, 1], outputs
    refused = outputs[statuses.index(1)]
    assert "LockException" in refused
    assert "no other Snakemake process is trying to create the same files" in refused
    assert str(small.root) in refused
    assert (small.root / SCORES).read_bytes() == expected


@pytest.fixture
def full(small: Project) -> Iterator[Path]:
    """``results`` and ``resources`` of the small project on a file system of their own, of 1 MB."""
    disk = small.root / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted: {done.stderr.strip()}")
    try:
        for name in ("results", "resources"):
            (disk / name).mkdir()
            (small.root / name).symlink_to(disk / name)
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def _fill(disk: Path, free: int) -> Path:
    """Leave ``free`` bytes, in whole pages; removing the file that is returned makes space again."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(PAGE))
        except OSError:
            pass
    size = filler.stat().st_size - free
    os.truncate(filler, size)
    return filler


def _contents(folder: Path) -> dict[str, str]:
    """Path -> checksum of results; logs differ each time, and JSON holds seconds."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix in (".png", ".csv", ".part")
    }


def _says_that_the_disk_is_full(run: Run) -> None:
    assert run.status == 1, run.output
    assert any("No space left on device" in error for error in run.errors), run.output
    assert "Traceback" not in run.output, run.output


@pytest.mark.parametrize(
    ("made", "some"),
    [(f"results/tiny/lr/{SET}.json", 4 * PAGE), (f"results/tiny/sr/{SET}/bicubic/0of1.json", PAGE)],
    ids=["upscale", "score"],
)
def test_full_disk(small: Project, full: Path, expected: bytes, made: str, some: int) -> None:
    """What is there is whole, and once there is space the same command goes on from it."""
    assert (run := small.run("--", made)).status == 0, run.output
    before = _contents(full)
    # Nothing left, not even for the log; then enough for the log and a part of the output.
    for free in (0, some):
        filler = _fill(full, free)
        _says_that_the_disk_is_full(small.run("--", SCORES, cores=1))
        partial = _contents(full)
        assert {path: digest for path, digest in partial.items() if path in before} == before
        assert not [path for path in partial if path.endswith(".part")]
        filler.unlink()

    run = small.run("--", SCORES)
    assert run.status == 0, run.output
    assert "make_lr" not in run.jobs
    assert (small.root / SCORES).read_bytes() == expected
    after = _contents(full)
    assert {path: after[path] for path in partial} == partial, "something half-written had a final name"


def test_full_disk_while_fetching(small: Project, full: Path) -> None:
    payload = random.Random(0).randbytes(600_000)
    (small.root / "files/large.bin").write_bytes(payload)
    small.register("assets", {"large": small.asset("large.bin", "../files/large.bin")})
    target = "resources/assets/large.json"
    filler = _fill(full, 100 * PAGE)
    _says_that_the_disk_is_full(small.run("--", target))
    left = [path for path in (full / "resources").rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == []

    filler.unlink()
    run = small.run("--", target)
    assert run.status == 0, run.output
    assert (full / "resources/assets/large/large.bin").read_bytes() == payload
