"""Peak memory of a piece of work in this process: of the GPU, or of the process itself."""

from __future__ import annotations

import sys
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


class Peak:
    """Most memory in use since construction, above what was in use then.

    On CUDA: what torch's allocator held at most.  Else the process's resident memory: Linux tells its high
    mark and lets it be reset; other systems tell the high mark since the start, so that work which stays
    below an earlier peak reads as 0.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        if device.startswith("cuda"):
            import torch

            torch.cuda.reset_peak_memory_stats(device)
            self._before = torch.cuda.memory_allocated(device)
        else:
            self._before = _resident()

    def bytes(self) -> int:
        if self._device.startswith("cuda"):
            import torch

            peak: int = torch.cuda.max_memory_allocated(self._device)
        else:
            peak = high_mark()
        return max(0, peak - self._before)


def _resident() -> int:
    """Resident memory now, after the high mark has been brought down to it; else the high mark."""
    try:
        _CLEAR.write_text("5", encoding="ascii")
        return _status("VmRSS")
    except (OSError, KeyError):
        return high_mark()


def high_mark() -> int:
    """Most resident memory of this process so far, in bytes.

    Not ``ru_maxrss`` where there is a choice: a program that a large process starts inherits that one's.
    """
    try:
        return _status("VmHWM")
    except (OSError, KeyError):
        import resource

        # Kibibytes, except on macOS, where it is bytes.
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _status(field: str) -> int:
    """A field of ``/proc/self/status`` in bytes."""
    for line in _STATUS.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise KeyError(field)
