"""Submissions to Slurm that cannot start, of which the run that waits for them says nothing.

Slurm refuses some requests at once, and Snakemake shows that as an error.  Others it takes and leaves
pending, such as one for more cores than any node of the partition has, or for more time than it allows.
"""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

#: Reasons for which a submission stays pending until somebody changes it, an account, or the partition: from
#: the section "Job reason codes" of squeue's manual.
_FOR_EVER = re.compile(
    "PartitionConfig|Partition(Node|Time)Limit|BadConstraints|DependencyNeverSatisfied|JobHeld(Admin|User)"
    "|Invalid(Account|QOS)|AccountNotAllowed|QOSNotAllowed|(Assoc|QOS)Max.*Per(Job|Node).*|QOSMin.*|MaxMemPerLimit"
)
_FIELDS = "%i|%r|%P|%C|%m|%l|%j|%k|%Z"


@dataclass(frozen=True)
class Waiting:
    """A pending submission, as squeue prints it."""

    id: str
    reason: str
    partition: str
    cores: str
    #: A number with its unit, as in ``3000M``.
    memory: str
    #: As in ``1-00:00:00``.
    limit: str
    name: str
    comment: str
    folder: str

    @property
    def request(self) -> tuple[str, ...]:
        """What submissions have in common that wait for the same."""
        return self.reason, self.partition, self.cores, self.memory, self.limit

    def __str__(self) -> str:
        what = self.name if self.comment in ("", "(null)") else self.comment
        asked = f"{self.cores} core{'s' * (self.cores != '1')}, {self.memory} and {self.limit}"
        return f"Slurm's job {self.id} ({what}) cannot start: {self.reason}. It asks for {asked}"


def watch(folders: Collection[Path], warn: Callable[[str], None], seconds: float = 20) -> None:
    """Warn of submissions from ``folders`` that cannot start, while this process lives.

    One line for all that ask for the same, some ``seconds`` after the first of them; nothing without a Slurm.
    """
    if shutil.which("squeue") is not None:
        threading.Thread(target=_watch, args=(folders, warn, seconds), daemon=True).start()


def _watch(folders: Collection[Path], warn: Callable[[str], None], seconds: float) -> None:
    told: set[tuple[str, ...]] = set()
    while True:
        time.sleep(seconds)
        for line in news(folders, told):
            warn(line)


def news(folders: Collection[Path], told: set[tuple[str, ...]]) -> Iterator[str]:
    """A line of each request that cannot start and is not among those that were ``told``, which grow."""
    pending = [
        "squeue",
        "--noheader",
        "--states=PENDING",
        f"--user={getpass.getuser()}",
        f"--format={_FIELDS}",
    ]
    for job in stuck(_ask(pending), folders):
        if job.request not in told:
            told.add(job.request)
            nodes = ["sinfo", "--noheader", "--exact", f"--partition={job.partition}", "--format=%c|%m|%l"]
            yield f"{job}{offer(job.partition, _ask(nodes))}. See docs/cluster.md."


def stuck(squeue: str, folders: Collection[Path]) -> list[Waiting]:
    """Those of squeue's lines that were submitted from one of the folders and wait for ever.

    >>> line = "7|PartitionConfig|main|20|60000M|1:00:00|sisr_f3|rule_score_score|/home/me"
    >>> print(*stuck(line, [Path("/home/me")]))
    Slurm's job 7 (rule_score_score) cannot start: PartitionConfig. It asks for 20 cores, 60000M and 1:00:00
    """
    jobs = [Waiting(*line.split("|", 8)) for line in squeue.splitlines() if line.count("|") >= 8]
    return [job for job in jobs if Path(job.folder) in folders and _FOR_EVER.fullmatch(job.reason)]


def offer(partition: str, sinfo: str) -> str:
    """What a partition has, from sinfo's lines with the cores, megabytes and time limit of each kind of node.

    >>> offer("main", "16|64000|1-00:00:00\\n64|32000|1-00:00:00\\n")
    '; partition main has at most 64 cores or 64000M a node, and allows 1-00:00:00'
    """
    kinds = [line.split("|") for line in sinfo.splitlines() if line.count("|") == 2]
    if not kinds:
        return ""
    cores, memory = (max(int(re.sub(r"\D", "", kind[field]) or 0) for kind in kinds) for field in (0, 1))
    return (
        f"; partition {partition} has at most {cores} cores or {memory}M a node, "
        f"and allows {kinds[0][2].strip()}"
    )


def _ask(command: list[str]) -> str:
    """What a command prints; nothing where Slurm does not answer just now."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
