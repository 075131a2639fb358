"""What a run works in: a writable folder, free of what a killed run left, and this checkout's library."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import IO

from sisr.base.errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows: stale locks are left to `snakemake --unlock`
    fcntl = None  # type: ignore[assignment]


def require_writable(folder: Path) -> None:
    """Raise :class:`ConfigError` in one line unless ``folder`` is a writable folder or can be made one."""
    existing = next(path for path in (folder, *folder.absolute().parents) if os.path.lexists(path))
    if not existing.is_dir():
        raise ConfigError(f"{folder}: expected a folder for results, but {existing} is not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ConfigError(f"{folder}: cannot write results: {existing} is not writable")


def share_library() -> None:
    """Let the jobs of this process import the library of this checkout, not one installed from elsewhere.

    Snakemake appends a script's folder to the end of its path.  Inside a conda environment, where Snakemake
    drops ``PYTHONPATH``, no other library is installed.
    """
    inherited = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), inherited]))


def join_runs(state: Path, main: bool = True) -> IO[bytes] | None:
    """Register this process as a run in ``state`` (Snakemake's ``.snakemake``); clear locks of dead runs.

    Snakemake's locks are files, which outlive a run that was killed and then stop the next one.  So every
    run also holds a shared lock of the kernel's, which ends with the process.  Whoever gets it exclusively
    knows that no other run is alive and that all lock files are stale.  That holds on one machine; a network
    file system may keep kernel locks to each.  So only a main process clears anything, and only after a run
    that was on this machine: the file says on which the last one was.

    Returns
    -------
    The open lock file; the process counts as a run until it is closed.  None where the system has no such
    locks: then nothing is cleared.
    """
    if fcntl is None:
        return None
    try:
        state.mkdir(parents=True, exist_ok=True)
        stream = (state / "runs.lock").open("a+b")
    except OSError:
        return None  # Snakemake itself will say what is wrong with its folder
    try:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            if main:
                _clear_stale(state / "locks", stream)
        fcntl.flock(stream, fcntl.LOCK_SH)
    except OSError:  # a file system without locks
        stream.close()
        return None
    return stream


def _clear_stale(locks: Path, host: IO[bytes]) -> None:
    """Remove Snakemake's lock files unless a run on another machine left them; else note this machine."""
    here = platform.node().encode()
    left = list(locks.glob("*.lock"))
    host.seek(0)
    if left and host.read() not in (b"", here):
        return
    for lock in left:
        lock.unlink(missing_ok=True)
    host.truncate(0)
    host.write(here)
    host.flush()


def outer_environment() -> dict[str, str]:
    """The environment without what would make a call of Snakemake believe that it is a job."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SNAKEMAKE_")}
