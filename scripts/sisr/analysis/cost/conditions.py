"""What a time was measured on: processor or GPU, clocks, threads, versions, and what else was running."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from sisr.base.machine import processor

_CPUINFO = Path("/proc/cpuinfo")


def describe(device: str, threads: int) -> dict[str, Any]:
    """Facts about the machine at this moment; call it right after the measured work, while clocks are up.

    ``clock_mhz`` is the median of the processor's cores or the GPU's SM clock, ``memory_clock_mhz`` the
    GPU's; None where the system does not tell.  ``load`` is the machine's load average of the last minute.
    """
    facts: dict[str, Any] = {
        "device": processor(),
        "clock_mhz": None,
        "memory_clock_mhz": None,
        "threads": threads,
        "torch": None,
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
    # Engines that do without torch are not made to import it for its version.
    torch = sys.modules.get("torch")
    if torch is not None:
        facts["torch"] = torch.__version__
    if device.startswith("cuda") and torch is not None:
        facts["device"] = torch.cuda.get_device_name(device)
        facts["clock_mhz"], facts["memory_clock_mhz"] = _gpu_clocks(torch.cuda.get_device_properties(device))
    elif device == "cpu":
        facts["clock_mhz"] = cpu_clock(_CPUINFO.read_text(encoding="utf-8") if _CPUINFO.is_file() else "")
    return facts


def cpu_clock(cpuinfo: str) -> float | None:
    """Median of the cores' present clocks in MHz from the text of ``/proc/cpuinfo``; None without any."""
    clocks = [float(value) for value in re.findall(r"^cpu MHz\s*:\s*([0-9.]+)$", cpuinfo, re.MULTILINE)]
    return round(statistics.median(clocks), 1) if clocks else None


def _gpu_clocks(properties: Any) -> tuple[float | None, float | None]:
    # By UUID: torch's index counts the visible devices only.
    query = ["nvidia-smi", "--query-gpu=clocks.sm,clocks.mem", "--format=csv,noheader,nounits"]
    uuid = getattr(properties, "uuid", None)
    if uuid is not None:
        query.append(f"--id=GPU-{str(uuid).removeprefix('GPU-')}")
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None, None
    found = re.match(r"\s*([0-9.]+)\s*,\s*([0-9.]+)", done.stdout)
    return (float(found[1]), float(found[2])) if done.returncode == 0 and found else (None, None)
