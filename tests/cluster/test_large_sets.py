"""A run in shards and batches, whose table is the same; and as Parquet."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from cluster_run import SMALL
from sisr.analysis.summaries import read_scores
from tiny_project import CHECKOUT, SCORES, Project, dataset, part_of

pytestmark = pytest.mark.workflow


def test_shards_and_batches_give_the_same_rows(small: Project, expected: bytes) -> None:
    """The cells of two batches one after the other; each plans about half of the jobs.

    The lines of a set that is not cut are those of a run at once, byte for byte.
    """
    small.register("datasets", {"cut": {**dataset("images"), "shards": 3}})
    suites = {"small": {**SMALL["suites"]["small"], "datasets": ["tiny", "cut"], "models": ["bicubic"]}}
    small.configure({**SMALL, "suites": suites})
    scored = []
    for part in (1, 2):
        run = small.run("--batch", f"scored={part}/2", "--", "scored")
        assert run.status == 0, run.output
        scored.append(run.jobs["score"])
    assert scored == [2, 2]

    run = small.run("--", "results/tiny/scores.parquet")
    assert run.status == 0, run.output
    assert set(run.jobs) == {"gather", "scores_parquet"}
    frame = read_scores(small.root / "results/tiny/scores.parquet")
    columns = ["image", "metric", "protocol", "value"]
    whole, cut = (
        frame[frame["dataset"] == name][columns].sort_values(columns).to_numpy().tolist()
        for name in ("tiny", "cut")
    )
    assert len(whole) == 6
    assert cut == whole
    at_once = part_of(expected.decode(), model=["bicubic"])
    assert part_of(small.read(SCORES), dataset=["tiny"]) == at_once


@pytest.mark.slow
def test_neither_memory_nor_time_per_image_grows_with_the_set() -> None:
    """The simulation of docs/cluster.md, smaller: twenty times the images and ten times the jobs."""
    script = CHECKOUT / "tests/benchmarks/large_runs.py"
    command = [sys.executable, script, "--images", "10", "200", "--shard", "100", "--jobs", "200", "2000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    runs, plans = (
        [[float(number) for number in row] for row in re.findall(pattern, done.stdout, re.MULTILINE)]
        for pattern in (r"^\|" + r" ([\d.]+) \|" * columns + "$" for columns in (5, 3))
    )
    assert [row[:2] for row in runs] == [[10, 1], [200, 2]]
    (*_, few, small_memory), (*_, many, large_memory) = runs
    assert many < few
    assert large_memory < 1.1 * small_memory
    (few_jobs, fast, _), (many_jobs, slow, _) = plans
    # Most of the time of the smaller plan is the start: ten times the jobs take some three times as long.
    assert few_jobs > 150 and many_jobs > 1500
    assert slow < 8 * fast
