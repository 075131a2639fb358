"""Deconvolution: operators against closed forms and SciPy, cures against fields of known statistics."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from sisr.studies import deconvolution as study
from sisr.studies.common import crop, psnr


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    from skimage.data import astronaut

    return crop("astronaut", astronaut(), 192).luma


def field(side: int, slope: float, seed: int = 0) -> np.ndarray:
    """A random field whose power falls as ``f ** slope``, of variance about 0.02."""
    rng = np.random.default_rng(seed)
    f = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    f[0, 0] = np.inf
    made = np.fft.ifft2(np.fft.fft2(rng.standard_normal((side, side))) * f ** (slope / 2)).real
    return 0.5 + 0.14 * made / made.std()


def test_otf_is_circular_convolution_around_the_middle(scene: np.ndarray) -> None:
    psf = np.random.default_rng(0).random((7, 5))
    expected = ndimage.convolve(scene, psf, mode="wrap")
    np.testing.assert_allclose(study.apply(scene, study.otf_of(psf, scene.shape)), expected, atol=1e-12)


def test_otf_of_a_gaussian_is_its_closed_form() -> None:
    sigma = 1.6
    f = np.fft.fftfreq(96)
    closed = np.exp(-2 * (np.pi * sigma) ** 2 * (f[:, None] ** 2 + f**2))
    # The PSF ends at four deviations, where 6e-5 of an axis is left out.
    np.testing.assert_allclose(study.otf_of(study.psf_of(sigma), (96, 96)), closed, atol=2e-4)


def test_division_is_exact_where_nothing_is_wrong(scene: np.ndarray) -> None:
    otf = study.otf_of(study.psf_of(0.8), scene.shape)
    np.testing.assert_allclose(study.divide(study.apply(scene, otf), otf), scene, atol=1e-9)


def test_division_amplifies_noise_as_the_closed_form_says() -> None:
    otf = study.otf_of(study.psf_of(0.6), (128, 128))
    noise = np.random.default_rng(1).standard_normal((128, 128))
    expected = study.amplification(otf)
    assert study.divide(noise, otf).var() == pytest.approx(expected, rel=0.1)
    assert expected > 10


def test_each_cause_alone_ruins_what_division_gets_right(scene: np.ndarray) -> None:
    found = study.causes(scene)
    blurred = found.pop("blurred, nothing undone")
    assert found.pop("nothing wrong") > 100
    # A wrong sum only changes the brightness; everything else is worse than no division at all.
    assert abs(found.pop("filter that sums to 1.1") - blurred) < 6
    assert all(value < blurred - 3 for value in found.values()), found


def test_taper_joins_opposite_borders_and_keeps_the_middle(scene: np.ndarray) -> None:
    psf = study.psf_of(1.6)
    tapered = study.taper(scene, psf)
    reach = psf.shape[0]
    np.testing.assert_allclose(
        tapered[reach:-reach, reach:-reach], scene[reach:-reach, reach:-reach], atol=1e-9
    )
    assert np.abs(tapered[0] - tapered[-1]).mean() < 0.4 * np.abs(scene[0] - scene[-1]).mean()


def test_power_law_is_found() -> None:
    image = field(256, -2.0)
    psf = study.psf_of(1.2)
    observed = study.apply(image, study.otf_of(psf, image.shape))
    observed = observed + np.random.default_rng(2).normal(0, 0.004, observed.shape)
    law = study.power_law(observed, psf, 0.004)
    f = np.fft.fftfreq(256)
    slope = np.log(law[0, 64] / law[0, 16]) / np.log(f[64] / f[16])
    assert slope == pytest.approx(-2.0, abs=0.15)
    truth = study.windowed_power(image)
    assert study.ring_means(law)[10] == pytest.approx(study.ring_means(truth)[10], rel=0.3)


def test_wiener_is_the_best_linear_filter_of_its_own_field() -> None:
    """Any other balance of noise and signal does worse in the mean square."""
    image, psf, noise = field(192, -2.0), study.psf_of(1.6), 0.01
    otf = study.otf_of(psf, image.shape)
    observed = study.apply(image, otf) + np.random.default_rng(3).normal(0, noise, image.shape)
    errors = {
        factor: float(np.mean((study.wiener(observed, psf, factor * noise) - image) ** 2))
        for factor in (0.3, 1.0, 3.0)
    }
    assert min(errors, key=errors.__getitem__) == 1.0


@pytest.mark.parametrize("noise", [0.0, 1.0, 5.0])
def test_noise_is_estimated(scene: np.ndarray, noise: float) -> None:
    psf = study.psf_of(1.6)
    found = 255 * study.estimated_noise(study.observe(scene, psf, noise), psf)
    assert found == pytest.approx(np.hypot(noise, study.ROUNDING), rel=0.06)


def test_iterations_approach_the_truth_without_noise(scene: np.ndarray) -> None:
    psf = study.psf_of(0.8)
    blurred = study.apply(scene, study.otf_of(psf, scene.shape))
    inner = slice(24, -24)
    tv = [study.total_variation(blurred, psf, 1e-5, steps) for steps in (5, 40)]
    quality = [psnr(scene[inner, inner], found[inner, inner]) for found in (blurred, *tv)]
    assert quality[0] + 3 < quality[1] < quality[2] - 3


def test_what_the_page_says_holds(scene: np.ndarray) -> None:
    """Division below the blurred image, the cured one at least 3 dB above it, at the moderate blur."""
    restored = study._restore(scene, study.BLUR, study.NOISE)
    quality = {name: psnr(restored["truth"], found) for name, found in restored.items()}
    assert quality["division"] < quality["blurred"] - 10
    assert quality["total variation"] > quality["blurred"] + 3
    assert quality["Wiener, known noise"] > quality["Wiener without tapering"] + 1
    assert quality["Wiener, estimated noise"] == pytest.approx(quality["Wiener, known noise"], abs=0.1)
