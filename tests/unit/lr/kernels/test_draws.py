"""What the random degradations draw, against the options and the code that their authors published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sisr.lr.kernels import bsrgan, filtering, motion, realesrgan, steps

RUNS = 1500
#: Tall, so that a factor is seen in the height.
HR = np.full((800, 4, 3), 128, np.uint8)
Calls = list[list[tuple[Any, ...]]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Any]], Calls]:
    """Run a degradation often without what it computes: for each run its steps, as (name, arguments ...)."""
    made: Calls = []

    def record(where: Any, name: str, result: Callable[..., Any]) -> None:
        def step(*args: Any) -> Any:
            made[-1].append((name, *(arg for arg in args if not isinstance(arg, np.random.Generator))))
            return result(*args)

        monkeypatch.setattr(where, name, step)

    for name in ("gaussian_noise", "correlated_noise", "poisson_noise", "jpeg"):
        record(steps, name, lambda image, *_: image)
    record(filtering, "blur", lambda image, *_: image)
    record(filtering, "sample", lambda image, psf, scale, _: image[::scale, ::scale])
    record(steps, "resize", lambda image, height, width, _: np.zeros((height, max(width, 1), 3), np.uint8))
    for where, name in ((steps, "bell"), (steps, "sinc"), (filtering, "gaussian")):
        record(where, name, lambda *_: np.ones((1, 1)))

    def run(degrade: Callable[..., Any]) -> Calls:
        for seed in range(RUNS):
            made.append([])
            degrade(HR, 4, border="reflect", rng=np.random.default_rng(seed))
        return made

    return run


def of(runs: Calls, *names: str, place: int | None = None) -> list[tuple[Any, ...]]:
    """Calls of these steps: all, or the one at a place among those of its run."""
    found = [[call for call in run if call[0] in names] for run in runs]
    return [call for run in found for call in (run if place is None else run[place : place + 1])]


def assert_uniform(values: Sequence[float], low: float, high: float) -> None:
    assert low <= min(values) <= max(values) <= high
    assert stats.kstest(values, "uniform", args=(low, high - low)).pvalue > 1e-3


def assert_shares(values: Sequence[Any], expected: dict[Any, float]) -> None:
    counts = Counter(values)
    assert set(counts) == set(expected)
    observed = [counts[key] for key in expected]
    assert stats.chisquare(observed, [len(values) * share for share in expected.values()]).pvalue > 1e-3


# options/train_realesrgan_x4plus.yml: resize_prob, resize_range, noise_range, poisson_scale_range, and the
# same of the second order
@pytest.mark.parametrize(
    ("place", "shares", "scale", "sigma", "strength"),
    [(0, (0.2, 0.7, 0.1), (0.15, 1.5), 30, 3.0), (1, (0.3, 0.4, 0.3), (0.3, 1.2), 25, 2.5)],
)
def test_real_esrgan_resizes_and_adds_noise_by_its_options(
    calls: Any, place: int, shares: tuple[float, ...], scale: tuple[float, float], sigma: int, strength: float
) -> None:
    runs = calls(realesrgan.realesrgan)
    full = (800, 200)[place]
    factors = np.array([call[2] / full for call in of(runs, "resize", place=place)])
    assert_shares(list(np.sign(factors - 1)), dict(zip((1, -1, 0), shares, strict=True)) if not place else {
        # Of 200 rows, factors up to 1 + 1 / 200 keep the size.
        1: shares[0] * (1 - 1 / 200 / 0.2), -1: shares[1], 0: shares[2] + shares[0] / 200 / 0.2
    })  # fmt: skip
    # Whole rows: a factor is known to one of them.
    rng = np.random.default_rng(0)
    factors += np.where(factors == 1, 0, rng.random(len(factors)) / full)
    assert_uniform(factors[factors < 1], scale[0], 1 + 1 / full)
    assert_uniform(factors[factors > 1 + 1 / full], 1 + 1 / full, scale[1] + 1 / full)
    noise = of(runs, "gaussian_noise", "poisson_noise", place=place)
    assert_shares(
        [(name, bool(gray)) for name, _, _, gray in noise],
        {(name, gray): 0.5 * (0.4 if gray else 0.6)
         for name in ("gaussian_noise", "poisson_noise") for gray in (False, True)},
    )  # fmt: skip
    assert_uniform([call[2] for call in noise if call[0] == "gaussian_noise"], 1, sigma)
    assert_uniform([call[2] for call in noise if call[0] == "poisson_noise"], 0.05, strength)


def test_real_esrgan_ends_at_the_size_after_two_jpegs(calls: Any) -> None:
    runs = calls(realesrgan.realesrgan)
    assert {call[2:4] for call in of(runs, "resize", place=2)} == {(200, 1)}
    qualities = [call[2] for call in of(runs, "jpeg")]
    assert len(qualities) == 2 * RUNS
    assert_uniform(np.array(qualities) + np.random.default_rng(0).random(len(qualities)) - 0.5, 29.5, 95.5)
    # The last JPEG is after the last resizing in half of the runs.
    names = [[call[0] for call in run if call[0] in ("jpeg", "resize")] for run in runs]
    assert_shares([run[-1] for run in names], {"jpeg": 0.5, "resize": 0.5})


# The same options: kernel_prob with kernel_list, sinc_prob, blur_sigma, betag_range, betap_range
@pytest.mark.parametrize(("sigma"), [3.0, 1.5])
def test_real_esrgan_blurs_by_its_options(calls: Any, sigma: float) -> None:
    made = calls(lambda hr, scale, border, rng: realesrgan._kernel(sigma, rng))
    assert_shares([run[0][0] for run in made], {"sinc": 0.1, "bell": 0.9})
    assert_shares([run[0][1] for run in made], dict.fromkeys(range(7, 22, 2), 1 / 8))
    assert_uniform([run[0][2] for run in made if run[0][0] == "sinc" and run[0][1] >= 13], np.pi / 5, np.pi)
    assert_uniform([run[0][2] for run in made if run[0][0] == "sinc" and run[0][1] < 13], np.pi / 3, np.pi)
    bells = of(made, "bell")
    assert_shares(
        [(shape, first == second) for _, _, (first, second), _, shape, _ in bells],
        {("gaussian", True): 0.45, ("gaussian", False): 0.25, ("generalised", True): 0.12,
         ("generalised", False): 0.03, ("plateau", True): 0.12, ("plateau", False): 0.03},
    )  # fmt: skip
    turned = [call for call in bells if call[2][0] != call[2][1]]
    for axis in (0, 1):
        assert_uniform([call[2][axis] for call in turned], 0.2, sigma)
    assert_uniform([call[3] for call in turned], -np.pi, np.pi)
    assert {call[3] for call in bells if call[2][0] == call[2][1]} == {0}
    for shape, low, high in (("generalised", 0.5, 4), ("plateau", 1, 2)):
        betas = np.array([call[5] for call in bells if call[4] == shape])
        assert_shares(list(betas > 1), {True: 0.5, False: 0.5})
        assert_uniform(betas[betas > 1], 1, high)
        assert betas.min() == pytest.approx(low, abs=0.05)
    assert {call[5] for call in bells if call[4] == "gaussian"} == {1}


def test_real_esrgan_leaves_out_the_second_blur_and_the_last_sinc_in_a_fifth(calls: Any) -> None:
    blurs = [Counter(call[0] for call in run)["blur"] for run in calls(realesrgan.realesrgan)]
    assert_shares(blurs, {1: 0.04, 2: 0.32, 3: 0.64})


# KAIR's utils_blindsr.py: add_blur, add_Gaussian_noise(2, 25), add_JPEG_noise (30 to 95), degradation_bsrgan
def test_bsrgan_draws_as_kair_does(calls: Any) -> None:
    runs = calls(bsrgan.bsrgan)
    noise = of(runs, "gaussian_noise", "correlated_noise")
    assert len(noise) == RUNS
    kinds = [call[0] if call[0] == "correlated_noise" else call[3] for call in noise]
    assert_shares(kinds, {False: 0.4, True: 0.4, "correlated_noise": 0.2})
    # Between the channels 25**2 times a symmetric matrix with eigenvalues from 0 to 1, without its signs.
    covariances = np.array([call[2] for call in noise if call[0] == "correlated_noise"])
    assert covariances.shape[1:] == (3, 3)
    assert 0 <= covariances.min() < 5
    assert 500 < covariances.max() <= 25**2
    sigmas = [call[2] for call in noise if call[0] == "gaussian_noise"]
    assert_shares(sigmas, dict.fromkeys(map(float, range(2, 26)), 1 / 24))
    qualities = [call[2] for call in of(runs, "jpeg")]
    assert_shares(qualities, dict.fromkeys(range(30, 96), 1 / 66))
    assert_shares([Counter(call[0] for call in run)["jpeg"] for run in runs], {1: 0.1, 2: 0.9})
    assert {run[-1][0] for run in runs} == {"jpeg"}
    assert {call[-1] for call in of(runs, "blur", "sample")} == {"reflect"}
    assert {Counter(call[0] for call in run)["blur"] for run in runs} == {2}
    # In a quarter the first of the two downsamplings is blurring and subsampling.
    assert_shares([bool(of([run], "sample")) for run in runs], {True: 0.25, False: 0.75})
    psfs = [a for run in runs for a, b in pairwise(run) if b[0] == "blur"]
    assert_shares([call[0] for call in psfs], {"bell": 0.5, "gaussian": 0.5})
    assert_shares([call[1] for call in psfs], dict.fromkeys(range(7, 26, 2), 1 / 10))


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bsrgan_blurs_as_kair_does(calls: Any, factor: int) -> None:
    made = calls(lambda hr, scale, border, rng: bsrgan._blur(factor, rng))
    variances = np.array([call[2] for call in of(made, "bell")]) ** 2
    for axis in (0, 1):
        assert_uniform(variances[:, axis], 0, 4 + factor)
    assert_uniform([call[3] for call in of(made, "bell")], 0, np.pi)
    assert_uniform([call[2] for call in of(made, "gaussian")], 0, 2 + 0.2 * factor)
    sampled = calls(lambda hr, scale, border, rng: bsrgan._downsampled(hr, factor, border, rng))[RUNS:]
    assert_uniform([call[2] for call in of(sampled, "gaussian")], 0.1, 0.6 * factor)
    # KAIR's 25 pixels; one more where the middle of a block lies between pixels.
    assert {call[1] for call in of(sampled, "gaussian")} == {25 + (factor % 2 == 0)}
    shrunk = 800 / (np.array([call[2] for call in of(sampled, "resize")]) + 0.5)
    assert_uniform(shrunk, 0.999, 2 * factor + 0.04)  # to the row


def test_bsrgan_halves_by_resizing_in_half_of_the_cases(calls: Any) -> None:
    shapes = set()
    made = calls(lambda hr, scale, border, rng: shapes.add(bsrgan._halved(hr[:80], rng).shape))
    assert shapes == {(40, 2, 3)}
    assert_shares([len(run) for run in made], {0: 0.5, 1: 0.5})
    assert {call[2:] for call in of(made, "resize")} == {(40, 2)}


def test_a_motion_has_any_length_and_direction(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[float, float]] = []
    monkeypatch.setattr(motion, "line", lambda *drawing: drawn.append(drawing))
    monkeypatch.setattr(filtering, "blur_bicubic", lambda hr, *_: hr)
    for seed in range(RUNS):
        motion.motion_bicubic(HR, 4, border="reflect", rng=np.random.default_rng(seed), length=(1, 3))
    lengths, angles = zip(*drawn, strict=True)
    assert_uniform(lengths, 4, 12)
    assert_uniform(angles, 0, np.pi)
