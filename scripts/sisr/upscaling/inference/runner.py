"""Running a network on images of any size."""

from __future__ import annotations

import copy
import logging
import math
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sisr.base.errors import ConfigError, ModelError, ModelSkipped, is_out_of_memory
from sisr.lr.kernels.matlab import imresize
from sisr.upscaling.inference import field, memory
from sisr.upscaling.inference.linear import merge_linear
from sisr.upscaling.inference.options import MINIMUM_TILE, Options
from sisr.upscaling.inference.tiles import Span, tiles
from sisr.upscaling.networks import Network

log = logging.getLogger(__name__)

Planes = NDArray[np.float32]

_DTYPES = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
#: Context of a tile where the network looks at the whole image and no context is enough.
_CONTEXT_OF_GLOBAL = 32
#: Part of the free memory that a run may plan with; the rest is for images in and out.
_SHARE = 0.7
#: Pixels of the module's input up to which a run on the CPU takes the memory that it needs without asking: to
#: find out how much takes longer than most images.
_SMALL = 1 << 19
#: Images of one size that run together on a GPU, at most, unless asked otherwise.
_GPU_BATCH = 8

# Facts of networks, which take seconds to measure and are the same for every runner.
_REACHES: WeakKeyDictionary[nn.Module, int | Literal["global"]] = WeakKeyDictionary()
_MEMORY: WeakKeyDictionary[nn.Module, memory.MemoryModel | None] = WeakKeyDictionary()
_MERGED: WeakKeyDictionary[nn.Module, nn.Module] = WeakKeyDictionary()


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

    ``threads`` may be changed between runs.  ``retried`` counts the images that ran again in float32, and
    :meth:`summary` says what was not plain.

    Raises
    ------
    ConfigError : the machine has no such device, or an option does not exist on it
    ModelSkipped : the network is known to fail in the precision
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
        self.retried = 0
        self.threads = threads
        self._cuda = device.startswith("cuda")
        _require_device(device)
        self.options.require(device)
        self._check_precision()
        #: Most images that run together, and the side of a tile (0 for none): smaller after memory ended.
        self._together = self.batch
        self._tile = 0 if network.tiling == "internal" else self.options.tile
        self._smallest_tile = 0
        self._seam = 0.0
        if self._cuda:
            # cuBLAS reads it when it starts; without it, it may sum in another order each time.
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        if device == "cpu":
            memory.keep_freed()
        dtype = _DTYPES[self.options.precision]
        #: The network as it runs, in float32.
        module = self._merged() if self.options.merge_linear else network.module
        # Not its own `to`, which a class of somebody's may have with other arguments.
        self._plain = nn.Module.to(module, device)
        self._module = (
            self._plain if dtype is torch.float32 else nn.Module.to(copy.deepcopy(self._plain), dtype)
        )
        self._format = torch.channels_last if self.options.channels_last else torch.contiguous_format
        layout: Any = {"memory_format": self._format}
        self._module = nn.Module.to(self._module, **layout)
        self._forward: Callable[[Tensor], Tensor] = self._module
        if self.options.compile:
            self._forward = torch.compile(self._module, dynamic=True)
        elif self.options.cuda_graphs:
            self._forward = _Graphs(self._module)

    def _merged(self) -> nn.Module:
        network = self.network
        if network.module not in _MERGED:
            least = max(network.minimum_size, network.multiple_of)
            _MERGED[network.module] = merge_linear(network.module, network.channels, least)
        return _MERGED[network.module]

    def _check_precision(self) -> None:
        precision = self.options.precision
        known = {"fp16": self.network.supports_half, "bf16": self.network.supports_bf16}.get(precision, True)
        if not known:
            raise ModelSkipped(f"{self.label} is known to fail in {precision}")

    def _set_arithmetic(self) -> None:
        """Torch's switches, which are the process's: another runner may have set them since."""
        torch.set_num_threads(self.threads)
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

    @property
    def reach(self) -> int | Literal["global"]:
        """Pixels of the module's input that an output pixel looks at on each side, or ``"global"``."""
        network = self.network
        if network.module not in _REACHES:
            found = field.reach(network.module, network.channels, self._factor, network.multiple_of)
            _REACHES[network.module] = found
        return _REACHES[network.module]

    @property
    def context(self) -> int:
        """Context around a tile, in pixels of the module's input: one more than the network needs, so that a
        tile also knows the last line of its neighbour and the two can be compared.
        """
        needed = self.reach + 1 if isinstance(self.reach, int) else _CONTEXT_OF_GLOBAL
        return max(needed, self.network.minimum_size)

    @property
    def model(self) -> memory.MemoryModel | None:
        """How much memory an image takes; None for a network that cannot tell without running."""
        if self._plain not in _MEMORY:
            network = self.network
            _MEMORY[self._plain] = memory.measure(self._plain, network.channels, network.multiple_of)
        return _MEMORY[self._plain]

    @property
    def batch(self) -> int:
        """Most images of one size to hand to :meth:`run_batch` at once."""
        return self.options.batch or (_GPU_BATCH if self._cuda else 1)

    # --- runs -----------------------------------------------------------------------------------------------

    def run(self, planes: Planes) -> Planes:
        """Enlarge one image: float32 ``(c, h, w)`` on the network's range -> ``(c, s*h, s*w)``."""
        return self.run_batch(planes[None])[0]

    def run_batch(self, batch: Planes) -> Planes:
        """Enlarge images of one size: float32 ``(n, c, h, w)`` -> ``(n, c, s*h, s*w)``.

        An image that is smaller than the network takes, or no multiple of what it takes, is reflected at the
        right and below, and the result is cropped.  Where memory ends, fewer images run together, then
        tiles, of which each attempt halves the side.

        Raises
        ------
        ModelError : a wrong size or a value that is not finite, also in float32
        MemoryError : not even the smallest tile has room
        """
        factor = self._factor
        source = self._enlarged(batch)
        height, width = source.shape[2:]
        source = self._padded(source)
        output = self._within_memory(source)
        expected = (*source.shape[:2], *(side * factor for side in source.shape[2:]))
        if output.shape != expected:
            shapes = f"output is {output.shape[1:]}, expected {expected[1:]}"
            raise ModelError(f"{self.label}: {shapes} for x{self.network.scale}")
        wrong = ~np.isfinite(output).all(axis=(1, 2, 3))
        if wrong.any():
            output[wrong] = self._again_in_fp32(source[wrong])
        return output[:, :, : height * factor, : width * factor]

    def alone(self, planes: Planes) -> Callable[[], Tensor]:
        """What runs the network alone, on one image ``(c, h, w)`` that is on the device, whole and padded.

        A copy of the image is part of each run, since some networks write into their input.
        """
        tensor = self._tensor(self._padded(self._enlarged(planes[None])))

        def run() -> Tensor:
            self._set_arithmetic()
            with torch.inference_mode():
                return self._forward(tensor.clone())

        return run

    def _enlarged(self, batch: Planes) -> Planes:
        """What the module takes: images, or their bicubic enlargements."""
        if self.network.enlarge_first:
            larger = [imresize(planes.transpose(1, 2, 0), self.network.scale) for planes in batch]
            batch = np.stack(larger).transpose(0, 3, 1, 2)
        return np.ascontiguousarray(batch, np.float32)

    def _padded(self, source: Planes) -> Planes:
        """Images with the sides that the network takes; more of a reflection where a side is too short."""
        least, multiple = self.network.minimum_size, self.network.multiple_of
        sides = [max(side, least) for side in source.shape[2:]]
        after = [side + -side % multiple - had for side, had in zip(sides, source.shape[2:], strict=True)]
        if min(source.shape[2:]) < least:
            self._note(f"images of less than {least} pixels were reflected up to that")
        if not any(after):
            return source
        return np.pad(source, ((0, 0), (0, 0), *((0, more) for more in after)), "reflect")

    def _within_memory(self, source: Planes) -> Planes:
        self._set_arithmetic()
        while True:
            tile = self._tile or self._planned_tile(source)
            try:
                if tile:
                    return np.concatenate([self._tiled(planes[None], tile) for planes in source])
                return self._whole(source)
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
                if self._cuda:
                    torch.cuda.empty_cache()
                self._take_less(source, tile)

    def _planned_tile(self, source: Planes) -> int:
        """The largest tile that the memory model allows, 0 where it allows the whole image."""
        limit = None if self.network.tiling == "internal" else self._limit(source)
        height, width = source.shape[2:]
        if limit is None or self.model is None or self.model.bytes(height, width) <= limit:
            return 0
        return max(MINIMUM_TILE, self.model.side(limit) - 2 * self.context)

    def _planned_batch(self, source: Planes) -> int:
        """How many images the memory model allows to run together; at least one."""
        limit = self._limit(source)
        if self._together == 1 or limit is None or self.model is None:
            return self._together
        height, width = source.shape[2:]
        return max(1, min(self._together, self.model.images(height, width, limit)))

    def _limit(self, source: Planes) -> float | None:
        """Bytes that a run may take; None where the image is small and the CPU has no stated limit."""
        if self.options.memory_mib:
            return self.options.memory_mib * float(1 << 20)
        if not self._cuda and math.prod(source.shape[2:]) <= _SMALL:
            return None
        return memory.free(self.device) * _SHARE

    def _take_less(self, source: Planes, tile: int) -> None:
        """After a run found no memory: half as many images together, else half the tile."""
        if not tile and min(self._together, len(source)) > 1:
            self._together = min(self._together, len(source)) // 2
            self._note(f"out of memory: {self._together} images together")
            return
        if self.network.tiling == "internal":
            raise _NoRoom(f"{self.label}: out of memory, and it cuts images into tiles itself") from None
        side = tile or max(source.shape[2:])
        if side <= MINIMUM_TILE:
            raise _NoRoom(
                f"{self.label}: no memory for a tile of {side} pixels with {self.context} of context"
            ) from None
        self._tile = max(MINIMUM_TILE, side // 2)
        self._note(f"out of memory: tiles of {self._tile} pixels")

    def _whole(self, source: Planes) -> Planes:
        """Run images as they are, as many together as may."""
        pieces = np.array_split(source, -(-len(source) // self._planned_batch(source)))
        return np.concatenate([self._compute(piece) for piece in pieces])

    def _tiled(self, source: Planes, tile: int) -> Planes:
        """Run one image in tiles."""
        height, width = source.shape[2:]
        factor = self._factor
        output = np.empty((1, source.shape[1], height * factor, width * factor), np.float32)
        self._smallest_tile = min(self._smallest_tile or tile, tile)
        for down, across in tiles(height, width, tile, self.context, self.network.multiple_of):
            part = self._compute(source[:, :, down.start : down.stop, across.start : across.stop])
            self._measure_seam(output, part, down, across)
            output[
                :, :, down.first * factor : down.last * factor, across.first * factor : across.last * factor
            ] = part[
                :,
                :,
                (down.first - down.start) * factor : (down.last - down.start) * factor,
                (across.first - across.start) * factor : (across.last - across.start) * factor,
            ]
        return output

    def _measure_seam(self, output: Planes, part: Planes, down: Span, across: Span) -> None:
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

    def _compute(self, images: Planes) -> Planes:
        """One run of the network, float32 in and out; :class:`OutOfMemory` beyond the stated limit."""
        if self.options.memory_mib and self.model is not None:
            count, _, height, width = images.shape
            needed = self.model.bytes(height, width, count)
            if needed > self.options.memory_mib * float(1 << 20):
                raise OutOfMemory(f"{needed / (1 << 20):.0f} MiB needed, {self.options.memory_mib} allowed")
        with torch.inference_mode():
            return self._forward(self._tensor(images)).float().cpu().numpy()

    def _tensor(self, images: Planes) -> Tensor:
        """Images on the device, as the network takes them; a copy, since some networks write into it."""
        tensor = torch.from_numpy(np.ascontiguousarray(images))
        if self._cuda:
            tensor = tensor.pin_memory()
        dtype = _DTYPES[self.options.precision]
        return tensor.to(self.device, dtype, non_blocking=True, copy=True, memory_format=self._format)

    def _again_in_fp32(self, source: Planes) -> Planes:
        """The same images in float32, after a value overflowed in a smaller type."""
        output = None
        if self.options.precision in ("bf16", "fp16"):
            options = replace(
                self.options, precision="fp32", tile=self._tile, compile=False, cuda_graphs=False
            )
            plain = Runner(self.network, options, self.device, self.threads, self.label)
            output = plain._within_memory(source)
            self.retried += len(source)
        if output is None or not np.isfinite(output).all():
            raise ModelError(f"{self.label}: output is not finite")
        return output

    def _note(self, text: str) -> None:
        if text not in self.notes:
            log.warning("%s: %s", self.label, text)
            self.notes.append(text)

    def summary(self) -> list[str]:
        """What was not plain: options that are not the defaults, images that ran again, tiles and the error
        at their seams.
        """
        said = [f"{key} {value}" for key, value in self.options.changed().items()]
        said += self.notes
        if self.retried:
            said.append(f"{self.retried} not finite in {self.options.precision}: run again in fp32")
        if self._smallest_tile:
            far = "at the whole image" if self.reach == "global" else f"{self.reach} pixels far"
            said.append(
                f"tiles of {self._smallest_tile} pixels; the network looks {far}; "
                f"{255 * self.seam_error:.3g} levels at seams"
            )
        return said


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


def _require_device(device: str) -> None:
    """Raise :class:`ConfigError` for a device that torch does not have here."""
    kind, _, index = device.partition(":")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ConfigError(
            f"device: '{device}' was asked for, but torch {torch.__version__} finds no such GPU"
        )
    if kind == "cuda" and torch.cuda.device_count() <= int(index or 0):
        raise ConfigError(
            f"device: '{device}' was asked for, but torch {torch.__version__} finds "
            f"{torch.cuda.device_count()} CUDA GPUs"
        )


def _is_out_of_memory(error: BaseException) -> bool:
    """Memory of any kind ended, or the stated limit, and there may be room for less."""
    return isinstance(error, OutOfMemory) or (not isinstance(error, _NoRoom) and is_out_of_memory(error))
