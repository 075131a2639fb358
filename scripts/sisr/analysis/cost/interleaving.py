"""Timing a model and a reference network in turns, so that the ratio of their times carries over.

Blocks of calls alternate, reference - model - reference - model - ... - reference.  What slows the machine
down slows both, and the blocks of the reference say whether it did: a receipt is made of the
:data:`ROUNDS` rounds in a row over which the reference's block medians spread least, and refused where that
is more than is allowed.  What the model took has no part in that choice.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sisr.analysis.cost.conditions import EnergyCounter, uuid_of
from sisr.analysis.cost.receipts import ALLOWED
from sisr.analysis.cost.timing import WARM_UPS, synchroniser
from sisr.base.errors import SisrError

ROUNDS = 3
#: As many times as :data:`ROUNDS` rounds fit in the time that there is, where calls are short enough.
WINDOWS = 6
#: Fewest and most calls of a kind in a block.
CALLS = (3, 25)
KINDS = ("call", "network")
#: Calls of either network that the smallest receipt needs, warm-up included.
CALLS_OF_A_WINDOW = len(KINDS) * (CALLS[0] * (ROUNDS + 1) + WARM_UPS)

Clock = Callable[[], float]
Timer = Callable[[Callable[[], object]], float]


class SpreadTooLarge(SisrError):
    """The reference was not steady: a receipt that is refused."""


@dataclass(frozen=True)
class Subject:
    """What is timed: ``call`` from image to image, ``network`` alone on the device (None: not to be had)."""

    call: Callable[[], object]
    network: Callable[[], object] | None = None


@dataclass(frozen=True)
class Device:
    """How to measure on a device: a timer for whole calls, one for what runs on it alone, its energy."""

    whole: Timer
    alone: Timer
    joules: Callable[[], float | None] = lambda: None
    clock: Clock = time.perf_counter

    @classmethod
    def of(cls, name: str) -> Device:
        """``cpu``, ``mps``, or ``cuda``, on which CUDA events time the network."""
        wait = synchroniser(name)

        def whole(run: Callable[[], object]) -> float:
            begin = time.perf_counter()
            run()
            wait()
            return time.perf_counter() - begin

        if not name.startswith("cuda"):
            return cls(whole, whole)
        import torch

        def alone(run: Callable[[], object]) -> float:
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            run()
            end.record()
            end.synchronize()
            return float(start.elapsed_time(end)) / 1e3

        return cls(whole, alone, EnergyCounter(uuid_of(torch.cuda.get_device_properties(name))).joules)


@dataclass(frozen=True)
class Turn:
    """Seconds of the calls of each kind, and the joules that ``call`` took, None where nothing tells."""

    seconds: Mapping[str, tuple[float, ...]]
    joules: float | None = None

    def median(self, kind: str) -> float:
        return statistics.median(self.seconds[kind])


@dataclass(frozen=True)
class Interleaved:
    """Rounds in a row, with one more block of the reference; some before them were ``discarded``."""

    model: Sequence[Turn]
    reference: Sequence[Turn]
    discarded: int = 0

    @property
    def spread(self) -> float:
        """(largest - smallest) / median of the reference's block medians, of the kind that has more."""
        found = []
        for kind in self.reference[0].seconds:
            medians = [block.median(kind) for block in self.reference]
            found.append((max(medians) - min(medians)) / statistics.median(medians))
        return max(found)

    def ratio(self, kind: str) -> float:
        """Median over the rounds of the model's block median over the mean of the two around it."""
        around = zip(self.model, self.reference, self.reference[1:], strict=False)
        return statistics.median(
            2 * block.median(kind) / (before.median(kind) + after.median(kind))
            for block, before, after in around
        )

    def document(self) -> dict[str, Any]:
        """Its part of a receipt."""
        kinds = self.model[0].seconds
        joules = [block.joules for block in self.model]
        calls = sum(len(block.seconds["call"]) for block in self.model)
        return {
            "ratio": {kind: round(self.ratio(kind), 5) for kind in kinds},
            "spread": round(self.spread, 5),
            "discarded_rounds": self.discarded,
            "energy_joules": None if None in joules else round(sum(filter(None, joules)) / calls, 6),
            "model": {kind: summary([b.seconds[kind] for b in self.model]) for kind in kinds},
            "reference": {
                kind: summary([b.seconds[kind] for b in self.reference]) for kind in self.reference[0].seconds
            },
        }


def summary(blocks: Sequence[Sequence[float]]) -> dict[str, Any]:
    """All samples in microseconds, block by block, and percentiles of all of them in seconds.

    >>> summary([[0.001, 0.002], [0.003, 0.004]])["p50"]
    0.0025
    """
    microseconds = [[round(1e6 * seconds) for seconds in block] for block in blocks]
    values = np.quantile([value for block in microseconds for value in block], (0.5, 0.9, 0.99))
    p50, p90, p99 = (round(float(value) / 1e6, 9) for value in values)
    return {"p50": p50, "p90": p90, "p99": p99, "microseconds": microseconds}


def run_block(subject: Subject, device: Device, seconds: float) -> Turn:
    """Time the calls of each kind that ``subject`` has, together for about ``seconds``."""
    kinds = {"call": (subject.call, device.whole)}
    if subject.network is not None:
        kinds["network"] = (subject.network, device.alone)
    found, joules = {}, None
    for kind, (run, timer) in kinds.items():
        before, start, times = device.joules(), device.clock(), list[float]()
        while len(times) < CALLS[0] or (
            device.clock() - start < seconds / len(kinds) and len(times) < CALLS[1]
        ):
            times.append(timer(run))
        found[kind] = tuple(times)
        if kind == "call" and before is not None and (after := device.joules()) is not None:
            joules = after - before
    return Turn(found, joules)


def interleave(
    model: Subject, reference: Subject, device: Device, deadline: float, allowed: float = ALLOWED
) -> Interleaved:
    """Take turns, and return the :data:`ROUNDS` rounds in a row in which the reference was steadiest.

    Ends when it was steady to a third of what is ``allowed``, else when a further round would not end before
    ``deadline``, a time of the device's clock.  Raises :class:`SpreadTooLarge` where no rounds were within
    what is allowed.
    """
    for subject in (model, reference):
        for run in filter(None, (subject.call, subject.network)):
            for _ in range(WARM_UPS):
                run()
    seconds = (deadline - device.clock()) / (WINDOWS * (2 * ROUNDS + 1))
    of_reference, of_model = [run_block(reference, device, seconds)], list[Turn]()
    best: Interleaved | None = None
    while True:
        begin = device.clock()
        of_model.append(run_block(model, device, seconds))
        of_reference.append(run_block(reference, device, seconds))
        if (discarded := len(of_model) - ROUNDS) < 0:
            continue
        found = Interleaved(of_model[-ROUNDS:], of_reference[-ROUNDS - 1 :], discarded)
        best = found if best is None or found.spread < best.spread else best
        if best.spread <= allowed / 3 or 2 * device.clock() - begin > deadline:
            break
    if best.spread > allowed:
        raise SpreadTooLarge(
            f"the reference's time spread by {best.spread:.2%} or more in {len(of_model)} rounds "
            f"({allowed:.1%} allowed)"
        )
    return best
