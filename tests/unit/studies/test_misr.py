"""Several frames: operators against SciPy and by the dot-product test, reconstructions on known cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sisr.studies import misr as study
from sisr.studies.common import crop, psnr


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    from skimage.data import astronaut

    return crop("astronaut", astronaut(), 144).luma


@pytest.fixture(scope="module")
def truth(scene: np.ndarray) -> np.ndarray:
    return scene[study.MARGIN : -study.MARGIN, study.MARGIN : -study.MARGIN]


@settings(deadline=None, max_examples=25)
@given(
    shifts=st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=4),
    blur=st.floats(0.3, 3),
    scale=st.integers(2, 4),
    seed=st.integers(0, 2**16),
)
def test_adjoint_passes_the_dot_product_test(
    shifts: list[tuple[float, float]], blur: float, scale: int, seed: int
) -> None:
    """<A x, y> = <x, A^T y> for any x and y."""
    rng = np.random.default_rng(seed)
    model = study.Frames.of((24, 36), shifts, blur, scale)
    x, y = rng.standard_normal((24, 36)), rng.standard_normal((len(shifts), 24 // scale, 36 // scale))
    left, right = float((model.forward(x) * y).sum()), float((x * model.adjoint(y)).sum())
    assert left == pytest.approx(right, rel=1e-10, abs=1e-10)


def test_parts_are_what_scipy_does(scene: np.ndarray) -> None:
    n = scene.shape[0]
    moved = study._move(n, 3.0) @ scene
    np.testing.assert_allclose(moved[:-3], scene[3:], atol=1e-14)
    blurred = study._blur(n, 0.8) @ scene
    scipys = ndimage.gaussian_filter1d(scene, 0.8, axis=0, mode="reflect", radius=4)
    np.testing.assert_allclose(blurred, scipys, atol=1e-12)
    means = study._decimate(n, 2) @ scene
    np.testing.assert_allclose(means, (scene[::2] + scene[1::2]) / 2, atol=1e-14)
    np.testing.assert_array_equal(study._decimate(9, 3) @ np.arange(9.0), [1, 4, 7])


def test_moving_a_ramp_moves_its_values() -> None:
    """Cubic convolution is exact on straight lines: a shift is a shift, not its negative."""
    ramp = np.arange(40.0)[:, None] * np.ones((1, 40))
    frame = study.Frames.of((40, 40), [(1.25, 0.0)]).forward(ramp)[0]
    expected = np.arange(20) * 2 + 0.5 + 1.25
    np.testing.assert_allclose(frame[5:-5, 5], expected[5:-5], atol=1e-12)


def test_operator_explains_what_was_observed(scene: np.ndarray, truth: np.ndarray) -> None:
    shifts = study.draw_shifts(4)
    frames = study.observe(scene, shifts, 0.0)
    made = study.Frames.of(truth.shape, shifts).forward(truth)
    inner = np.s_[:, 6:-6, 6:-6]
    # Splines of fifth order are not cubic convolution, and frames are rounded: half a level on the whole.
    assert np.sqrt(np.mean((frames - made)[inner] ** 2)) < 1.5 / 255


def test_norm_bounds_the_largest_eigenvalue() -> None:
    model = study.Frames.of((32, 32), study.draw_shifts(3))
    x = np.random.default_rng(0).standard_normal((32, 32))
    for _ in range(60):
        x = model.adjoint(model.forward(x))
        largest = np.linalg.norm(x)
        x /= largest
    assert largest <= model.norm <= 3 * largest


@pytest.mark.parametrize("noise", [0.0, 2.0])
def test_shifts_are_found(scene: np.ndarray, noise: float) -> None:
    shifts = study.draw_shifts(6, seed=3)
    found = study.register(study.observe(scene, shifts, noise))
    np.testing.assert_allclose(found, shifts, atol=0.12)


def test_shift_and_add_restores_every_phase() -> None:
    """Frames without blur at all four whole shifts of x2 hold every pixel: nothing is left to guess."""
    rng = np.random.default_rng(0)
    image = rng.random((24, 24))
    shifts = np.array([(i - 0.5, j - 0.5) for i in (0, 1) for j in (0, 1)])
    frames = np.stack([image[i::2, j::2] for i in (0, 1) for j in (0, 1)])
    found = study.shift_and_add(frames, study.Frames.of((24, 24), shifts), shifts, 0.0)
    np.testing.assert_allclose(found, image, atol=1e-12)


def test_least_squares_converge_to_the_scene(truth: np.ndarray) -> None:
    """Without noise, little blur, and with frames that the operators made, the scene comes back."""
    shifts = study.draw_shifts(12)
    model = study.Frames.of(truth.shape, shifts, blur=0.3)
    frames = model.forward(truth)
    few, many = (psnr(truth, study.tikhonov(frames, model, shifts, 1e-6, steps)) for steps in (10, 200))
    assert few + 8 < many
    assert many > 50


def test_back_projection_explains_the_frames_better(truth: np.ndarray) -> None:
    shifts = study.draw_shifts(8)
    model = study.Frames.of(truth.shape, shifts)
    frames = model.forward(truth)
    before = frames - model.forward(study.shift_and_add(frames, model, shifts, 0.0))
    after = frames - model.forward(study.back_projection(frames, model, shifts, 0.0))
    assert np.linalg.norm(after) < 0.3 * np.linalg.norm(before)


def test_what_the_page_says_holds(scene: np.ndarray, truth: np.ndarray) -> None:
    """16 frames at x2 beat bicubic by at least 3 dB with known shifts, and with estimated ones."""
    shifts = study.draw_shifts(16)
    frames = study.observe(scene, shifts, study.NOISE)
    deviation = np.hypot(study.NOISE, 12**-0.5) / 255
    one = psnr(truth, study.enlarged(frames[0]), study.MARGIN)
    for given_shifts in (shifts, study.register(frames)):
        model = study.Frames.of(truth.shape, given_shifts)
        for method in (study.tikhonov, study.least_variation):
            assert psnr(truth, method(frames, model, given_shifts, deviation), study.MARGIN) > one + 3
