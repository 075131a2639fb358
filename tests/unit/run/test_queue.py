"""Submissions that cannot start, with commands in Slurm's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from sisr.run.queue import news

DOWN = "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"
PENDING = f"""\
1|PartitionConfig|main|20|60000M|1:00:00|sisr_f3|group_score|HERE
2|PartitionConfig|main|20|60000M|1:00:00|sisr_f3|group_score|HERE
3|PartitionTimeLimit|main|1|3000M|5-00:00:00|sisr-upscale|(null)|HERE
4|Resources|main|20|60000M|1:00:00|sisr_f3|group_score|HERE
5|Priority|main|20|60000M|1:00:00|sisr_f3|group_score|HERE
6|{DOWN}|main|1|1M|1:00|sisr_f3|group_score|HERE
7|AssocGrpCpuLimit|main|20|60000M|1:00:00|sisr_f3|group_score|HERE
8|PartitionConfig|other|20|60000M|1:00:00|sisr_f3|group_score|/elsewhere
"""
OFFER = "partition main has at most 8 cores or 64000M a node, and allows 2-00:00:00. See docs/cluster.md."
TOLD = [
    "Slurm's job 1 (group_score) cannot start: PartitionConfig. "
    f"It asks for 20 cores, 60000M and 1:00:00; {OFFER}",
    "Slurm's job 3 (sisr-upscale) cannot start: PartitionTimeLimit. "
    f"It asks for 1 core, 3000M and 5-00:00:00; {OFFER}",
]


def _command(folder: Path, name: str, prints: str, status: int = 0) -> None:
    (folder / f"{name}.txt").write_text(prints)
    (folder / name).write_text(f"#!/bin/sh\ncat {folder}/{name}.txt\nexit {status}\n")
    (folder / name).chmod(0o755)


def test_each_request_that_cannot_start_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what waits its turn, or for a node that comes back, and not what was submitted from elsewhere."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    _command(tmp_path, "squeue", PENDING.replace("HERE", str(tmp_path)))
    _command(tmp_path, "sinfo", "8|32000|2-00:00:00\n4+|64000+|2-00:00:00\n")
    told: set[tuple[str, ...]] = set()
    assert list(news([tmp_path], told)) == TOLD
    assert list(news([tmp_path], told)) == []


def test_a_slurm_that_does_not_answer_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    told: set[tuple[str, ...]] = set()
    assert list(news([tmp_path], told)) == []
    _command(tmp_path, "squeue", "slurm_load_jobs error: Unable to contact slurm controller\n", 1)
    assert list(news([tmp_path], told)) == []
    # Also where it stops to answer between two questions.
    _command(tmp_path, "squeue", PENDING.replace("HERE", str(tmp_path)))
    assert list(news([tmp_path], told)) == [
        line.replace(f"; {OFFER}", ". See docs/cluster.md.") for line in TOLD
    ]
