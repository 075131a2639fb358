"""Choosing a device, and sharing the GPUs of a machine between jobs.

Snakemake counts GPUs but never says which one a job got, so two jobs would land on device 0.  A lease is a
lock file per device, held only around compute; it sets ``CUDA_VISIBLE_DEVICES`` before torch starts CUDA.
Where a scheduler has set that variable, only its devices are leased: several cells of one submission share
what the submission was given, one device a cell, and nothing else is touched.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sisr.base.errors import ConfigError

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


def for_job(requested: str, gpus: int) -> str:
    """What a job of the workflow runs on that was given ``gpus`` GPUs: no GPU where it was given none."""
    return requested if gpus or requested == "mps" else "cpu"


#: Set by schedulers (Slurm, PBS, LSF, Grid Engine, HTCondor) to what identifies a job.
_JOB_IDS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID", "JOB_ID", "_CONDOR_JOB_ID")


def _candidates(device: str, ids: list[int] | None) -> dict[str, str]:
    """Devices that may be leased, as CUDA names them -> name of the lock.

    Some schedulers number the devices of each job from 0, whichever they are, so the job is part of the name.
    """
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is None:
        # CUDA counts the devices that it sees from 0; in a container /dev/nvidia3 may be the only one.
        devices = gpu_ids() if ids is None else ids
        names = {str(position): f"gpu{index}" for position, index in enumerate(devices)}
    else:
        job = next((f"job{os.environ[key]}-" for key in _JOB_IDS if os.environ.get(key)), "")
        visible = [name for name in map(str.strip, given.split(",")) if name]
        names = {name: f"{job}gpu{name.replace('/', '_')}" for name in visible}
    _, _, number = device.partition(":")
    if number:
        names = dict(list(names.items())[int(number) : int(number) + 1])
    if not names:
        seen = "" if given is None else f" (CUDA_VISIBLE_DEVICES is '{given}')"
        raise ConfigError(f"device: '{device}' was asked for, but there is no such NVIDIA GPU here{seen}")
    return names


@contextmanager
def lease(device: str, ids: list[int] | None = None, poll: float = 0.2) -> Iterator[str]:
    """Hold one GPU while the block runs; yields the device name to give to torch.

    Of ``cuda`` any device, of ``cuda:N`` the N-th; of ``cpu`` and ``mps`` nothing is locked.  Within the
    block ``CUDA_VISIBLE_DEVICES`` is the held device alone, which is then torch's ``cuda``.  The lock is the
    operating system's and vanishes with the process, also after ``kill -9``.

    Parameters
    ----------
    ids : the machine's devices; by default those it has.  Where ``CUDA_VISIBLE_DEVICES`` is set, that decides
    poll : seconds between two rounds of asking for a free device

    Raises
    ------
    ConfigError
        There is no such device.
    """
    if not device.startswith("cuda"):
        yield device
        return
    from filelock import FileLock, Timeout  # here, since all of Snakemake's parsing reads this module

    _make_shared(LOCKS)
    candidates = _candidates(device, ids)
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    while True:
        for name, lock_name in candidates.items():
            lock = FileLock(LOCKS / f"{lock_name}.lock", mode=0o666)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            os.environ["CUDA_VISIBLE_DEVICES"] = name
            try:
                yield "cuda"
            finally:
                if before is None:
                    del os.environ["CUDA_VISIBLE_DEVICES"]
                else:
                    os.environ["CUDA_VISIBLE_DEVICES"] = before
                lock.release()
            return
        time.sleep(poll)


def _make_shared(folder: Path) -> None:
    """Make a folder that every user of the machine can make files in, whatever the umask is."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return
    folder.chmod(0o1777)
