"""Memory: how much a network takes for an image, found without running it; what is free, and kept.

The network runs on tensors that have shapes but no values (torch's meta device), and the storages that are
alive at each step are added up.  Two sizes give a straight line: memory grows with the number of pixels.
"""

from __future__ import annotations

import copy
import ctypes
import sys
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

#: What convolutions take beside their inputs and outputs (reordered weights and images, blocks of columns).
_WORKSPACE = 1.6


@dataclass(frozen=True)
class MemoryModel:
    """Bytes of one run in float32 on ``n`` images of ``h`` x ``w`` input pixels."""

    fixed: float
    per_pixel: float

    def bytes(self, height: int, width: int, images: int = 1) -> float:
        return self.fixed + self.per_pixel * height * width * images

    def images(self, height: int, width: int, limit: float) -> int:
        """How many images of a size are within ``limit`` bytes together; 0 if not even one."""
        return int(max(0.0, (limit - self.fixed) / (self.per_pixel * height * width)))

    def side(self, limit: float) -> int:
        """Side of the largest square image within ``limit`` bytes; 0 if none is."""
        return int(max(0.0, (limit - self.fixed) / self.per_pixel) ** 0.5)


def measure(module: nn.Module, channels: int, multiple_of: int = 1) -> MemoryModel | None:
    """Memory model of a network; None for one that cannot run without values."""
    small, large = (side + -side % multiple_of for side in (64, 128))
    try:
        shapes = nn.Module.to(copy.deepcopy(module).float(), "meta")
        peaks = [_peak(shapes, channels, side) for side in (small, large)]
    except (RuntimeError, NotImplementedError, ValueError, TypeError, AttributeError):
        return None
    per_pixel = (peaks[1] - peaks[0]) / (large**2 - small**2)
    if per_pixel <= 0:
        return None
    fixed = max(0.0, peaks[0] - per_pixel * small**2)
    return MemoryModel(fixed * _WORKSPACE, per_pixel * _WORKSPACE)


def _peak(module: nn.Module, channels: int, side: int) -> int:
    image = torch.empty((1, channels, side, side), device="meta")
    with torch.no_grad(), _Alive() as alive:
        module(image)
    return alive.peak + image.untyped_storage().nbytes()


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
    """Bytes that are free: of the GPU, or of the machine and the job; a large number where it is not told.

    What torch's allocator keeps of a GPU for later is free for torch.
    """
    if device.startswith("cuda"):
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    available = _numbers(Path("/proc/meminfo")).get("MemAvailable:", _UNTOLD >> 10) * 1024
    return min(available, _free_of_group())


_UNTOLD = 1 << 40


def _free_of_group(root: Path = Path("/")) -> int:
    """Bytes that the control groups of this process leave: how schedulers and containers limit memory.

    A limit can be that of any group above.  Pages of files count as used there, and are given up when needed.
    """
    least = _UNTOLD
    for line in _lines(root / "proc/self/cgroup"):
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            folder, limit, used, cache = root / "sys/fs/cgroup", "memory.max", "memory.current", "file"
        elif "memory" in controllers.split(","):
            folder = root / "sys/fs/cgroup/memory"
            limit, used, cache = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache"
        else:
            continue
        group = folder / path.lstrip("/")
        for here in (group, *group.parents):
            allowed = "".join(_lines(here / limit))
            if allowed.isdigit():
                taken = int("".join(_lines(here / used)) or 0) - _numbers(here / "memory.stat").get(cache, 0)
                least = min(least, max(0, int(allowed) - max(0, taken)))
            if here == folder:
                break
    return least


def _numbers(path: Path) -> dict[str, int]:
    """Lines of a name and a number."""
    found = {}
    for line in _lines(path):
        name, number, *_ = line.split()
        found[name] = int(number)
    return found


def _lines(path: Path) -> list[str]:
    """Of a file of the system; none where it does not exist."""
    try:
        return path.read_text(encoding="ascii").splitlines()
    except OSError:
        return []
