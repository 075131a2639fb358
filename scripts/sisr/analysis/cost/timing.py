"""Measured cost: how long one call of a model takes, and how much memory it needs.

What is timed is a loaded model's call: uint8 image in memory to uint8 image in memory, with colour
conversion, chroma, transfers to a GPU and rounding, without files.  It is what a user waits for; papers often
time the bare network.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sisr.analysis.cost.conditions import describe
from sisr.analysis.cost.counts import OUTPUT
from sisr.base import device as devices
from sisr.base.peak_memory import Peak
from sisr.models.model_entries import Model, engine_module
from sisr.upscaling import engines
from sisr.upscaling.inference.options import Options

Size = tuple[int, int]
#: Sizes of the output, from that of the counts down, so that a slow model takes seconds and not minutes.
SIZES = (OUTPUT, (640, 360), (320, 180), (160, 96))
WARM_UPS = 2
#: Fewest and most timed calls.  The quartiles of five are values that were measured.
CALLS = (5, 50)


@dataclass(frozen=True)
class Timing:
    """Seconds of each timed call; ``warm_ups`` calls before them were not timed."""

    seconds: tuple[float, ...]
    warm_ups: int

    def quartiles(self) -> tuple[float, float, float]:
        """First quartile, median and third quartile in seconds, interpolated linearly."""
        low, middle, high = np.quantile(self.seconds, (0.25, 0.5, 0.75))
        return float(low), float(middle), float(high)


def measure(
    call: Callable[[], object],
    budget: float,
    *,
    synchronise: Callable[[], object] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> Timing:
    """Time ``call`` again and again for about ``budget`` seconds, after :data:`WARM_UPS` calls.

    ``synchronise`` waits for the device and is part of what is timed: a GPU's call returns before the work is
    done.  At least the first and at most the second of :data:`CALLS` calls are timed.
    """
    for _ in range(WARM_UPS):
        call()
    synchronise()
    seconds: list[float] = []
    start = clock()
    while len(seconds) < CALLS[0] or (clock() - start < budget and len(seconds) < CALLS[1]):
        begin = clock()
        call()
        synchronise()
        seconds.append(clock() - begin)
    return Timing(tuple(seconds), WARM_UPS)


def choose_size(
    seconds_at: Callable[[Size], float],
    budget: float,
    calls: int = WARM_UPS + CALLS[0],
    largest: Size = SIZES[0],
) -> tuple[Size, float]:
    """The largest of :data:`SIZES` at which ``calls`` fit in ``budget``, and its seconds a call.

    Goes from the smallest upwards; the next size is tried where a time that grows with the pixels still
    fits.  ``seconds_at`` measures one call at a size of the output.
    """
    *larger, size = (size for size in SIZES if size[0] <= largest[0])
    seconds = seconds_at(size)
    for bigger in reversed(larger):
        growth = bigger[0] * bigger[1] / (size[0] * size[1])
        if seconds * growth * calls > budget:
            break
        size, seconds = bigger, seconds_at(bigger)
    return size, seconds


def image(size: Size) -> np.ndarray:
    """The test image of ``(width, height)``: seeded noise, uint8 ``(h, w, 3)``.

    What is in an image changes no operation of these models; noise has no value so small that a processor
    would slow down over it.
    """
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)


def time_model(
    model: Model,
    scale: int,
    files: Mapping[str, Path],
    *,
    device: str = "cpu",
    threads: int = 1,
    budget: float = 10.0,
    options: Options | None = None,
) -> dict[str, Any]:
    """Time one model at a scale; arguments as for :func:`sisr.upscaling.engines.load`, ``budget`` in seconds.

    Returns ``output`` (width, height of the timed output), ``calls``, the quartiles of the seconds per
    megapixel of output, ``peak_memory`` (bytes above what the process held before the model was loaded,
    weights included; see :class:`sisr.base.peak_memory.Peak`) and the facts of
    :func:`sisr.analysis.cost.conditions.describe`. Raises what loading and running the model raise.
    """
    with devices.lease(devices.resolve(device)) as leased:
        # Its libraries are not the model's memory.
        importlib.import_module(engine_module(model.engine))
        used = leased if model.engine == "torch" else "cpu"
        peak = Peak(used)
        upscaler = engines.load(model, scale, files, leased, threads, options)
        wait = synchroniser(used)

        def once(size: Size) -> float:
            lr = image((size[0] // scale, size[1] // scale))
            upscaler(lr)
            wait()
            begin = time.perf_counter()
            upscaler(lr)
            wait()
            return time.perf_counter() - begin

        size, _ = choose_size(once, budget)
        lr = image((size[0] // scale, size[1] // scale))
        timing = measure(lambda: upscaler(lr), budget, synchronise=wait)
        facts = describe(used, threads)
        memory = peak.bytes()
    height, width = (side * scale for side in lr.shape[:2])
    pixels = width * height / 1e6
    low, middle, high = (value / pixels for value in timing.quartiles())
    return {
        "output": [width, height],
        "calls": len(timing.seconds),
        "seconds_per_megapixel": [low, middle, high],
        "peak_memory": memory,
        **facts,
    }


def synchroniser(device: str) -> Callable[[], object]:
    """A function that waits until the device has done all it was given."""
    if device.startswith("cuda"):
        import torch

        return lambda: torch.cuda.synchronize(device)
    if device == "mps":
        import torch

        return torch.mps.synchronize
    return lambda: None
