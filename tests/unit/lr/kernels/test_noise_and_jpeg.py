"""Noise and compression: statistics, Pillow's own bytes, and the random pipelines."""

from __future__ import annotations

import io
from math import factorial

import cv2
import numpy as np
import pytest
from PIL import Image
from scipy import stats
from sisr.base.errors import ConfigError
from sisr.lr import kernels
from sisr.lr.kernels import bsrgan, jpeg, noise, realesrgan, steps
from skimage.data import astronaut

IMAGE = astronaut()[:192, :256]
GRAY = np.full((256, 256), 128, np.uint8)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# --- DN -------------------------------------------------------------------------------------------------


def test_dn_is_bicubic_and_white_noise_of_30() -> None:
    clean = kernels.apply("matlab-bicubic", np.dstack([GRAY] * 3), 2)
    residual = kernels.apply("dn", np.dstack([GRAY] * 3), 2, "key").astype(float) - clean
    inside = residual  # 128 is more than four sigma from 0 and 255
    count = inside.size
    assert abs(inside.mean()) < 4 * 30 / np.sqrt(count)
    assert inside.std() == pytest.approx(30, rel=4 / np.sqrt(2 * count))
    # rounding to whole numbers is invisible to a test of normality at this width
    assert stats.kstest(inside.ravel() + rng().uniform(-0.5, 0.5, count), "norm", args=(0, 30)).pvalue > 1e-3
    flat = inside.reshape(-1, 3)
    assert np.abs(np.corrcoef(flat.T) - np.eye(3)).max() < 5 / np.sqrt(len(flat))  # channels are independent
    for axis in (0, 1):  # and so are neighbours
        shifted = np.roll(inside, 1, axis)
        assert abs(np.corrcoef(inside.ravel(), shifted.ravel())[0, 1]) < 5 / np.sqrt(count)


def test_noise_is_clipped_not_wrapped() -> None:
    dark, bright = (noise.add_white(np.full((64, 64), v, np.uint8), 30, rng()) for v in (0, 255))
    assert dark.max() < 160 and np.mean(dark == 0) == pytest.approx(0.5, abs=0.05)
    assert bright.min() > 95 and np.mean(bright == 255) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3), (1, 9)])
def test_noise_is_what_the_generator_draws_row_by_row(shape: tuple[int, ...]) -> None:
    image = np.full(shape, 128, np.uint8)
    expected = np.round(128 + 10 * rng(3).standard_normal(shape)).astype(np.uint8)
    assert np.array_equal(noise.add_white(image, 10, rng(3)), expected)


# --- JPEG -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quality", [30, 50, 70, 90])
@pytest.mark.parametrize("hr", [IMAGE, IMAGE[..., 0]], ids=["rgb", "gray"])
def test_jpeg_is_what_pillow_decodes(quality: int, hr: np.ndarray) -> None:
    stream = io.BytesIO()
    Image.fromarray(kernels.apply("matlab-bicubic", hr, 2)).save(stream, "JPEG", quality=quality)
    expected = np.array(Image.open(io.BytesIO(stream.getvalue())))
    assert np.array_equal(kernels.apply(f"jpeg{quality}", hr, 2), expected)


def test_lower_quality_is_farther_from_bicubic() -> None:
    clean = kernels.apply("matlab-bicubic", IMAGE, 2).astype(float)
    errors = [np.mean((kernels.apply(f"jpeg{q}", IMAGE, 2) - clean) ** 2) for q in (90, 70, 50, 30)]
    assert errors == sorted(errors)
    assert errors[-1] > 3 * errors[0]


@pytest.mark.parametrize("quality", [1, 95])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_ends_of_the_quality_and_subsampling(quality: int, subsampling: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(IMAGE).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    assert np.array_equal(jpeg.compressed(IMAGE, quality, subsampling), np.array(Image.open(stream)))
    assert jpeg.bicubic_jpeg(IMAGE, 2, border="mirror", quality=quality).shape == (96, 128, 3)


@pytest.mark.parametrize("quality", [0, 96])
def test_quality_is_checked(quality: int) -> None:
    with pytest.raises(ConfigError, match=f"quality: expected 1 to 95, found {quality}"):
        jpeg.bicubic_jpeg(IMAGE, 2, border="mirror", quality=quality)


# --- steps of the pipelines -----------------------------------------------------------------------------


@pytest.mark.parametrize("gray", [False, True])
def test_gaussian_noise(gray: bool) -> None:
    residual = steps.gaussian_noise(np.full((128, 128, 3), 128, np.uint8), 10, gray, rng()) - 128.0
    assert residual.std() == pytest.approx(10, rel=0.03)
    assert bool((residual[..., 0] == residual[..., 1]).all()) == gray


def test_noise_of_an_image_of_one_row() -> None:
    row = np.full((1, 5000, 3), 128, np.uint8)
    assert (steps.gaussian_noise(row, 10, False, rng()) - 128.0).std() == pytest.approx(10, rel=0.05)


def test_correlated_noise_has_its_covariance() -> None:
    covariance = np.array([[90.0, 40, 10], [40, 120, 50], [10, 50, 60]])
    residual = steps.correlated_noise(np.full((256, 256, 3), 128, np.uint8), covariance, rng()) - 128.0
    found = np.cov(residual.reshape(-1, 3).T)
    np.testing.assert_allclose(found, covariance + np.eye(3) / 12, atol=3)


@pytest.mark.parametrize(("level", "gray"), [(40, False), (200, False), (120, True)])
def test_poisson_noise(level: int, gray: bool) -> None:
    # all 256 values occur, so that white is 256 photons: the variance of v is 255 * strength**2 * v / 256
    image = np.full((256, 256, 3), level, np.uint8)
    image[0, :, :] = np.arange(256)[:, None]
    residual = (steps.poisson_noise(image, 0.7, gray, rng()) - image.astype(float))[1:]
    assert residual.var() == pytest.approx(255 * 0.49 * level / 256 + 1 / 12, rel=0.04)
    assert abs(residual.mean()) < 0.1
    assert bool((residual[..., 0] == residual[..., 1]).all()) == gray


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_of_the_pipelines(channels: int) -> None:
    # OpenCV's and Pillow's libjpeg-turbo agree but for the smoothing of colour
    image = IMAGE[..., :channels]
    found = steps.jpeg(image, 60)
    expected = jpeg.compressed(image if channels == 3 else image[..., 0], 60).reshape(image.shape)
    assert found.shape == image.shape
    assert np.abs(found.astype(int) - expected).max() <= (0 if channels == 1 else 2)


def test_sinc_passes_low_frequencies_only() -> None:
    response = np.abs(np.fft.fft2(steps.sinc(21, np.pi / 2), (64, 64)))
    assert response[0, 0] == pytest.approx(1)
    assert response[0, 4] == pytest.approx(1, abs=0.2)
    assert response[0, 32] < 0.1


def test_bells() -> None:
    plain = steps.bell(21, (2, 2), 0)
    np.testing.assert_allclose(steps.bell(21, (2, 2), 0, "generalised", 1), plain, atol=1e-15)
    long = steps.bell(21, (3, 1), 0.3)
    np.testing.assert_allclose(long, long[::-1, ::-1], atol=1e-15)
    flat = steps.bell(21, (3, 3), 0, "plateau", 4)
    assert flat[10, 12] > 0.9 * flat[10, 10] > 10 * flat[10, 19]


def test_bells_and_the_sinc_are_their_formulas() -> None:
    down, right = np.mgrid[-10:11, -10:11].astype(float)
    r = (right / 3) ** 2 + (down / 2) ** 2
    for shape, expected in (
        ("gaussian", np.exp(-r / 2)),
        ("generalised", np.exp(-(r**0.7) / 2)),
        ("plateau", 1 / (1 + r**0.7)),
    ):
        found = steps.bell(21, (3, 2), 0, shape, 0.7)
        np.testing.assert_allclose(found, expected / expected.sum(), atol=1e-15)
    # J1(x) / x by its series, of which 60 terms are exact to float64 for these x.
    x = np.pi / 2 * np.hypot(down, right)
    terms = [(-1) ** k * (x / 2) ** (2 * k) / (2 * factorial(k) * factorial(k + 1)) for k in range(60)]
    series = np.sum(terms, axis=0)
    np.testing.assert_allclose(steps.sinc(21, np.pi / 2), series / series.sum(), atol=1e-6)


def test_a_resize_is_opencvs_with_what_was_drawn() -> None:
    found = {steps.resize(IMAGE, 60, 80, rng(seed)).tobytes() for seed in range(30)}
    chosen = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_AREA)
    assert found == {cv2.resize(IMAGE, (80, 60), interpolation=one).tobytes() for one in chosen}


def test_choices_have_their_probabilities() -> None:
    generator = rng()
    drawn = np.bincount([steps.pick(generator, [0.2, 0.7, 0.1]) for _ in range(4000)]) / 4000
    np.testing.assert_allclose(drawn, [0.2, 0.7, 0.1], atol=0.03)
    assert np.mean([steps.chance(generator, 0.3) for _ in range(4000)]) == pytest.approx(0.3, abs=0.03)


# --- pipelines ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", ["bsrgan", "realesrgan"])
@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("hr", [IMAGE[:, :252], IMAGE[:, :252, 0]], ids=["rgb", "gray"])
def test_every_draw_of_a_pipeline_keeps_the_image(kernel: str, scale: int, hr: np.ndarray) -> None:
    clean = kernels.apply("matlab-box", hr, scale).astype(float)
    drawn = [kernels.apply(kernel, hr, scale, str(key)) for key in range(25)]
    assert len({lr.tobytes() for lr in drawn}) == 25
    for lr in drawn:
        assert lr.shape == clean.shape
        # still the image, and neither moved nor turned
        assert np.corrcoef(lr.ravel(), clean.ravel())[0, 1] > 0.75


@pytest.mark.parametrize("function", [bsrgan.bsrgan, realesrgan.realesrgan])
def test_pipelines_do_not_shift(function: object) -> None:
    # the centre of a soft spot stays in the middle, but for the noise
    down, right = np.mgrid[:128, :128] - 63.5
    spot = np.uint8(np.round(20 + 200 * np.exp(-(down**2 + right**2) / (2 * 14**2))))
    centres = []
    for seed in range(40):
        lr = function(np.dstack([spot] * 3), 4, border="reflect", rng=rng(seed)).astype(float).mean(axis=2)  # type: ignore[operator]
        weight = np.clip(lr - 60, 0, None)
        places = np.indices(lr.shape) - 15.5
        centres.append((places * weight).sum(axis=(1, 2)) / weight.sum())
    assert np.abs(np.mean(centres, axis=0)).max() < 0.08
    assert np.median(np.abs(centres)) < 0.08
