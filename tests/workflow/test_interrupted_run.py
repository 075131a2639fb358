"""``kill -9`` of Snakemake and all its children, then the same command again."""

from __future__ import annotations

import pytest
from tiny_project import SCORES, Project, part_of

pytestmark = pytest.mark.workflow

SET = "tiny/matlab-bicubic/x2"
ARGUMENTS = (
    "--config",
    "kernels=matlab-bicubic",
    "scales=2",
    "models=nearest,lanczos,tiny-espcn",
    "--",
    SCORES,
)


def test_killed_runs_go_on_and_give_the_same_scores(finished: Project, project: Project) -> None:
    """Killed three times, each time where the last attempt had not come yet."""
    # Time to be killed within a cell; the pixels stay the same.
    project.edit(
        "scripts/sisr/upscaling/engines/classical.py",
        "    def upscale(lr: np.ndarray) -> np.ndarray:\n",
        "    def upscale(lr: np.ndarray) -> np.ndarray:\n        __import__('time').sleep(0.4)\n",
    )
    results = project.root / "results/tiny"

    project.run_until((results / "hr/tiny/astronaut.png").exists, *ARGUMENTS)

    slow = results / "sr" / SET / "lanczos"
    project.run_until((slow / "0of1/astronaut.png").exists, *ARGUMENTS)
    assert not (slow / "0of1.json").exists(), "the cell was over before it was killed"

    scores = results / "scores" / SET
    project.run_until(lambda: any(scores.glob("*/0of1.csv")), *ARGUMENTS)
    assert not (project.root / SCORES).exists()

    run = project.run(*ARGUMENTS)
    assert run.status == 0, run.output
    assert 0 < run.jobs.get("upscale", 0) + run.jobs.get("score", 0) < 6, "nothing was kept"
    expected = part_of(
        finished.read(SCORES),
        kernel=["matlab-bicubic"],
        scale=["2"],
        model=["nearest", "lanczos", "tiny-espcn"],
    )
    assert (project.root / SCORES).read_bytes() == expected.encode()


def test_a_running_workflow_still_locks_its_folder(project: Project) -> None:
    """Only the locks of dead runs are cleared."""
    arguments = ("--config", "kernels=matlab-bicubic", "scales=2", "models=tiny-espcn", "--", SCORES)
    locks = project.root / ".snakemake/locks"
    second: list[int] = []

    def start_another() -> bool:
        if any(locks.glob("*.lock")):
            run = project.run(*arguments)
            assert "LockException" in run.output
            second.append(run.status)
        return bool(second)

    project.run_until(start_another, *arguments)
    assert second == [1]
