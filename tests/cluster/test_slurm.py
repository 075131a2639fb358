"""The small benchmark as submissions to a real Slurm with one node, through the profiles."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cluster_run import SMALL, ClusterRun, kill_all
from one_node_slurm import OneNodeSlurm, Submission
from tiny_project import CHECKOUT, SCORES, Project, part_of

pytestmark = [pytest.mark.workflow, pytest.mark.slow]


def _of_rule(cluster: OneNodeSlurm, project: Project, rule: str) -> list[Submission]:
    """The submissions of a rule by either profile, in order."""
    return [
        job for job in cluster.jobs(project.root) if f"_{rule}" in job.comment or job.name == f"sisr-{rule}"
    ]


@pytest.mark.timeout(600)
def test_cancelled_starved_overdue_and_homeless_jobs_end_well(
    slurm: OneNodeSlurm, plugins: Path, small: Project, expected: bytes
) -> None:
    """One run, whose submissions are cancelled, lose or await the node, and exceed their memory and time."""
    # 60 MB are too little for any Snakemake; the second attempt gets 1200.
    memory = "60 * 20 ** (attempt - 1) if wildcards.model == 'nearest' else 1200"
    resources = ("--set-resources", f"upscale:mem_mb={memory}", "upscale:runtime=attempt")
    run = ClusterRun.start(plugins, slurm, small, *resources)

    def cell(model: str) -> list[Submission]:
        return [job for job in _of_rule(slurm, small, "upscale") if f"_{model}_" in job.comment]

    try:
        run.wait_until(lambda: bool(_of_rule(slurm, small, "prepare_dataset")))
        slurm.call("scancel", str(_of_rule(slurm, small, "prepare_dataset")[0].id))

        run.wait_until(lambda: "RUNNING" in [job.state for job in _of_rule(slurm, small, "make_lr")])
        slurm.node("DOWN")
        slurm.node("RESUME")

        run.wait_until(lambda: "RUNNING" in [job.state for job in cell("bicubic")])
        slurm.freeze(cell("bicubic")[0].id)
        slurm.node("DRAIN")
        # Its jobs go on, and what is submitted now waits.
        run.wait_until(lambda: cell("nearest")[-1].state == "PENDING")
        assert slurm.call("sinfo", "-h", "-o", "%t").strip() == "drng"
        assert cell("bicubic")[-1].state == "RUNNING"
        slurm.node("RESUME")
        run.finish()
    finally:
        run.kill()
        slurm.node("RESUME")
        kill_all(small, slurm)
    assert (small.root / SCORES).read_bytes() == expected

    def asked(jobs: list[Submission]) -> list[tuple[str, str, str]]:
        return [(job.state, job.memory, job.limit) for job in jobs]

    assert asked(cell("nearest")) == [("FAILED", "60M", "1:00"), ("COMPLETED", "1200M", "2:00")]
    assert asked(cell("bicubic")) == [("TIMEOUT", "1200M", "1:00"), ("COMPLETED", "1200M", "2:00")]
    states = {
        rule: [job.state for job in _of_rule(slurm, small, rule)]
        for rule in ("prepare_dataset", "make_lr", "gather")
    }
    assert states["prepare_dataset"] == ["CANCELLED", "COMPLETED"]
    assert states["make_lr"] == ["NODE_FAIL", "COMPLETED"]
    assert states["gather"] == ["COMPLETED"]
    # Both cells were packed into one submission, with the cores and the memory of one, and the time of both.
    assert asked(_of_rule(slurm, small, "score")) == [("COMPLETED", "3000M", "2:00:00")]
    assert _of_rule(slurm, small, "score")[0].cores == 1
    assert len(re.findall("Trying to restart job", run.output)) == 4, run.output
    assert "SLURM status is: 'TIMEOUT'" in run.output
    # Waiting for a node that is drained is no reason to warn.
    assert "cannot start" not in run.output
    starved_log = (slurm.root / "slurmd.log").read_text()
    assert "Exceeded job memory limit" in starved_log or "exceeded memory limit" in starved_log


@pytest.mark.timeout(300)
def test_gpus_a_timing_and_a_request_that_no_node_meets(
    slurm: OneNodeSlurm, plugins: Path, small: Project
) -> None:
    """Two cells with a GPU each in one partition, a timing alone on the node in the other, and a line on the
    screen where a submission asks for more cores than there are."""
    small.configure({**SMALL, "cost": {"time": True, "seconds": 0.05}})
    (partitions,) = re.findall(
        r"(?s)```yaml\n(partitions:.*?)```", (CHECKOUT / "docs/cluster.md").read_text()
    )
    (small.root / "partitions.yaml").write_text(partitions)
    lr = small.run("--", "results/tiny/lr/tiny/matlab-bicubic/x2.json")
    assert lr.status == 0, lr.output
    # Each job notes which GPU it was given.
    with (small.root / "scripts/sisr/base/joblog.py").open("a") as stream:
        stream.write(
            "import os\n"
            f"with open('{small.root}/given', 'a') as given:\n"
            "    print(os.environ['SLURM_JOB_ID'], os.environ.get('CUDA_VISIBLE_DEVICES'), file=given)\n"
        )
    cells = [f"results/tiny/sr/tiny/matlab-bicubic/x2/{model}/0of1.json" for model in ("nearest", "bicubic")]
    timing, counts = "results/tiny/cost/x2/bicubic/timing.json", "results/tiny/cost/x2/counts.json"
    began = time.monotonic()
    run = ClusterRun.start(
        plugins,
        slurm,
        small,
        *("--slurm-partition-config", "partitions.yaml", "--retries", "0"),
        *("--set-resources", "upscale:gpu=1", "--set-threads", "time_model=1", "count_cost=20"),
        targets=[*cells, timing, counts],
    )
    try:
        run.wait_until(lambda: "cannot start" in run.output, 60)
        told = time.monotonic() - began
        (endless,) = _of_rule(slurm, small, "count_cost")
        slurm.call("scancel", str(endless.id))
        assert run.process.wait(120) == 1, run.output
    finally:
        run.kill()
        kill_all(small, slurm)
    assert told < 60
    assert re.findall("^Slurm's job .*$", run.output, re.MULTILINE) == [
        f"Slurm's job {endless.id} (rule_count_cost_wildcards_2) cannot start: PartitionConfig. "
        f"It asks for 20 cores, 2000M and 30:00; partition main has at most {os.cpu_count()} cores or "
        f"{slurm.memory}M a node, and allows 2-00:00:00. See docs/cluster.md."
    ]

    (timed,) = _of_rule(slurm, small, "time_model")
    upscaled = _of_rule(slurm, small, "upscale")
    # It computed on the one core that it was told, and had all.
    assert json.loads((small.root / timing).read_text())["threads"] == 1
    assert (timed.state, timed.cores, timed.partition) == ("COMPLETED", os.cpu_count(), "main")
    assert all(job.end <= timed.start or timed.end <= job.start for job in upscaled)
    # The cells ran at the same time on different GPUs.
    assert [(job.state, job.partition) for job in upscaled] == [("COMPLETED", "gpu")] * 2
    assert max(job.start for job in upscaled) < min(job.end for job in upscaled)
    given = dict(line.split() for line in (small.root / "given").read_text().splitlines())
    assert {given[str(job.id)] for job in upscaled} == {"0", "1"}
    assert given[str(timed.id)] == "None"
    # What squeue says of them.
    assert all(re.fullmatch(r"sisr_[0-9a-f-]{36}", job.name) for job in slurm.jobs(small.root))
    assert {job.comment for job in upscaled} == {
        f"rule_upscale_wildcards_tiny_matlab-bicubic_2_{model}_0of1" for model in ("nearest", "bicubic")
    }


#: What each stage of the run makes, in ``results/tiny``.
STAGES = ("hr", "lr", "sr", "scores", "scores.csv")


def _kill_and_complete(
    cluster: OneNodeSlurm,
    python: Path,
    project: Project,
    moments: list[tuple[int, bool, float]],
    expected: bytes,
) -> int:
    """For each (stages that are done, from the first submission or the start, seconds): one run that is
    killed then, and one that completes.

    Returns how many submissions were killed.
    """
    killed = 0
    for done, submitted, seconds in moments:
        for made in STAGES[done:]:
            path = project.root / "results/tiny" / made
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        run = ClusterRun.start(python, cluster, project)
        try:
            if submitted:
                run.wait_until(lambda: any(job.active for job in cluster.jobs(project.root)))
            with pytest.raises(subprocess.TimeoutExpired):
                run.process.wait(seconds)
        finally:
            run.kill()
            killed += kill_all(project, cluster)
        run = ClusterRun.start(python, cluster, project)
        try:
            run.finish()
        finally:
            run.kill()
            kill_all(project, cluster)
        assert (project.root / SCORES).read_bytes() == expected
    return killed


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("projects", "stages"),
    [(1, [0, 3]), pytest.param(2, range(len(STAGES)), marks=pytest.mark.release)],
    ids=["two", "ten"],
)
def test_kills_are_each_followed_by_a_run_that_completes(
    projects: int,
    stages: Sequence[int],
    slurm: OneNodeSlurm,
    plugins: Path,
    small: Project,
    expected: bytes,
    tmp_path: Path,
) -> None:
    """Every process killed at random moments, on the login node and on the node, once a stage and project.

    Two projects run at once, since a run mostly waits.  Each kill is of a run that finds so many stages done;
    with two projects, each of the five stages is met twice.
    """
    suite = {**SMALL["suites"]["small"], "models": ["bicubic"]}
    small.configure({**SMALL, "suites": {"small": suite}})
    scores = part_of(expected.decode(), model=["bicubic"]).encode()
    chance = random.Random(8)

    def each_stage(project: Project, odd: int) -> int:
        # Each stage once while Snakemake plans and submits, once while a submission waits or works.
        moments = [
            (done, submitted, chance.uniform(0, 2) if submitted else chance.uniform(1, 9))
            for done in stages
            for submitted in [done % 2 == odd]
        ]
        return _kill_and_complete(slurm, plugins, project, moments, scores)

    with ThreadPoolExecutor(2) as lanes:
        copies = [small, small.copy(tmp_path / "other")][:projects]
        killed = sum(lanes.map(each_stage, copies, range(projects)))
    assert killed >= projects * len(stages) // 2, "a kill met no job"


@pytest.mark.timeout(300)
def test_the_generic_profile_gives_the_same_scores(
    slurm: OneNodeSlurm, plugins: Path, small: Project, expected: bytes
) -> None:
    """Its commands are Slurm's: submit, ask, cancel."""

    def running(rule: str) -> bool:
        return "RUNNING" in [job.state for job in _of_rule(slurm, small, rule)]

    def start() -> ClusterRun:
        options = ("--set-resources", "upscale:gpu=1", "gather:slurm_extra='--exclusive'")
        return ClusterRun.start(plugins, slurm, small, *options, profile="cluster-generic")

    try:
        # An interrupted run cancels its submissions: those whose id it was told; Slurm may start one sooner.
        run = start()
        run.wait_until(lambda: "with external jobid" in run.output and running("prepare_dataset"))
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(60) == 1, run.output
        assert [job.state for job in slurm.jobs(small.root)] == ["CANCELLED"], run.output

        # A submission that the scheduler ended is retried with more.
        run = start()
        run.wait_until(lambda: running("make_lr"))
        slurm.call("scancel", str(slurm.jobs(small.root)[-1].id))
        run.finish()
    finally:
        run.kill()
        kill_all(small, slurm)
    assert (small.root / SCORES).read_bytes() == expected
    states = {
        rule: [(job.state, job.memory, job.limit) for job in _of_rule(slurm, small, rule)]
        for rule in ("prepare_dataset", "make_lr", "upscale", "score", "gather")
    }
    first, more = ("2000M", "30:00"), ("4000M", "1:00:00")
    assert states["prepare_dataset"] == [("CANCELLED", *first), ("COMPLETED", *first)]
    assert states["make_lr"] == [("CANCELLED", *first), ("COMPLETED", *more)]
    # A GPU, and a node alone as it is asked for while a model is timed.
    gpus = {
        rule: ["TresPerJob=gres:gpu:1" in slurm.call("scontrol", "show", "job", str(job.id)) for job in jobs]
        for rule in ("upscale", "score")
        for jobs in [_of_rule(slurm, small, rule)]
    }
    assert gpus == {"upscale": [True, True], "score": [False, False]}
    assert [job.cores for job in _of_rule(slurm, small, "gather")] == [os.cpu_count()]
    # One that Slurm knows no more is not waited for.
    status = small.root / "workflow/profiles/cluster-generic/slurm_status.sh"
    answers = [slurm.run(status, str(job)).strip() for job in (slurm.jobs(small.root)[0].id, 987654)]
    assert answers == ["failed", "failed"]
    # Nothing is packed here.
    assert [len(states[rule]) for rule in ("upscale", "score", "gather")] == [2, 2, 1]
