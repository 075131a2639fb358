"""Memory: how much a network takes for a picture, found without running it; what is free, and kept.

The network runs on tensors that have shapes but no values (torch's meta device), and the storages that are
alive at each step are added up.  Two sizes give a straight line: memory grows with the number of pixels.
"""

from __future__ import annotations

import copy
import ctypes
import sys
import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

#: What convolutions take beside their inputs and outputs (reordered weights and pictures, blocks of columns).
_WORKSPACE = 1.6


@dataclass(frozen=True)
class MemoryModel:
    """Bytes of one run in float32 on ``n`` pictures of ``h`` x ``w`` input pixels."""

    fixed: float
    per_pixel: float

    def bytes(self, height: int, width: int, pictures: int = 1) -> float:
        return self.fixed + self.per_pixel * height * width * pictures

    def pictures(self, height: int, width: int, limit: float) -> int:
        """How many pictures of a size are within ``limit`` bytes together; 0 if not even one."""
        return int(max(0.0, (limit - self.fixed) / (self.per_pixel * height * width)))

    def side(self, limit: float) -> int:
        """Side of the largest square picture within ``limit`` bytes; 0 if none is."""
        return int(max(0.0, (limit - self.fixed) / self.per_pixel) ** 0.5)


def measure(module: nn.Module, channels: int, multiple_of: int = 1) -> MemoryModel | None:
    """Memory model of a network; None for one that cannot run without values."""
    small, large = (side + -side % multiple_of for side in (64, 128))
    try:
        shapes = copy.deepcopy(module).float().to("meta")
        peaks = [_peak(shapes, channels, side) for side in (small, large)]
    except (RuntimeError, NotImplementedError, ValueError, TypeError, AttributeError):
        return None
    per_pixel = (peaks[1] - peaks[0]) / (large**2 - small**2)
    if per_pixel <= 0:
        return None
    fixed = max(0.0, peaks[0] - per_pixel * small**2)
    return MemoryModel(fixed * _WORKSPACE, per_pixel * _WORKSPACE)


def _peak(module: nn.Module, channels: int, side: int) -> int:
    picture = torch.empty((1, channels, side, side), device="meta")
    with torch.no_grad(), _Alive() as alive:
        module(picture)
    return alive.peak + picture.untyped_storage().nbytes()


class _Alive(TorchDispatchMode):
    """Bytes of the storages that operations made and that are still alive; ``peak`` is their maximum."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_iter(result):
            if isinstance(tensor, torch.Tensor):
                self._add(tensor.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._known:
            return
        self._known.add(key)
        size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size


#: glibc's names for what ``mallopt`` sets: freed memory that is kept, and the size above which an allocation
#: is a mapping of its own, which goes back at once.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3


def keep_freed() -> None:
    """Let the process keep the memory that a layer frees for the next one.

    Otherwise each output of tens of megabytes begins with thousands of page faults, a tenth of the time of a
    small network.  Where the C library is not glibc, nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for setting in (_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD):
            mallopt(setting, 1 << 30)


def free(device: str) -> int:
    """Bytes that the device has free: of the GPU, or of the machine; a large number where it is not told.

    What torch's allocator keeps of a GPU for later is free for torch.
    """
    if device.startswith("cuda"):
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:  # noqa: PTH123 - a device file
            for line in stream:
                if line.startswith("MemAvailable"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 1 << 40
