"""What a time was measured on: processor or GPU, clocks, threads, versions, and what else was running."""

from __future__ import annotations

import ctypes
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

    ``clock_mhz`` is the median of the processor's cores or the GPU's SM clock, ``memory_clock_mhz`` and
    ``driver`` the GPU's; None where the system does not tell.  ``load`` is the machine's load average of the
    last minute.
    """
    facts: dict[str, Any] = {
        "device": processor(),
        "clock_mhz": None,
        "memory_clock_mhz": None,
        "driver": None,
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
        facts |= _gpu_facts(uuid_of(torch.cuda.get_device_properties(device)))
    elif device == "cpu":
        facts["clock_mhz"] = cpu_clock(_CPUINFO.read_text(encoding="utf-8") if _CPUINFO.is_file() else "")
    return facts


def cpu_clock(cpuinfo: str) -> float | None:
    """Median of the cores' present clocks in MHz from the text of ``/proc/cpuinfo``; None without any."""
    clocks = [float(value) for value in re.findall(r"^cpu MHz\s*:\s*([0-9.]+)$", cpuinfo, re.MULTILINE)]
    return round(statistics.median(clocks), 1) if clocks else None


def uuid_of(properties: Any) -> str:
    """A GPU's name for NVIDIA's programs, "" where torch does not tell; torch's own index counts the visible
    devices only.
    """
    uuid = getattr(properties, "uuid", None)
    return "" if uuid is None else f"GPU-{str(uuid).removeprefix('GPU-')}"


def _gpu_facts(uuid: str) -> dict[str, Any]:
    query = ["nvidia-smi", "--query-gpu=clocks.sm,clocks.mem,driver_version", "--format=csv,noheader,nounits"]
    if uuid:
        query.append(f"--id={uuid}")
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    found = re.match(r"\s*([0-9.]+)\s*,\s*([0-9.]+)\s*,\s*(\S+)", done.stdout)
    if done.returncode != 0 or found is None:
        return {}
    return {"clock_mhz": float(found[1]), "memory_clock_mhz": float(found[2]), "driver": found[3]}


class EnergyCounter:
    """Joules that a GPU has taken, by the counter of NVIDIA's management library (Volta and later).

    ``joules()`` is None where there is no such library, device or counter: never 0 for what is not known.
    """

    def __init__(self, uuid: str) -> None:
        self._handle = ctypes.c_void_p()
        try:
            self._library = ctypes.CDLL("libnvidia-ml.so.1") if uuid else None
        except OSError:
            self._library = None
        if self._library is not None and (
            self._library.nvmlInit_v2()
            or self._library.nvmlDeviceGetHandleByUUID(uuid.encode(), ctypes.byref(self._handle))
        ):
            self._library = None

    def joules(self) -> float | None:
        millijoules = ctypes.c_ulonglong()
        if self._library is None or self._library.nvmlDeviceGetTotalEnergyConsumption(
            self._handle, ctypes.byref(millijoules)
        ):
            return None
        return millijoules.value / 1e3
