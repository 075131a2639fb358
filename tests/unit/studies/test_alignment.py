"""Alignment: shifted LR against MATLAB's bicubic and on ramps, and networks that learn where LR lies."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from sisr.analysis.phase import TOLERANCE, image_shift, ramp_shift
from sisr.lr.kernels.filtering import to_pixels
from sisr.lr.kernels.matlab import imresize
from sisr.studies import alignment as study
from sisr.studies.common import StudyImage, crop, mean


@pytest.fixture(scope="module")
def image() -> StudyImage:
    from skimage.data import astronaut

    return crop("astronaut", astronaut(), 144)


@pytest.fixture(scope="module")
def training() -> list[np.ndarray]:
    from skimage.data import camera, chelsea

    return [camera()[100:340, 100:340], chelsea()[20:260, 100:340, 1]]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_unshifted_lr_is_matlabs_bicubic(image: StudyImage, scale: int) -> None:
    found = study.shrink(image.rgb, 0.0, scale)
    expected = imresize(image.rgb.astype(np.float64), Fraction(1, scale))
    np.testing.assert_array_equal(found, to_pixels(expected))


def test_a_shift_of_a_whole_sample_is_the_next_sample(image: StudyImage) -> None:
    still, moved = (study.shrink(image.rgb, shift) for shift in (0.0, 2.0))
    np.testing.assert_array_equal(moved[4:-5, 4:-5], still[5:-4, 5:-4])


@pytest.mark.parametrize("shift", [-0.5, 0.0, 0.25, 0.5, 1.0])
def test_shift_is_what_the_audit_finds_on_ramps(shift: float) -> None:
    found = ramp_shift(lambda hr, key: study.shrink(hr, shift), study.SCALE)
    assert found[:2] == pytest.approx((shift, shift), abs=TOLERANCE)


def test_moving_back_undoes_a_known_shift() -> None:
    rows, columns = np.mgrid[:64, :64].astype(float)

    def wave(down: float, right: float) -> np.ndarray:
        return 0.5 + 0.4 * np.sin(0.7 * (rows + down)) * np.cos(0.5 * (columns + right))

    found = study.moved_back(wave(0.5, -0.3), (0.5, -0.3))
    np.testing.assert_allclose(found[8:-8, 8:-8], wave(0, 0)[8:-8, 8:-8], atol=2e-4)


@pytest.mark.parametrize("turned", [False, True])
def test_patches_are_the_same_for_every_shift_and_stay_pairs(
    training: list[np.ndarray], turned: bool
) -> None:
    batches = [next(study._batches(training, shift, turned, 1, seed=0)) for shift in (0.0, study.HALF)]
    (small, large), (shifted, same) = batches
    assert (large == same).all()
    assert not (small == shifted).all()
    for lr, hr in zip(small[:, 0].numpy(), large[:, 0].numpy(), strict=True):
        again = imresize(hr.astype(np.float64), Fraction(1, 2))
        assert np.abs(again - lr)[3:-3, 3:-3].max() <= 0.51 / 255  # rounded to 8 bits, once


@pytest.mark.release
def test_network_learns_the_shift_unless_pairs_are_turned(
    image: StudyImage, training: list[np.ndarray]
) -> None:
    hr = to_pixels(255 * image.luma)
    found = {}
    for label, (shift, turned) in study.TRAININGS.items():
        upscale = study.upscaler_of(study.train(training, shift, turned, iterations=150))
        sr = study.to_uint8(upscale(study.shrink(hr, 0.0)))
        found[label] = image_shift(hr, sr, 1, study.SCALE)
    aligned, shifted, turned_shift = found.values()
    assert shifted == pytest.approx((-study.HALF, -study.HALF), abs=0.1)
    assert aligned == pytest.approx((0, 0), abs=0.1)
    assert turned_shift == pytest.approx((0, 0), abs=0.1)


def test_study_without_networks(image: StudyImage, training: list[np.ndarray]) -> None:
    result = study.measure([image], [], training, iterations=20)
    assert study.best_network(result.rows) is None
    # Bicubic commutes with flips and turns; what is left is the rounding of ties.
    assert study.gains(result.rows)[study.BICUBIC] == pytest.approx(0, abs=1e-3)
    for shift in study.SHIFTS:
        assert mean(result.rows, part="registration", at=shift) == pytest.approx(shift, abs=0.02)
    _, plain = study.curve(result.rows, part=study.PLAIN, method=study.BICUBIC)
    _, undone = study.curve(result.rows, part=study.UNDONE, method=study.BICUBIC)
    assert (np.diff(plain) < 0).all()
    assert np.ptp(undone) < 0.3
    assert len(study.findings(result)) == 4
