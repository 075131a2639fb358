"""Running a network on pictures of any size."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sisr.errors import ConfigError, ModelError
from sisr.inference import field, memory
from sisr.inference.options import MINIMUM_TILE, Options
from sisr.inference.tiling import tiles
from sisr.kernels.matlab import imresize
from sisr.networks import Network

log = logging.getLogger(__name__)

Planes = NDArray[np.float32]

_DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
#: Context of a tile where the network looks at the whole picture and no context is enough.
_CONTEXT_OF_GLOBAL = 32
#: Part of the free memory that a run may plan with; the rest is for pictures in and out.
_SHARE = 0.7
#: Pictures of one size that run together on a GPU, at most, unless asked otherwise.
_GPU_BATCH = 8


class OutOfMemory(RuntimeError):
    """A run would take more memory than there is, or than was allowed."""


class _NoRoom(MemoryError):
    """Even the smallest tile does not fit: there is nothing left to try."""


class Runner:
    """One network on one device.

    Parameters
    ----------
    network : moved to the device
    device : ``cpu``, ``cuda``, ``cuda:N`` or ``mps``
    threads : CPU threads of torch, for the whole process
    label : what errors call the network

    ``notes`` says what was not plain: tiles and the error at their seams, runs in another precision.

    Raises
    ------
    ConfigError : the precision does not exist on the device, or the network is known to fail in it.
    """

    def __init__(
        self,
        network: Network,
        options: Options | None = None,
        device: str = "cpu",
        threads: int = 1,
        label: str | None = None,
    ) -> None:
        self.network = network
        self.options = options or Options()
        self.device = device
        self.label = label or network.architecture
        self.notes: list[str] = []
        self._seam = 0.0
        self._cuda = device.startswith("cuda")
        self._check_precision()
        torch.set_num_threads(threads)
        self._set_arithmetic()
        # The whole picture until memory says otherwise.
        self._tile = self.options.tile
        dtype = _DTYPES[self.options.precision]
        self._plain = network.module.to(device)
        self._module = self._plain if dtype is torch.float32 else copy.deepcopy(self._plain).to(dtype)
        self._format = torch.channels_last if self.options.channels_last else torch.contiguous_format
        self._module = self._module.to(memory_format=self._format)  # type: ignore[call-overload]
        self._forward: Callable[[Tensor], Tensor] = self._module
        if self.options.compile:
            self._forward = torch.compile(self._module, dynamic=True)
        elif self.options.cuda_graphs and self._cuda:
            self._forward = _Graphs(self._module)

    def _check_precision(self) -> None:
        precision = self.options.precision
        if precision == "tf32" and not self._cuda:
            raise ConfigError(f"inference: precision tf32 exists on CUDA only, the device is {self.device}")
        known = {"fp16": self.network.supports_half, "bf16": self.network.supports_bf16}.get(precision, True)
        if not known:
            raise ConfigError(f"inference: {self.label} is known to fail in {precision}")

    def _set_arithmetic(self) -> None:
        # Not use_deterministic_algorithms(): that imports the compiler, which takes longer than a small cell.
        torch.set_deterministic_debug_mode("warn" if self.options.deterministic else "default")
        torch.backends.cudnn.deterministic = self.options.deterministic
        torch.backends.cudnn.benchmark = not self.options.deterministic
        tf32 = self.options.precision == "tf32"
        torch.backends.cuda.matmul.allow_tf32 = tf32
        torch.backends.cudnn.allow_tf32 = tf32

    # --- facts of the network, measured when they are first needed ------------------------------------------

    @property
    def _factor(self) -> int:
        """Sides of the module's output over those of its input."""
        return 1 if self.network.enlarge_first else self.network.scale

    @cached_property
    def reach(self) -> int | str:
        """Pixels of the module's input that an output pixel looks at on each side, or ``"global"``."""
        plain = copy.deepcopy(self._plain).cpu()
        return field.reach(plain, self.network.channels, self._factor, self.network.multiple_of)

    @property
    def context(self) -> int:
        """Context around a tile, in pixels of the module's input: one more than the network needs, so that a
        tile also knows the last line of its neighbour and the two can be compared.
        """
        return self.reach + 1 if isinstance(self.reach, int) else _CONTEXT_OF_GLOBAL

    @cached_property
    def model(self) -> memory.MemoryModel | None:
        """How much memory a picture takes."""
        plain = copy.deepcopy(self._plain).cpu()
        return memory.measure(plain, self.network.channels, self.network.multiple_of)

    @property
    def batch(self) -> int:
        """Most pictures of one size to hand to :meth:`run_batch` at once."""
        return self.options.batch or (_GPU_BATCH if self._cuda else 1)

    # --- runs -----------------------------------------------------------------------------------------------

    def run(self, planes: Planes) -> Planes:
        """Enlarge one picture: float32 ``(c, h, w)`` on the network's range -> ``(c, s*h, s*w)``."""
        return self.run_batch(planes[None])[0]

    def run_batch(self, batch: Planes) -> Planes:
        """Enlarge pictures of one size: float32 ``(n, c, h, w)`` -> ``(n, c, s*h, s*w)``.

        Where memory ends, the pictures run one by one, then in tiles, of which each attempt halves the side.

        Raises
        ------
        ModelError : a wrong size or a value that is not finite, also in float32
        MemoryError : not even the smallest tile has room
        """
        scale = self.network.scale
        if self.network.enlarge_first:
            source = np.stack([_enlarge(planes, scale) for planes in batch])
        else:
            source = np.ascontiguousarray(batch, np.float32)
        output = self._within_memory(source)
        if not np.isfinite(output).all():
            output = self._again_in_fp32(source)
        n, channels, height, width = batch.shape
        expected = (n, channels, height * scale, width * scale)
        if output.shape != expected:
            shapes = f"output is {output.shape[1:]}, expected {expected[1:]}"
            raise ModelError(f"{self.label}: {shapes} for x{scale}")
        return output

    def _within_memory(self, source: Planes) -> Planes:
        while True:
            try:
                if self._tile or self._too_large(source):
                    return np.stack([self._tiled(planes[None])[0] for planes in source])
                return self._whole(source)
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                if self._cuda:
                    torch.cuda.empty_cache()
                self._smaller(source)

    def _too_large(self, source: Planes) -> bool:
        """Whether the memory model forbids to run a picture whole; then chooses the tile."""
        limit = self._limit()
        if limit is None or self.model is None:
            return False
        height, width = source.shape[2:]
        if self.model.bytes(height, width) <= limit:
            return False
        self._tile = max(MINIMUM_TILE, self.model.side(limit) - 2 * self.context)
        return True

    def _limit(self) -> float | None:
        """Bytes that a run may take; None on the CPU without a stated limit, where pages are found as needed
        and asking for the model first would cost more than most pictures.
        """
        if self.options.memory_mib:
            return self.options.memory_mib * float(1 << 20)
        return memory.free(self.device) * _SHARE if self._cuda else None

    def _smaller(self, source: Planes) -> None:
        """Choose a smaller tile after a run found no memory."""
        side = self._tile or max(source.shape[2:])
        if side <= MINIMUM_TILE:
            raise _NoRoom(
                f"{self.label}: no memory for a tile of {side} pixels with {self.context} of context"
            ) from None
        self._tile = max(MINIMUM_TILE, side // 2)
        self._note(f"out of memory: tiles of {self._tile} pixels")

    def _whole(self, source: Planes) -> Planes:
        """Run pictures as they are."""
        pieces = [source] if source.shape[0] <= self.batch else np.array_split(
            source, -(-source.shape[0] // self.batch)
        )  # fmt: skip
        return np.concatenate([self._compute(piece, self._forward) for piece in pieces])

    def _tiled(self, source: Planes) -> Planes:
        """Run one picture in tiles."""
        height, width = source.shape[2:]
        factor = self._factor
        output = np.empty((1, source.shape[1], height * factor, width * factor), np.float32)
        for down, across in tiles(height, width, self._tile, self.context, self.network.multiple_of):
            tile = np.ascontiguousarray(source[:, :, down.start : down.stop, across.start : across.stop])
            part = self._compute(tile, self._forward)
            inner = part[
                :,
                :,
                (down.first - down.start) * factor : (down.last - down.start) * factor,
                (across.first - across.start) * factor : (across.last - across.start) * factor,
            ]
            self._measure_seam(output, part, down, across)
            output[
                :, :, down.first * factor : down.last * factor, across.first * factor : across.last * factor
            ] = inner
        return output

    def _measure_seam(self, output: Planes, part: Planes, down: Any, across: Any) -> None:
        """How much a tile differs from its finished neighbours on their last line before it."""
        f = self._factor
        row, column = down.first * f, across.first * f
        rows = slice(row, down.last * f)
        columns = slice(column, across.last * f)
        own_row, own_column = (down.first - down.start) * f, (across.first - across.start) * f
        if own_column > 0:
            own = part[:, :, own_row : own_row + rows.stop - rows.start, own_column - 1]
            self._seam = max(self._seam, float(np.abs(own - output[:, :, rows, column - 1]).max()))
        if own_row > 0:
            own = part[:, :, own_row - 1, own_column : own_column + columns.stop - columns.start]
            self._seam = max(self._seam, float(np.abs(own - output[:, :, row - 1, columns]).max()))

    @property
    def seam_error(self) -> float:
        """Largest difference between neighbouring tiles at their seams so far, as a part of the range."""
        return self._seam / self.network.peak

    def _compute(self, pictures: Planes, forward: Callable[[Tensor], Tensor]) -> Planes:
        """One run of the network, float32 in and out; :class:`OutOfMemory` beyond the stated limit."""
        if self.options.memory_mib and self.model is not None:
            height, width = pictures.shape[2:]
            needed = self.model.bytes(height, width, pictures.shape[0])
            if needed > self.options.memory_mib * float(1 << 20):
                raise OutOfMemory(f"{needed / (1 << 20):.0f} MiB needed, {self.options.memory_mib} allowed")
        with torch.inference_mode():
            tensor = torch.from_numpy(pictures)
            if self._cuda:
                tensor = tensor.pin_memory()
            tensor = tensor.to(self.device, _DTYPES[self.options.precision], non_blocking=True)
            tensor = tensor.contiguous(memory_format=self._format)
            return forward(tensor).float().cpu().numpy()

    def _again_in_fp32(self, source: Planes) -> Planes:
        """The same pictures in float32, after a value overflowed in a smaller type."""
        output = None
        if self.options.precision in ("bf16", "fp16"):
            options = Options(tile=self._tile, memory_mib=self.options.memory_mib)
            plain = Runner(self.network, options, self.device, torch.get_num_threads(), self.label)
            output = plain._within_memory(source)
            self._note(f"not finite in {self.options.precision}: run again in fp32")
        if output is None or not np.isfinite(output).all():
            raise ModelError(f"{self.label}: output is not finite")
        return output

    def _note(self, text: str) -> None:
        if text not in self.notes:
            log.warning("%s: %s", self.label, text)
            self.notes.append(text)

    def summary(self) -> list[str]:
        """The notes, with the tile and the error at its seams where pictures were cut."""
        if not self._tile:
            return list(self.notes)
        kind = "looks at the whole picture" if self.reach == "global" else f"looks {self.reach} pixels far"
        levels = 255 * self.seam_error
        return [
            *self.notes,
            f"tiles of {self._tile} pixels; the network {kind}; {levels:.3g} levels at seams",
        ]


class _Graphs:
    """Replays a network that was recorded once for each shape; CUDA graphs need the very same memory."""

    #: Shapes that are kept: each holds all of the network's buffers.
    most = 4

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._recorded: dict[tuple[int, ...], tuple[Any, Tensor, Tensor]] = {}

    def __call__(self, batch: Tensor) -> Tensor:
        # Exact shapes: padding to a common one would change pixels near the border.
        key = tuple(batch.shape)
        if key not in self._recorded:
            while len(self._recorded) >= self.most:
                del self._recorded[next(iter(self._recorded))]
            self._recorded[key] = self._record(batch)
        graph, source, output = self._recorded[key]
        source.copy_(batch)
        graph.replay()
        return output.clone()

    def _record(self, batch: Tensor) -> tuple[Any, Tensor, Tensor]:
        source = batch.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):
                self._module(source)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            output = self._module(source)
        return graph, source, output


def _enlarge(planes: Planes, scale: int) -> Planes:
    return np.ascontiguousarray(imresize(planes.transpose(1, 2, 0), scale).transpose(2, 0, 1), np.float32)


def _is_out_of_memory(error: BaseException) -> bool:
    """CUDA's error, the CPU allocator's (a plain RuntimeError), NumPy's, or the stated limit."""
    if isinstance(error, OutOfMemory | torch.OutOfMemoryError):
        return True
    if isinstance(error, _NoRoom):
        return False
    text = str(error).lower()
    return isinstance(error, MemoryError) or "can't allocate memory" in text or "out of memory" in text
