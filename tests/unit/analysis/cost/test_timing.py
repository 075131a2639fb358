"""Timing with a clock that only moves when told to, and of a real model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sisr.analysis.cost import timing
from sisr.analysis.cost.conditions import cpu_clock, describe
from sisr.analysis.cost.timing import CALLS, SIZES, WARM_UPS, choose_size, measure
from sisr.models.model_entries import get, parse


class Clock:
    """A model whose calls take given times, on the only clock there is."""

    def __init__(self, *calls: float, waiting: float = 0.0) -> None:
        self.now, self.calls, self.waiting, self.made = 0.0, calls, waiting, 0

    def __call__(self) -> float:
        return self.now

    def model(self) -> None:
        self.now += self.calls[min(self.made, len(self.calls) - 1)]
        self.made += 1

    def wait(self) -> None:
        self.now += self.waiting


def test_warm_up_is_not_counted() -> None:
    clock = Clock(100, 50, 1, 2, 3, 4, 5)
    found = measure(clock.model, 0.5, clock=clock)
    assert WARM_UPS == 2
    assert found.seconds == (1, 2, 3, 4, 5)
    assert clock.made == WARM_UPS + CALLS[0]


def test_quartiles_of_what_was_measured() -> None:
    # By hand: of 1 2 3 4 10 the quartiles are 2, 3 and 4; the slow call moves none of them.
    clock = Clock(9, 9, 10, 1, 3, 2, 4)
    assert measure(clock.model, 0.5, clock=clock).quartiles() == (2, 3, 4)


def test_waiting_for_the_device_is_part_of_the_time() -> None:
    clock = Clock(0.25, waiting=0.75)
    assert set(measure(clock.model, 0.1, synchronise=clock.wait, clock=clock).seconds) == {1.0}


def test_budget_and_number_of_calls() -> None:
    assert len(measure((clock := Clock(0.5)).model, 4, clock=clock).seconds) == 8
    assert len(measure((clock := Clock(0.5)).model, 1, clock=clock).seconds) == CALLS[0]
    assert len(measure((clock := Clock(1e-6)).model, 60, clock=clock).seconds) == CALLS[1]


@pytest.mark.parametrize(
    ("per_megapixel", "expected"), [(0.1, SIZES[0]), (3.0, SIZES[1]), (10.0, SIZES[2]), (1e4, SIZES[3])]
)
def test_slow_models_get_a_smaller_image(per_megapixel: float, expected: tuple[int, int]) -> None:
    """Seven calls have to fit in ten seconds; the smallest size is taken whether they fit or not."""
    tried = []

    def seconds_at(size: tuple[int, int]) -> float:
        tried.append(size)
        return per_megapixel * size[0] * size[1] / 1e6

    size, seconds = choose_size(seconds_at, 10)
    assert size == expected == tried[-1]
    assert seconds == pytest.approx(per_megapixel * size[0] * size[1] / 1e6)


def test_a_real_model_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SIZES", ((320, 180),))
    found = timing.time_model(get("bicubic"), 4, {}, budget=0.2)
    low, middle, high = found["seconds_per_megapixel"]
    assert 0 < low <= middle <= high < 60
    assert found["output"] == [320, 180]
    assert found["calls"] >= CALLS[0]
    assert found["device"]
    assert found["threads"] == 1


def test_output_size_is_what_the_model_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """x3 does not divide 1280."""
    monkeypatch.setattr(timing, "SIZES", ((1280, 720),))
    model = parse("m", {"label": "M", "engine": "interpolation", "params": {"method": "pillow-nearest"}})
    assert timing.time_model(model, 3, {}, budget=0.05)["output"] == [1278, 720]


def test_image_is_the_same_each_time() -> None:
    first = timing.image((8, 4))
    assert first.shape == (4, 8, 3)
    assert first.dtype == np.uint8
    assert (first == timing.image((8, 4))).all()


# --- memory and machine ---------------------------------------------------------------------------------


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux resets its high mark")
def test_peak_sees_memory_that_was_given_back() -> None:
    """In a process of its own: here other tests' garbage may be freed at any moment."""
    code = """
import numpy as np
from sisr.base.peak_memory import Peak
before = np.ones(40_000_000)  # 320 MB that are gone when the work begins
del before
peak = Peak("cpu")
work = np.ones(12_500_000)  # 100 MB
del work
print(peak.bytes())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 95e6 < int(done.stdout) < 200e6


def test_clock_is_the_median_of_the_cores() -> None:
    text = "processor : 0\ncpu MHz\t\t: 800.000\nprocessor : 1\ncpu MHz\t\t: 3000.5\ncpu MHz : 2900.0\n"
    assert cpu_clock(text) == 2900.0
    assert cpu_clock("processor : 0\nBogoMIPS : 50.00\n") is None


def test_machine_is_named() -> None:
    facts = describe("cpu", 3)
    assert facts["threads"] == 3
    assert isinstance(facts["device"], str) and facts["device"]
