"""A run in shards and batches, whose table is the same; and as Parquet."""

from __future__ import annotations

import pytest
from cluster_run import SMALL
from sisr.tables import read_scores
from tiny_project import SCORES, Project, dataset, part_of

pytestmark = pytest.mark.workflow


def test_shards_and_batches_give_the_same_rows(small: Project, expected: bytes) -> None:
    """The cells of two batches one after the other; each plans about half of the jobs.

    The lines of a set that is not cut are those of a run at once, byte for byte.
    """
    small.register("datasets", {"cut": {**dataset("pictures"), "shards": 3}})
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
