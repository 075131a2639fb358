"""What a job took of its machine."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pytest
from sisr.machine import Stopwatch, peak_memory

_CHILD = "from sisr.machine import peak_memory; print(peak_memory())"


def test_the_peak_is_that_of_the_process_and_not_of_its_parent() -> None:
    if peak_memory() is None:
        pytest.skip("the system does not tell the peak memory of a process")
    pixels = np.ones((256, 1024, 1024), np.uint8)  # 256 MiB
    own = peak_memory()
    assert own is not None
    assert own > pixels.nbytes / 2**20
    child = subprocess.check_output([sys.executable, "-c", _CHILD], text=True)
    assert 5 < float(child) < 150


def test_a_stopwatch_tells_when_and_how_long() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    found = Stopwatch().read("cpu", attempt=2)
    assert before <= datetime.fromisoformat(found["started"]) <= datetime.now(UTC)
    assert 0 <= found["seconds"] < 5
    assert (found["attempt"], found["peak_gpu_mib"]) == (2, None)
    assert found["hardware"]
