"""Interpolation: frequency responses against closed forms, and errors against what is measured on sines."""

from __future__ import annotations

import numpy as np
import pytest
from sisr.studies import interpolation
from sisr.studies.common import crop

FREQUENCY = np.linspace(0.05, 2.5, 50)


def keys_response(f: np.ndarray, a: float = -0.5) -> np.ndarray:
    """Fourier transform of cubic convolution (Keys, IEEE TASSP 29(6), 1981, appendix)."""
    return 3 / (np.pi * f) ** 2 * (np.sinc(f) ** 2 - np.sinc(2 * f)) + 2 * a / (np.pi * f) ** 2 * (
        3 * np.sinc(2 * f) ** 2 - 2 * np.sinc(2 * f) - np.sinc(4 * f)
    )


@pytest.mark.parametrize(
    ("method", "closed"),
    [
        ("nearest", np.sinc(FREQUENCY)),
        ("linear", np.sinc(FREQUENCY) ** 2),
        ("cubic", keys_response(FREQUENCY)),
    ],
)
def test_response_is_the_closed_form(method: str, closed: np.ndarray) -> None:
    np.testing.assert_allclose(interpolation.response(method, FREQUENCY), closed, atol=1e-8)


def test_lanczos_is_nearly_flat_and_keeps_the_mean() -> None:
    gain = interpolation.response("Lanczos", np.array([0.0, 0.25]))
    # The integral of Lanczos' kernel of three lobes is 0.9970, so that weights have to be normalised.
    assert gain[0] == pytest.approx(0.9970, abs=1e-4)
    assert abs(gain[1] - 1) < 0.01


def test_error_looked_at_densely_is_the_closed_form() -> None:
    f = np.array([0.1, 0.3, 0.45])
    # Nearest keeps a value for half a sample either way: the mean of |exp(2 pi i f p) - 1|^2.
    nearest = interpolation.sine_error("nearest", f, 512)
    np.testing.assert_allclose(nearest, 2 - 2 * np.sinc(f), rtol=1e-4)
    copies = np.arange(-30, 31)
    for method in ("linear", "cubic"):
        gains = interpolation.response(method, f[:, None] + copies)
        parseval = ((gains - (copies == 0)) ** 2).sum(axis=1)
        np.testing.assert_allclose(interpolation.sine_error(method, f, 512), parseval, rtol=1e-4)


@pytest.mark.parametrize("method", interpolation.METHODS)
def test_error_is_what_interpolated_sines_show(method: str) -> None:
    scale, n = 4, 64
    for cycles in (4, 16, 27):
        f = cycles / n
        errors = []
        for phase in np.arange(8) * np.pi / 8:
            lr = np.cos(2 * np.pi * f * np.arange(n) + phase)
            at = (np.arange(n * scale) + 0.5) / scale - 0.5
            made = interpolation.interpolate(lr, method, scale)
            inner = slice(4 * scale, -4 * scale)
            errors.append(np.mean((made - np.cos(2 * np.pi * f * at + phase))[inner] ** 2) / 0.5)
        expected = float(interpolation.sine_error(method, np.array([f]), scale)[0])
        assert np.mean(errors) == pytest.approx(expected, rel=2e-2, abs=1e-9)


def test_energy_of_a_sine_lies_in_its_band() -> None:
    wave = np.cos(2 * np.pi * 0.28 * np.arange(128))[None] * np.ones((128, 1))
    energy = interpolation.band_energy(wave, 10)
    assert energy[5] / energy.sum() > 0.999


def test_images_rank_the_methods_and_plates_follow_sines() -> None:
    from skimage.data import camera

    result = interpolation.measure([crop("camera", camera(), 240)])
    quality = {m: interpolation.mean(result.rows, part="image", method=m) for m in interpolation.METHODS}
    assert quality["nearest"] < quality["linear"] < quality["cubic"] < quality["Lanczos"]
    for method in interpolation.METHODS:
        at = 0.275
        plate = interpolation.mean(result.rows, part="zone plate", method=method, at=at)
        sine = float(interpolation.sine_error(method, np.array([at]), interpolation.SCALE)[0])
        # A chirp is no sine: 3e-4 of its power is beyond what sines predict.
        assert plate == pytest.approx(sine, rel=0.35, abs=3e-4)
    assert result.crops["cubic"].shape == (240, 240)
    assert len(interpolation.findings(result)) == 3
