from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sisr.base import registry
from sisr.base.colour import BT601, YIQ, Uint8Image, replicate
from sisr.base.errors import ConfigError, ScoreError
from sisr.scoring.metrics import fidelity, parse_measure, structural
from sisr.scoring.metrics.code import function_of
from sisr.scoring.metrics.fidelity import prepare, psnr, psnr_of, ssim, ssim_of

Pairs = Callable[..., tuple[Uint8Image, Uint8Image]]
BasicSR = Callable[[str, Uint8Image, Uint8Image, int, bool], float]
ALL = ["y-bt601", "y-bt601-replicate", "rgb", "y-bt601-uint8", "yiq-nocrop", "y-bt601-skimage"]


# --- against published outputs --------------------------------------------------------------------------


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("scale", "protocol", "metric", "expected", "digits"),
    [
        # RCAN's MATLAB log for its own PNGs
        (2, "y-bt601", "psnr", 38.2742, 4),
        (2, "y-bt601", "ssim", 0.9614, 4),
        (4, "y-bt601", "psnr", 32.6336, 4),
        (4, "y-bt601", "ssim", 0.9002, 4),
        # the same x4 pixels by other conventions, from a separate calculation
        (4, "y-bt601-nocrop", "psnr", 32.53, 2),
        (4, "y-bt601-crop6", "psnr", 32.69, 2),
        (4, "y-bt601-uint8", "psnr", 32.61, 2),
        (4, "rgb", "psnr", 30.70, 2),
        # IQA-PyTorch: its PSNR keeps the luma in float, its SSIM rounds it
        (4, "yiq-nocrop", "psnr", 31.21, 2),
        (4, "yiq-uint8-nocrop", "ssim", 0.8868, 4),
        # skimage.metrics.structural_similarity with its defaults; ssim.m with automatic downsampling
        (4, "y-bt601-skimage", "ssim", 0.9094, 4),
        (4, "y-bt601-downsampled", "ssim", 0.9124, 4),
    ],
)
def test_rcan_outputs(
    rcan_pairs: Callable[[int], list[tuple[Uint8Image, Uint8Image]]],
    scale: int,
    protocol: str,
    metric: str,
    expected: float,
    digits: int,
) -> None:
    function = function_of(parse_measure(f"{metric}@{protocol}"))
    values = [function(prepare(hr, sr, protocol, scale)) for hr, sr in rcan_pairs(scale)]
    assert f"{np.mean(values):.{digits}f}" == f"{expected:.{digits}f}"


# --- against other programs -----------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width", "scale"), [(48, 64, 2), (201, 187, 4), (27, 300, 3)])
@pytest.mark.parametrize(("protocol", "luma"), [("y-bt601", True), ("rgb", False)])
def test_equals_basicsr(
    pair: Pairs, basicsr: BasicSR, height: int, width: int, scale: int, protocol: str, luma: bool
) -> None:
    hr, sr = pair(height, width)
    assert psnr(hr, sr, protocol, scale) == pytest.approx(basicsr("psnr", hr, sr, scale, luma), abs=1e-6)
    assert ssim(hr, sr, protocol, scale) == pytest.approx(basicsr("ssim", hr, sr, scale, luma), abs=1e-6)


def test_equals_skimage_gaussian(pair: Pairs) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    hr, sr = pair(150, 133)
    x, y = (BT601.of(image)[4:-4, 4:-4] for image in (hr, sr))
    _, full = metrics.structural_similarity(
        x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
    )
    assert ssim(hr, sr, "y-bt601", 4) == pytest.approx(full[5:-5, 5:-5].mean(), abs=1e-12)
    expected = metrics.peak_signal_noise_ratio(x, y, data_range=255)
    assert psnr(hr, sr, "y-bt601", 4) == pytest.approx(expected, abs=1e-12)


def test_equals_skimage_default(pair: Pairs) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    hr, sr = pair(150, 133)
    x, y = (BT601.of(image)[4:-4, 4:-4] for image in (hr, sr))
    expected = metrics.structural_similarity(x, y, data_range=255)
    assert ssim(hr, sr, "y-bt601-skimage", 4) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("shape", "factor"), [((383, 600), 1), ((384, 600), 2), ((641, 643), 3)])
def test_downsampling_of_ssim_m(shape: tuple[int, int], factor: int) -> None:
    """imfilter(plane, ones(f)/f^2, 'symmetric'), then plane(1:f:end, 1:f:end), by their definition."""
    plane = np.random.default_rng(0).uniform(0, 255, shape)
    before, after = (factor - 1) // 2, factor // 2
    padded = np.pad(plane, ((before, after), (before, after)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (factor, factor))
    expected = windows.mean((2, 3))[::factor, ::factor]
    found = structural.downsample(plane)
    assert found.shape == expected.shape
    assert np.allclose(found, expected, atol=1e-10, rtol=0)


# --- the gray rule --------------------------------------------------------------------------------------


def test_replicated_gray_gains_exactly_the_range(pair: Pairs) -> None:
    """|dY| = 219/255 |dg|, so the mean squared error falls by (219/255)^2, 1.32 dB."""
    hr, sr = pair(60, 70, channels=None)
    gain = psnr(hr, sr, "y-bt601-replicate", 2) - psnr(hr, sr, "y-bt601", 2)
    assert gain == pytest.approx(20 * math.log10(255 / 219), abs=1e-12)
    assert gain == pytest.approx(1.32, abs=0.005)


@pytest.mark.parametrize("protocol", ALL)
def test_rgb_result_for_gray_equals_gray_result(pair: Pairs, protocol: str) -> None:
    hr, sr = pair(172, 180, channels=None)
    planes = [name for name, entry in registry.load("metrics").items() if "function" in entry]
    for metric in (function_of(parse_measure(f"{name}@y-bt601")) for name in planes):
        gray = metric(prepare(hr, sr, protocol, 2))
        colour = metric(prepare(hr, replicate(sr), protocol, 2))
        assert gray == pytest.approx(colour, abs=1e-12)


def test_tinted_result_for_gray(pair: Pairs) -> None:
    hr, _ = pair(60, 70, channels=None)
    _, sr = pair(60, 70)
    luma = (65.481 * sr[..., 0] + 128.553 * sr[..., 1] + 24.966 * sr[..., 2]) / 219
    mse = np.mean((hr - luma)[2:-2, 2:-2] ** 2)
    assert psnr(hr, sr, "y-bt601", 2) == pytest.approx(10 * math.log10(255**2 / mse), abs=1e-10)


def test_gray_result_for_colour_is_replicated(pair: Pairs) -> None:
    hr, sr = pair(60, 70)
    for protocol in ALL:
        expected = psnr(hr, replicate(sr[..., 1]), protocol, 2)
        assert psnr(hr, sr[..., 1], protocol, 2) == pytest.approx(expected, abs=1e-12)


def test_colour_image_is_the_same_under_both_gray_rules(pair: Pairs) -> None:
    hr, sr = pair(60, 70)
    assert psnr(hr, sr, "y-bt601", 2) == psnr(hr, sr, "y-bt601-replicate", 2)
    assert np.array_equal(YIQ.full_range().of(hr), YIQ.of(hr))


def test_without_a_protocol_it_is_luma_without_one_pixel_of_border(pair: Pairs) -> None:
    hr, sr = pair(40, 50)
    assert psnr(hr, sr) == psnr(hr, sr, "y-bt601", 1)
    assert ssim(hr, sr) == ssim(hr, sr, "y-bt601", 1)
    assert psnr(hr, sr) == pytest.approx(psnr(hr[1:-1, 1:-1], sr[1:-1, 1:-1], "y-bt601-nocrop"), abs=1e-12)


# --- properties -----------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(st.integers(19, 90), st.integers(19, 90), st.integers(0, 2**32 - 1), st.sampled_from(ALL))
def test_symmetry_identity_range(pair: Pairs, height: int, width: int, seed: int, protocol: str) -> None:
    hr, sr = pair(height, width, seed)
    assert psnr(hr, sr, protocol, 4) == psnr(sr, hr, protocol, 4)
    assert ssim(hr, sr, protocol, 4) == pytest.approx(ssim(sr, hr, protocol, 4), abs=1e-12)
    assert -1 <= ssim(hr, sr, protocol, 4) <= 1
    assert psnr(hr, hr, protocol, 4) == math.inf
    assert ssim(hr, hr, protocol, 4) == pytest.approx(1, abs=1e-12)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1), st.sampled_from(ALL))
def test_flips_do_not_matter(pair: Pairs, seed: int, protocol: str) -> None:
    hr, sr = pair(75, 82, seed)
    for flip in (np.flipud, np.fliplr, lambda image: image.swapaxes(0, 1)):
        assert psnr(flip(hr), flip(sr), protocol, 3) == pytest.approx(psnr(hr, sr, protocol, 3), abs=1e-11)
        assert ssim(flip(hr), flip(sr), protocol, 3) == pytest.approx(ssim(hr, sr, protocol, 3), abs=1e-12)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_more_noise_scores_less(pair: Pairs, seed: int) -> None:
    scores = [(psnr(*images), ssim(*images)) for images in (pair(64, 64, seed, noise=n) for n in (2, 8, 32))]
    assert scores == sorted(scores, reverse=True)
    assert [s for _, s in scores] == sorted((s for _, s in scores), reverse=True)


def test_border_does_not_count(pair: Pairs) -> None:
    hr, sr = pair(60, 70)
    spoilt = sr.copy()
    spoilt[:4], spoilt[-4:], spoilt[:, :4], spoilt[:, -4:] = 0, 255, 255, 0
    for metric in (psnr, ssim):
        assert metric(hr, spoilt, "y-bt601", 4) == metric(hr, sr, "y-bt601", 4)
        assert metric(hr, sr, "y-bt601", 4) == metric(hr[4:-4, 4:-4], sr[4:-4, 4:-4], "y-bt601-nocrop", 4)
        assert metric(hr, spoilt, "y-bt601", 3) < metric(hr, sr, "y-bt601", 3)


@pytest.mark.parametrize(
    "window", [structural.gaussian(11, 1.5), structural.uniform(7)], ids=["gauss", "flat"]
)
def test_ssim_map_is_ssim_window_by_window(window: structural.Window) -> None:
    """Its mean is the mean SSIM, and its values are the formula of Wang et al. 2004 written out."""
    rng = np.random.default_rng(4)
    x, y = rng.random((2, 23, 31)) * 255
    size = len(window.taps)
    found = structural.ssim_map(x, y, window, 255.0)
    assert found.shape == (23 - size + 1, 31 - size + 1)
    assert found.mean() == pytest.approx(structural.mean_ssim(x, y, window, 255.0), abs=1e-12)
    weights = np.outer(window.taps, window.taps)
    for row, column in ((0, 0), (5, 9), (23 - size, 31 - size)):
        a, b = x[row : row + size, column : column + size], y[row : row + size, column : column + size]
        mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
        moments = [(weights * (one - m) * (other - n)).sum() * window.covariance for one, other, m, n in (
            (a, a, mean_a, mean_a), (b, b, mean_b, mean_b), (a, b, mean_a, mean_b))]  # fmt: skip
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        top = (2 * mean_a * mean_b + c1) * (2 * moments[2] + c2)
        bottom = (mean_a**2 + mean_b**2 + c1) * (moments[0] + moments[1] + c2)
        assert found[row, column] == pytest.approx(top / bottom, abs=1e-9)
    with pytest.raises(ScoreError, match=f"needs at least {size}x{size} pixels, found 31x{size - 1}"):
        structural.ssim_map(x[: size - 1], y[: size - 1], window, 255.0)


def test_the_flat_window_has_sample_moments() -> None:
    assert structural.uniform(7) == structural.Window((1 / 7,) * 7, covariance=49 / 48)


@pytest.mark.parametrize("height", [11, 74, 75, 139, 300])
def test_threads_and_strips_do_not_change_ssim(
    pair: Pairs, height: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare(*pair(height, 50), "y-bt601-nocrop", 1)
    alone = ssim_of(prepared)
    assert all(ssim_of(prepared, threads) == alone for threads in (2, 3, 8))
    monkeypatch.setattr(structural, "_STRIP", 10_000)
    assert ssim_of(prepared) == pytest.approx(alone, abs=1e-13)


def test_preparing_once_gives_the_same_values(pair: Pairs) -> None:
    hr, sr = pair(90, 70)
    prepared = prepare(hr, sr, "y-bt601", 4)
    copies = prepared.hr.copy(), prepared.sr.copy()
    assert (psnr_of(prepared), ssim_of(prepared)) == (psnr(hr, sr, "y-bt601", 4), ssim(hr, sr, "y-bt601", 4))
    assert np.array_equal(prepared.hr, copies[0])
    assert np.array_equal(prepared.sr, copies[1])


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_flat_images(value: int) -> None:
    hr = np.full((40, 40, 3), value, np.uint8)
    assert ssim(hr, hr, "y-bt601", 2) == pytest.approx(1, abs=1e-9)
    assert psnr(hr, hr ^ 1, "rgb", 2) == pytest.approx(20 * math.log10(255), abs=1e-12)


def test_gaussian_window_is_opencvs() -> None:
    cv2 = pytest.importorskip("cv2")
    expected = cv2.getGaussianKernel(11, 1.5)[:, 0]
    assert np.allclose(structural.gaussian(11, 1.5).taps, expected, atol=1e-16, rtol=0)


# --- errors ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hr_shape", "sr_shape", "message"),
    [
        ((40, 40, 3), (40, 44, 3), "HR is 40x40, SR is 44x40"),
        ((8, 40, 3), (8, 40, 3), "image of 40x8 is too small: y-bt601 cuts 4 pixels"),
        ((18, 40, 3), (18, 40, 3), "SSIM needs at least 11x11 pixels, found 32x10 after the crop"),
        ((40, 40, 4), (40, 40, 3), "HR image: expected shape (H, W) or (H, W, 3), found (40, 40, 4)"),
    ],
)
def test_images_that_cannot_be_compared(
    hr_shape: tuple[int, ...], sr_shape: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ScoreError, match=re.escape(message)):
        ssim(np.zeros(hr_shape, np.uint8), np.zeros(sr_shape, np.uint8), "y-bt601", 4)


def test_other_dtypes_are_refused() -> None:
    image = np.zeros((40, 40, 3))
    with pytest.raises(ScoreError, match="HR image: expected uint8, found float64"):
        psnr(image, image)  # type: ignore[arg-type]


def test_lpips_protocol_is_refused(pair: Pairs) -> None:
    with pytest.raises(ConfigError, match="family network"):
        psnr(*pair(40, 40), "alex-v0.1")


def test_peak_is_the_protocols(pair: Pairs) -> None:
    hr, sr = pair(40, 40)
    rules = fidelity.fidelity_protocol("y-bt601")
    gain = psnr(hr, sr, replace(rules, peak=510)) - psnr(hr, sr, rules)
    assert gain == pytest.approx(20 * math.log10(2), abs=1e-12)
