"""What a job took of its machine."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
from sisr.base.machine import Stopwatch

_PEAK = "from sisr.base.machine import Stopwatch; print(Stopwatch().read('cpu', attempt=1)['peak_mib'])"


def test_the_peak_is_that_of_the_process_and_not_of_its_parent() -> None:
    pixels = np.ones((256, 1024, 1024), np.uint8)  # 256 MiB
    own = Stopwatch().read("cpu", attempt=1)["peak_mib"]
    assert own > pixels.nbytes / 2**20
    child = subprocess.check_output([sys.executable, "-c", _PEAK], text=True)
    assert 5 < float(child) < 150


def test_a_stopwatch_tells_when_and_how_long() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    found = Stopwatch().read("cpu", attempt=2)
    assert before <= datetime.fromisoformat(found["started"]) <= datetime.now(UTC)
    assert 0 <= found["seconds"] < 5
    assert (found["attempt"], found["peak_gpu_mib"]) == (2, None)
    assert found["hardware"]
