"""Submissions that cannot start, with commands in Slurm's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from sisr.run.queue import news

PENDING = """\
1|PartitionConfig|main|20|60000M|1:00:00|N/A|sisr_f3|group_score|{here}
2|PartitionConfig|main|20|60000M|1:00:00|N/A|sisr_f3|group_score|{here}
3|PartitionTimeLimit|main|1|3000M|5-00:00:00|gres:gpu:1|sisr-upscale|(null)|{here}
4|Resources|main|20|60000M|1:00:00|N/A|sisr_f3|group_score|{here}
5|Priority|main|20|60000M|1:00:00|N/A|sisr_f3|group_score|{here}
6|Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions|main|1|1M|1:00|N/A|x|y|{here}
7|AssocGrpCpuLimit|main|20|60000M|1:00:00|N/A|sisr_f3|group_score|{here}
8|PartitionConfig|other|20|60000M|1:00:00|N/A|sisr_f3|group_score|/elsewhere
"""
TOLD = [
    "Slurm's job 1 (group_score) cannot start: PartitionConfig. It asks for 20 cores, 60000M of memory and 1:00:00; "
    "nodes of partition main have at most 8 cores, 64000M of memory, and the limit is 2-00:00:00; "
    "docs/cluster.md says what to change.",
    "Slurm's job 3 (sisr-upscale) cannot start: PartitionTimeLimit. It asks for 1 core, 3000M of memory, gres:gpu:1 "
    "and 5-00:00:00; nodes of partition main have at most 8 cores, 64000M of memory, and the limit is 2-00:00:00; "
    "docs/cluster.md says what to change.",
]


def _command(folder: Path, name: str, prints: str, status: int = 0) -> None:
    (folder / f"{name}.txt").write_text(prints)
    (folder / name).write_text(f"#!/bin/sh\ncat {folder}/{name}.txt\nexit {status}\n")
    (folder / name).chmod(0o755)


def test_each_request_that_cannot_start_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what waits its turn, or for a node that comes back, and not what somebody submitted from elsewhere."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    _command(tmp_path, "squeue", PENDING.format(here=tmp_path))
    _command(tmp_path, "sinfo", "8|32000|2-00:00:00\n4+|64000+|2-00:00:00\n")
    told: set[tuple[str, ...]] = set()
    assert list(news(tmp_path, told)) == TOLD
    assert list(news(tmp_path, told)) == []


def test_a_slurm_that_does_not_answer_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    told: set[tuple[str, ...]] = set()
    assert list(news(tmp_path, told)) == []
    _command(tmp_path, "squeue", "slurm_load_jobs error: Unable to contact slurm controller\n", 1)
    assert list(news(tmp_path, told)) == []
    # Also where it stops to answer between two questions.
    _command(tmp_path, "squeue", PENDING.format(here=tmp_path))
    assert [line.split(";")[0] for line in news(tmp_path, told)] == [line.split(";")[0] for line in TOLD]
