"""The small benchmark as submissions to a real Slurm with one node, through the profile."""

from __future__ import annotations

import random
import re
import subprocess
import time
from pathlib import Path

import pytest
from cluster_run import ClusterRun, kill_all
from one_node_slurm import OneNodeSlurm
from tiny_project import SCORES, Project

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def _named(cluster: OneNodeSlurm, rule: str) -> list[tuple[str, str, str]]:
    """(id, state, comment) of the submissions of a rule, in order."""
    found = [(job, *about) for job, about in cluster.jobs().items() if f"_{rule}" in about[1]]
    return sorted(found, key=lambda row: int(row[0]))


def test_cancelled_starved_and_drained_jobs_end_well(
    slurm: OneNodeSlurm, plugins: Path, small: Project, expected: bytes
) -> None:
    """One run, in which a submission is cancelled, others run out of memory, and the node goes and comes."""
    # 60 MB are too little for any Snakemake; the second attempt gets 1200.
    starved = "upscale:mem_mb=60 * 20 ** (attempt - 1)"
    before = set(slurm.jobs())
    run = ClusterRun.start(plugins, slurm, small, "--set-resources", starved)
    try:
        run.wait_until(lambda: bool(_named(slurm, "prepare_dataset")))
        first = _named(slurm, "prepare_dataset")[0][0]
        slurm.call("scancel", first)

        run.wait_until(lambda: bool(_named(slurm, "upscale")))
        slurm.call("scontrol", "update", f"NodeName={slurm.host}", "State=DRAIN", "Reason=test")
        # Its jobs go on, and what is submitted now waits.
        run.wait_until(lambda: slurm.call("sinfo", "-h", "-o", "%t").strip() in ("drng", "drain", "drng*"))
        time.sleep(8)
        slurm.call("scontrol", "update", f"NodeName={slurm.host}", "State=RESUME")
        run.finish()
    finally:
        run.kill()
        kill_all(small, slurm)
    assert (small.root / SCORES).read_bytes() == expected

    states = {job: about for job, about in slurm.jobs().items() if job not in before}
    of_rule = {
        rule: [state for job, state, _ in _named(slurm, rule) if job in states]
        for rule in ("prepare_dataset", "make_lr", "upscale", "score", "gather")
    }
    assert of_rule["prepare_dataset"] == ["CANCELLED", "COMPLETED"]
    assert sorted(of_rule["upscale"]) == ["COMPLETED"] * 2 + ["FAILED"] * 2
    assert of_rule["make_lr"] == of_rule["gather"] == ["COMPLETED"]
    # Both cells were packed into one submission.
    assert of_rule["score"] == ["COMPLETED"]
    assert len(re.findall("Trying to restart job", run.output)) == 3, run.output
    starved_log = (slurm.root / "slurmd.log").read_text()
    assert "Exceeded job memory limit" in starved_log or "exceeded memory limit" in starved_log


@pytest.mark.timeout(900)
def test_killed_runs_go_on_and_give_the_same_scores(
    slurm: OneNodeSlurm, plugins: Path, small: Project, expected: bytes
) -> None:
    """Every process killed at ten random moments, on the login node and on the node."""
    chance = random.Random(8)
    kills = 0
    while kills < 10:
        run = ClusterRun.start(plugins, slurm, small)
        try:
            run.process.wait(chance.uniform(1, 16))
        except subprocess.TimeoutExpired:  # it is still at work
            kills += 1
        else:
            # It was done before it was killed: what it made must be right, and is made anew.
            assert run.process.returncode == 0, run.output
            assert (small.root / SCORES).read_bytes() == expected
            (small.root / SCORES).unlink()
        finally:
            run.kill()
            kill_all(small, slurm)
    run = ClusterRun.start(plugins, slurm, small)
    try:
        run.finish()
    finally:
        run.kill()
        kill_all(small, slurm)
    assert (small.root / SCORES).read_bytes() == expected
