"""The small benchmark, and a run of it whose jobs are submissions."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from one_node_slurm import OneNodeSlurm
from tiny_project import CONFIG_FILE, SCORES, Project

#: The smallest benchmark in which every stage has something to do.
SMALL: dict[str, Any] = {
    "name": "tiny",
    "seed": 0,
    "device": "cpu",
    "suites": {
        "small": {
            "datasets": ["tiny"],
            "kernels": ["matlab-bicubic"],
            "scales": [2],
            "models": ["nearest", "bicubic"],
        }
    },
    "metrics": ["psnr@y-bt601", "ssim@y-bt601"],
    "certify": "none",
}

#: Patience of the profiles is that of a cluster; here everything is near.
QUICK = {
    "slurm": ("--slurm-init-seconds-before-status-checks=1", "--latency-wait=15"),
    "cluster-generic": ("--seconds-between-status-checks=1", "--latency-wait=15"),
}


@dataclass(frozen=True)
class ClusterRun:
    """Snakemake on the login node."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def start(
        cls,
        python: Path,
        cluster: OneNodeSlurm,
        project: Project,
        *arguments: str,
        profile: str = "slurm",
        targets: Sequence[str] = (SCORES,),
    ) -> ClusterRun:
        log = project.root / f"run-{time.monotonic_ns()}.log"
        # Where the tests run in the background of a shell, an interrupt is ignored by all that they start.
        command = ["env", "--default-signal=INT", python, "-m", "snakemake"]
        command += ["--workflow-profile", f"workflow/profiles/{profile}"]
        environment = project.environment() | {"PATH": f"{cluster.bin}:{os.environ['PATH']}"}
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*command, "--configfile", CONFIG_FILE, *QUICK[profile], *arguments, "--", *targets],
                cwd=project.root,
                env=environment,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(process, log)

    @property
    def output(self) -> str:
        return self.log.read_text()

    def wait_until(self, moment: Callable[[], bool], seconds: float = 180) -> None:
        """Wait for a moment that must come while the run goes on."""
        deadline = time.monotonic() + seconds
        while not moment():
            assert self.process.poll() is None, f"ended before the moment:\n{self.output}"
            assert time.monotonic() < deadline, f"the moment did not come:\n{self.output}"
            time.sleep(0.1)

    def finish(self, seconds: float = 400) -> None:
        """Wait for the end, which must be a good one."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            status = None
        assert status == 0, self.output

    def kill(self) -> None:
        """``kill -9`` of Snakemake and what it started on the login node."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def kill_all(project: Project, cluster: OneNodeSlurm) -> int:
    """``kill -9`` of everything that works in the project's folder; returns how many submissions were active.

    Without cgroups, Slurm itself misses children of a process that was killed before them.
    """
    deadline = time.monotonic() + 30
    submissions = cluster.cancel(project.root)
    while alive := _working_in(project.root):
        assert time.monotonic() < deadline, alive
        for process in alive:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.1)
        submissions += cluster.cancel(project.root)
    return submissions


def _working_in(folder: Path) -> list[int]:
    """Processes whose working directory is the folder; zombies have none."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if entry.readlink() == folder:
                found.append(int(entry.parent.name))
    return found
