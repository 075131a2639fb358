"""What can be chosen of inference: the ``inference`` block of a run's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from sisr.base.errors import ConfigError, unknown

Precision = Literal["fp32", "tf32", "bf16", "fp16"]


@dataclass(frozen=True)
class Options:
    """How PyTorch networks run.  The defaults are those of reported numbers: float32, deterministic.

    Parameters
    ----------
    precision : ``fp32``; ``tf32`` (CUDA only: float32 with products of 10-bit mantissas); ``bf16``; ``fp16``
    tile : side of a tile in pixels of the network's input, without the context around it; 0: the whole
        image as long as memory allows, else the largest tile that fits
    batch : most images of one size that run together; 0: 1 on the CPU, where more is not faster, and 8 on
        a GPU; fewer where memory does not allow that many
    memory_mib : memory in MiB that one run of the network may take; 0: what the device has free
    channels_last : memory layout in which most convolutions are faster
    merge_linear : run convolutions and pixel shuffles with nothing between them as one convolution; see
        :mod:`sisr.upscaling.inference.linear`
    compile : compile the network with ``torch.compile``
    cuda_graphs : record the network once for each image size and replay it (CUDA only)
    deterministic : only algorithms that give the same bits each time
    """

    precision: Precision = "fp32"
    tile: int = 0
    batch: int = 0
    memory_mib: int = 0
    channels_last: bool = True
    merge_linear: bool = True
    compile: bool = False
    cuda_graphs: bool = False
    deterministic: bool = True

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise ConfigError(f"inference: {unknown('precision', self.precision, get_args(Precision))}")
        for name in ("tile", "batch", "memory_mib"):
            if getattr(self, name) < 0:
                raise ConfigError(f"inference: {name}: expected 0 or more, found {getattr(self, name)}")
        if self.compile and self.cuda_graphs:
            raise ConfigError("inference: compile and cuda_graphs exclude each other")
        if 0 < self.tile < MINIMUM_TILE:
            raise ConfigError(f"inference: tile: expected 0 or at least {MINIMUM_TILE}, found {self.tile}")

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Options:
        """From a mapping; an unknown key raises :class:`ConfigError` with the nearest known one."""
        known = [one.name for one in fields(cls)]
        for key in document:
            if key not in known:
                raise ConfigError(f"inference: {unknown('key', key, known)}")
        return cls(**document)

    def require(self, device: str) -> None:
        """Raise :class:`ConfigError` for what does not exist on a device (a resolved one, not ``auto``)."""
        if device.startswith("cuda"):
            return
        if self.precision == "tf32":
            raise ConfigError(f"inference: precision tf32 exists on CUDA only, the device is {device}")
        if self.cuda_graphs:
            raise ConfigError(f"inference: cuda_graphs exist on CUDA only, the device is {device}")

    def changed(self) -> dict[str, Any]:
        """Values that differ from the defaults."""
        return {key: value for key, value in asdict(self).items() if value != getattr(Options(), key)}


@dataclass(frozen=True)
class Execution:
    """On what a model runs, and how: a device (``auto``, ``cpu``, ``cuda:0``), CPU threads, options."""

    device: str = "auto"
    threads: int = 1
    options: Options = field(default_factory=Options)


#: Smaller tiles spend nearly all of their time on context.
MINIMUM_TILE = 16


#: Precisions of the ledger, in the order of its columns.
LOWER_PRECISIONS = ("tf32", "bf16", "fp16")
