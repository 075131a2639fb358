"""What a job ran on, and what it took of it: processor, host, time, peak memory."""

from __future__ import annotations

import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sisr.base.peak_memory import high_mark


def processor() -> str:
    """Name of the processor, as the system tells it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def now() -> str:
    """This moment, UTC, as ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Stopwatch:
    """Runs from its making."""

    def __init__(self) -> None:
        self._started = now()
        self._start = time.perf_counter()

    def read(self, device: str, attempt: int) -> dict[str, Any]:
        """How the job went so far.

        ``started`` (UTC), ``seconds``, ``cpu_seconds`` (of the processor, on all threads, since the process
        began, imports included), ``attempt`` (1 is the first), ``host``, ``hardware`` (the processor, or the
        GPU of a job that used one), ``peak_mib`` (largest resident memory of this process) and
        ``peak_gpu_mib`` (largest memory that torch had allocated; None without a GPU).
        """
        gpu, peak_gpu = _gpu(device)
        return {
            "started": self._started,
            "seconds": round(time.perf_counter() - self._start, 3),
            "cpu_seconds": round(sum(os.times()[:4]), 3),
            "attempt": attempt,
            "host": platform.node(),
            "hardware": gpu or processor(),
            "peak_mib": round(high_mark() / 2**20, 1),
            "peak_gpu_mib": peak_gpu,
        }


def _gpu(device: str) -> tuple[str | None, float | None]:
    """Name of the GPU that torch used and its peak memory in MiB; a job without torch imports none for it."""
    torch = sys.modules.get("torch")
    if not device.startswith("cuda") or torch is None or not torch.cuda.is_initialized():
        return None, None
    return torch.cuda.get_device_name(), round(torch.cuda.max_memory_allocated() / 2**20, 1)
