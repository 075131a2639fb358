"""Speed of PSNR-Y + SSIM-Y on a 1024x768 RGB image beside BasicSR and scikit-image, in one run.

Nothing here asserts a time; values are asserted to agree.  Run with ``pytest tests/benchmarks -s``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import numpy as np
import pytest
from sisr import compat
from sisr.colour import BT601, Uint8Image
from sisr.metrics.fidelity import prepare, psnr_of, ssim_of

SCALE = 4
ROUNDS = 15


def images() -> tuple[Uint8Image, Uint8Image]:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (96, 128, 3))
    hr = np.kron(coarse, np.ones((8, 8, 1), int))
    sr = np.clip(hr + rng.integers(-9, 10, hr.shape), 0, 255)
    return hr.astype(np.uint8), sr.astype(np.uint8)


def ours(hr: Uint8Image, sr: Uint8Image, threads: int = 1) -> tuple[float, float]:
    pair = prepare(hr, sr, "y-bt601", SCALE)
    return psnr_of(pair), ssim_of(pair, threads)


def basicsr(hr: Uint8Image, sr: Uint8Image) -> tuple[float, float]:
    pytest.importorskip("torch")
    compat.prepare_basicsr()
    module = pytest.importorskip("basicsr.metrics.psnr_ssim")
    x, y = (np.ascontiguousarray(image[..., ::-1]) for image in (hr, sr))
    return tuple(  # type: ignore[return-value]
        float(function(x, y, SCALE, test_y_channel=True))
        for function in (module.calculate_psnr, module.calculate_ssim)
    )


def skimage(hr: Uint8Image, sr: Uint8Image) -> tuple[float, float]:
    metrics = pytest.importorskip("skimage.metrics")
    x, y = (BT601.of(image)[SCALE:-SCALE, SCALE:-SCALE] for image in (hr, sr))
    _, full = metrics.structural_similarity(
        x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
    )
    return float(metrics.peak_signal_noise_ratio(x, y, data_range=255)), float(full[5:-5, 5:-5].mean())


def milliseconds(functions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median time of each function; the rounds are interleaved, so that a busy machine disturbs all alike."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def test_psnr_and_ssim(capsys: pytest.CaptureFixture[str]) -> None:
    hr, sr = images()
    expected = ours(hr, sr)
    functions: dict[str, Callable[[], tuple[float, float]]] = {
        "sisr, 1 thread": lambda: ours(hr, sr),
        "sisr, 2 threads": lambda: ours(hr, sr, threads=2),
        "BasicSR": lambda: basicsr(hr, sr),
        "scikit-image": lambda: skimage(hr, sr),
    }
    for name, function in functions.items():
        assert function() == pytest.approx(expected, abs=1e-6), name
    found = milliseconds(dict(functions))
    with capsys.disabled():
        print("\nPSNR-Y + SSIM-Y, 1024x768 RGB, median of", ROUNDS)
        for name, value in found.items():
            print(f"  {name:<16} {value:7.1f} ms   {value / found['sisr, 1 thread']:5.1f} x sisr on 1 thread")
