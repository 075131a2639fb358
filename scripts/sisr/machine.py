"""What a job ran on, and what it took of it: processor, host, time, peak memory."""

from __future__ import annotations

import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_STATUS = Path("/proc/self/status")


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

        ``started`` (UTC), ``seconds``, ``attempt`` (1 is the first), ``host``, ``hardware`` (the processor,
        or the GPU of a job that used one), ``peak_mib`` (largest resident memory of this process) and
        ``peak_gpu_mib`` (largest memory that torch had allocated); None where it cannot be told.
        """
        gpu, peak_gpu = _gpu(device)
        return {
            "started": self._started,
            "seconds": round(time.perf_counter() - self._start, 3),
            "attempt": attempt,
            "host": platform.node(),
            "hardware": gpu or processor(),
            "peak_mib": peak_memory(),
            "peak_gpu_mib": peak_gpu,
        }


def peak_memory() -> float | None:
    """Largest resident memory of this process in MiB; None where the system does not tell.

    Not ``getrusage``, whose maximum a child takes over from the process that started it.
    """
    try:
        text = _STATUS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    for line in text.splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1024, 1)
    return None


def _gpu(device: str) -> tuple[str | None, float | None]:
    """Name of the GPU that torch used and its peak memory in MiB; a job without torch imports none for it."""
    torch = sys.modules.get("torch")
    if not device.startswith("cuda") or torch is None or not torch.cuda.is_initialized():
        return None, None
    return torch.cuda.get_device_name(), round(torch.cuda.max_memory_allocated() / 2**20, 1)
