"""Many jobs on a few devices: no device is ever held twice, also when holders are killed."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
JOBS, DEVICES, KILLED = 14, 3, 5

# Each process is a job of a workflow: it leases one device, works, and says when it had it.
_JOB = """
import os, sys, time
from sisr.base import device
with device.lease("cuda", [0, 1, 2], poll=0.01):
    print("start", os.environ["CUDA_VISIBLE_DEVICES"], time.monotonic(), flush=True)
    time.sleep(float(sys.argv[1]))
    print("end", os.environ["CUDA_VISIBLE_DEVICES"], time.monotonic(), flush=True)
"""


def _start(seconds: float, locks: Path) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if key != "CUDA_VISIBLE_DEVICES"}
    environment |= {"PYTHONPATH": str(SCRIPTS), "SISR_GPU_LOCKS": str(locks)}
    command = [sys.executable, "-c", _JOB, str(seconds)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_no_device_is_oversubscribed_though_holders_are_killed(tmp_path: Path) -> None:
    chance = random.Random(8)
    # The victims come first and would hold their device for ever.
    victims = [_start(600, tmp_path) for _ in range(KILLED)]
    others = [_start(chance.uniform(0.05, 0.2), tmp_path) for _ in range(JOBS - KILLED)]
    spans: list[tuple[str, float, float]] = []
    try:
        waiting = list(victims)
        while waiting:
            time.sleep(chance.uniform(0.1, 0.4))
            victim = waiting.pop(chance.randrange(len(waiting)))
            before = time.monotonic()
            victim.kill()
            output, _ = victim.communicate(timeout=10)
            # A victim that had no device yet held none; the others held it at least until the signal.
            for line in output.splitlines():
                _, index, start = line.split()
                spans.append((index, float(start), max(before, float(start))))
        for job in others:
            output, _ = job.communicate(timeout=60)
            assert job.returncode == 0
            (_, index, start), (_, same, end) = (line.split() for line in output.splitlines())
            assert index == same
            spans.append((index, float(start), float(end)))
    finally:
        for job in (*victims, *others):
            job.kill()
            job.wait()
    assert len(spans) >= JOBS - KILLED
    assert {index for index, _, _ in spans} == {str(index) for index in range(DEVICES)}
    for index in range(DEVICES):
        held = sorted((start, end) for name, start, end in spans if name == str(index))
        assert all(first[1] <= second[0] for first, second in pairwise(held)), f"device {index}: {held}"
