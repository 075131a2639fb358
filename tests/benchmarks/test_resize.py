"""Speed of MATLAB's resize beside BasicSR's and Pillow's, in one run.

Nothing here asserts a time.  Run with ``pytest tests/benchmarks -s``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image
from sisr.lr.kernels.matlab import imresize
from sisr.models import compat

ROUNDS = 15
FACTORS = [Fraction(1, 4), Fraction(1, 2), Fraction(1, 3), Fraction(1, 8), Fraction(4)]


def basicsr_imresize() -> Callable[[np.ndarray, float], np.ndarray]:
    """BasicSR's port, which turns its input into float32 and returns floats, not rounded anywhere."""
    pytest.importorskip("torch")
    compat.prepare_torchvision()
    return pytest.importorskip("basicsr.utils.matlab_functions").imresize


def milliseconds(functions: dict[str, Callable[[], object]]) -> dict[str, tuple[float, float]]:
    """Median and least time of each function; rounds are interleaved, so that load disturbs all alike."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: (statistics.median(values), min(values)) for name, values in times.items()}


@pytest.mark.parametrize("factor", FACTORS, ids=str)
def test_imresize(capsys: pytest.CaptureFixture[str], factor: Fraction) -> None:
    basicsr = basicsr_imresize()
    side = 1024 if factor < 1 else 256
    side -= side % factor.denominator
    image = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    pillow = Image.fromarray(image)
    size = int(side * factor)

    ours = imresize(image, factor)
    port = np.clip(basicsr(image, float(factor)), 0, 255)
    # Rounding once instead of twice moves values by one, and a clipped first pass by a little more.
    assert np.abs(ours[8:-8, 8:-8] - port[8:-8, 8:-8]).mean() < 1.5

    found = milliseconds(
        {
            "sisr": lambda: imresize(image, factor),
            "BasicSR": lambda: basicsr(image, float(factor)),
            "Pillow bicubic": lambda: pillow.resize((size, size), Image.Resampling.BICUBIC),
        }
    )
    with capsys.disabled():
        print(f"\nMATLAB imresize, {side}x{side} RGB by {factor}: median (least) of {ROUNDS}")
        for name, (median, least) in found.items():
            ratio = median / found["sisr"][0]
            print(f"  {name:<14} {median:7.1f} ms ({least:6.1f})   {ratio:5.1f} x sisr")
