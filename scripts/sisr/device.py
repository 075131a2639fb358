"""Choosing a device, and sharing the GPUs of a machine between jobs.

Snakemake counts GPUs but never says which one a job got, so two jobs would land on device 0.  A lease is a
lock file per device, held only around compute; it sets ``CUDA_VISIBLE_DEVICES`` before torch starts CUDA.
A value that a scheduler has set is respected: then the devices are already the job's own.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sisr.errors import ConfigError

#: Where the lock files lie; shared by all users of the machine.
LOCKS = Path(os.environ.get("SISR_GPU_LOCKS", Path(tempfile.gettempdir()) / "sisr-gpu-locks"))


def gpu_ids() -> list[int]:
    """Indices of the NVIDIA GPUs of this machine, without importing torch (cheap enough for the DAG)."""
    return sorted(int(p.name.removeprefix("nvidia")) for p in Path("/dev").glob("nvidia[0-9]*"))


def resolve(requested: str) -> str:
    """``auto`` becomes ``cuda`` where the machine has a GPU, else ``cpu``; other values stay.

    Raises :class:`ConfigError` for ``cuda`` on a machine without one, and for what is no device.
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]+)?", requested):
        raise ConfigError(f"device: expected auto, cpu, cuda, cuda:N or mps, found '{requested}'")
    if requested == "auto":
        return "cuda" if gpu_ids() and os.environ.get("CUDA_VISIBLE_DEVICES", "0") != "" else "cpu"
    if requested.startswith("cuda") and not gpu_ids():
        raise ConfigError(f"device: '{requested}' was asked for, but this machine has no NVIDIA GPU")
    return requested


@contextmanager
def lease(device: str, ids: list[int] | None = None, poll: float = 0.2) -> Iterator[str]:
    """Hold one GPU while the block runs; yields the device name to give to torch.

    For ``cpu`` and ``mps``, for ``cuda:N``, and where the scheduler has set ``CUDA_VISIBLE_DEVICES``, nothing
    is locked.  The lock is the operating system's and vanishes with the process, also after ``kill -9``.
    """
    if device != "cuda" or "CUDA_VISIBLE_DEVICES" in os.environ:
        yield device
        return
    LOCKS.mkdir(mode=0o1777, parents=True, exist_ok=True)
    devices = gpu_ids() if ids is None else ids
    while True:
        for index in devices:
            lock = FileLock(LOCKS / f"gpu{index}.lock", mode=0o666)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            os.environ["CUDA_VISIBLE_DEVICES"] = str(index)
            try:
                yield "cuda"
            finally:
                del os.environ["CUDA_VISIBLE_DEVICES"]
                lock.release()
            return
        time.sleep(poll)
