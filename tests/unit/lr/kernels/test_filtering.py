"""Blur kernels: definitions, moments, phases, and sampling against independent calculations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from sisr.base import registry
from sisr.base.errors import ConfigError
from sisr.lr import kernels
from sisr.lr.kernels import filtering, gaussian, matlab, motion
from skimage.data import astronaut

RNG = np.random.default_rng(11)
HR = RNG.integers(0, 256, (72, 96, 3), dtype=np.uint8)
IMAGE = astronaut()[:240, :252]
#: Borders by the names of scipy.ndimage.
NDIMAGE = {"mirror": "reflect", "replicate": "nearest", "reflect": "mirror", "wrap": "wrap"}


def moments(psf: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centre of mass, and covariance of (down, right)."""
    places = np.indices(psf.shape).reshape(2, -1)
    centre = (places * psf.ravel()).sum(axis=1) / psf.sum()
    return centre, (psf.ravel() * (places - centre[:, None])) @ (places - centre[:, None]).T / psf.sum()


def fspecial(size: int, sigma: float) -> np.ndarray:
    """fspecial('gaussian'), written out."""
    rows = [
        [
            math.exp(-((i - (size - 1) / 2) ** 2 + (j - (size - 1) / 2) ** 2) / (2 * sigma * sigma))
            for j in range(size)
        ]
        for i in range(size)
    ]
    return np.array(rows) / sum(map(sum, rows))


# --- BD -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hr", [HR, HR[..., 1], IMAGE], ids=["noise", "gray", "image"])
@pytest.mark.parametrize(("scale", "size"), [(2, 12), (3, 7), (4, 12), (8, 12)])
def test_bd_equals_its_definition(hr: np.ndarray, scale: int, size: int) -> None:
    # RCAN's script: imfilter(hr, fspecial('gaussian', size, 1.6), 'replicate') rounds to uint8; then, counted
    # from 1, imresize(.., 'nearest') takes pixels 2:3:end at x3, and even scales scale/2:scale:end.
    hr = hr[: hr.shape[0] // scale * scale, : hr.shape[1] // scale * scale]
    planes = []
    for plane in np.atleast_3d(hr).transpose(2, 0, 1):
        # imfilter of an even kernel is centred on element size/2, counted from 1; scipy's on size/2, from 0.
        origin = -1 if size % 2 == 0 else 0
        blurred = ndimage.correlate(plane.astype(float), fspecial(size, 1.6), mode="nearest", origin=origin)
        rounded = np.floor(blurred + 0.5)
        start = 2 if scale == 3 else scale // 2
        planes.append(rounded[start - 1 :: scale, start - 1 :: scale])
    expected = np.dstack(planes) if hr.ndim == 3 else planes[0]
    assert np.array_equal(kernels.apply("bd", hr, scale), expected)


def test_bd_at_x3_on_one_bright_pixel() -> None:
    # by hand: weight of a pixel at (dy, dx) from the middle one of its block, exp(-(dy2 + dx2) / 5.12) / sum
    hr = np.zeros((27, 27), np.uint8)
    hr[13, 13] = 255
    lr = kernels.apply("bd", hr, 3)
    total = sum(math.exp(-(i * i) / 5.12) for i in range(-3, 4)) ** 2
    assert lr[4, 4] == round(255 / total)
    assert lr[4, 5] == lr[5, 4] == lr[4, 3] == round(255 * math.exp(-9 / 5.12) / total)
    assert np.count_nonzero(lr) == 5  # 7 x 7 taps reach one block each way; 0.48 at the corners is 0


def test_kernel_size_must_fit_the_scale() -> None:
    with pytest.raises(ConfigError, match="size: expected an even number at x2, found 7"):
        gaussian.gaussian_subsample(HR, 2, border="mirror", sigma=1.6, size=7)
    with pytest.raises(ConfigError, match="size: expected an odd number at x3, found 8"):
        gaussian.gaussian_subsample(HR, 3, border="mirror", sigma=1.6, size=8)
    with pytest.raises(ConfigError, match="size: expected an odd number, found 8"):
        gaussian.gaussian_bicubic(HR, 2, border="mirror", sigma=1.6, size=8)


# --- Gaussian8 ------------------------------------------------------------------------------------------


def test_gaussian8_sigmas() -> None:
    # DAN and IKC: eight even steps from 0.80 to 1.60 (x2), 1.35 to 2.40 (x3), 1.80 to 3.20 (x4)
    for scale, low, high in ((2, 0.8, 1.6), (3, 1.35, 2.4), (4, 1.8, 3.2)):
        entries = [registry.entry("kernels", f"gaussian8-{number}") for number in range(1, 9)]
        found = [kernels.params(entry, scale) for entry in entries]
        assert [params["sigma"] for params in found] == pytest.approx(list(np.linspace(low, high, 8)))
        assert {params["size"] for params in found} == {21}


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("kernel", ["gaussian8-1", "gaussian8-8"])
def test_gaussian8_equals_blur_and_bicubic_of_the_whole_image(kernel: str, scale: int) -> None:
    params = kernels.params(registry.entry("kernels", kernel), scale)
    planes = []
    for plane in IMAGE.transpose(2, 0, 1).astype(float):
        blurred = ndimage.correlate(plane, fspecial(21, params["sigma"]), mode="mirror")
        planes.append(matlab.imresize(blurred, 1 / scale))
    exact = np.dstack(planes)
    lr = kernels.apply(kernel, IMAGE, scale).astype(float)
    assert np.abs(lr - np.clip(exact, 0, 255)).max() <= 0.5 + 1e-7


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = {
        kernel: [kernels.apply(kernel, IMAGE, 4, "key")]
        for kernel in ("bd", "gaussian8-8", "div2krk", "motion", "dn", "bsrgan", "realesrgan")
    }
    monkeypatch.setattr(filtering, "_STRIP", 4000)
    for kernel, (whole,) in calls.items():
        assert np.array_equal(kernels.apply(kernel, IMAGE, 4, "key"), whole), kernel


# --- sampling -------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 4),
    st.sampled_from(sorted(NDIMAGE)),
    st.integers(1, 14),
    st.integers(1, 14),
    st.integers(0, 2**32),
)
def test_sampling_equals_scipy(
    rows: int, columns: int, scale: int, border: str, k: int, m: int, seed: int
) -> None:
    """Any size of image and PSF, also images far smaller than the PSF, which are continued periodically."""
    rng = np.random.default_rng(seed)
    hr = rng.integers(0, 256, (rows * scale, columns * scale), dtype=np.uint8)
    psf = rng.random((k, m))
    psf /= psf.sum()
    # The PSF in a square whose middle is pixel 0.
    half = 16
    top, left = (half + filtering.first_tap(n, scale) for n in psf.shape)
    room = np.zeros((2 * half + 1, 2 * half + 1))
    room[top : top + k, left : left + m] = psf
    blurred = ndimage.correlate(hr.astype(float), room, mode=NDIMAGE[border])[::scale, ::scale]
    assert np.abs(filtering.sample(hr, psf, scale, border) - blurred).max() <= 0.5 + 1e-7


def test_sums_are_exact_to_the_margin_of_ties() -> None:
    for size in (7, 12, 21, 25):  # OpenCV sums small kernels directly and large ones by Fourier transforms
        psf = fspecial(size, 3)
        begin = size - 1, size - 1
        sums = filtering._sums(HR, psf, "replicate", (0, 0), (72 - begin[0], 96 - begin[1]), 1)
        views = np.lib.stride_tricks.sliding_window_view(HR.astype(float), (size, size), (0, 1))
        assert np.abs(sums - np.einsum("hwcij,ij->hwc", views, psf)).max() < filtering.TIE / 100


def test_a_tie_is_rounded_up_whatever_the_order_of_the_sum() -> None:
    # an even, symmetric kernel on an edge between 0 and 255: 127.5 on paper, 127.49999999999997 in floats
    hr = np.zeros((48, 48), np.uint8)
    hr[:, 25:] = 255  # x2: LR sample 12 lies midway between columns 24 and 25
    for turned in (hr, hr.T.copy(), 255 - hr):
        lr = kernels.apply("bd", turned, 2)
        middle = lr[:, 12] if turned is not hr.T else lr[12]
        assert 128 in middle
        assert 127 not in middle


def test_unknown_border() -> None:
    with pytest.raises(ConfigError, match="unknown border 'miror'; did you mean 'mirror'"):
        filtering.sample(HR, fspecial(3, 1), 2, "miror")


@pytest.mark.parametrize(
    ("border", "mode"),
    [("reflect", "reflect"), ("wrap", "wrap"), ("mirror", "symmetric"), ("replicate", "edge")],
)
@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_borders_are_those_of_numpy(border: str, mode: str, n: int) -> None:
    expected = np.pad(np.arange(n), 20, mode)  # type: ignore[call-overload]
    assert np.array_equal(filtering.BORDERS[border](np.arange(-20, n + 20), n), expected)


# --- point spread functions -----------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "sigma"), [(7, 1.6), (12, 1.6), (21, 0.8), (21, 3.2)])
def test_gaussian_is_fspecial(size: int, sigma: float) -> None:
    np.testing.assert_allclose(filtering.gaussian(size, sigma), fspecial(size, sigma), rtol=0, atol=1e-15)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([2, 4]))
@example(623, 4)  # of whose shifts by KernelGAN's rule none is exact
def test_anisotropic_kernels_are_centred(seed: int, scale: int) -> None:
    psf = gaussian.anisotropic(np.random.default_rng(seed), scale, 11, (0.6, 5), 0.25)
    assert psf.shape == {2: (11, 11), 4: (21, 21)}[scale]
    assert psf.sum() == pytest.approx(1)
    assert filtering.phase(psf, scale) == pytest.approx((0, 0), abs=1e-6)


def test_anisotropic_kernels_have_the_moments_that_were_drawn() -> None:
    # without noise, and small enough for 11 x 11 to hold it: eigenvalues of the covariance are the variances
    for seed in range(20):
        rng = np.random.default_rng(seed)
        first, second, angle = rng.uniform(0.6, 2), rng.uniform(0.6, 2), rng.uniform(0, np.pi)
        psf = gaussian.anisotropic(np.random.default_rng(seed), 2, 11, (0.6, 2), 0)
        _, covariance = moments(psf)
        # columns: the two axes, as (down, right)
        axes = np.array([[-math.sin(angle), math.cos(angle)], [math.cos(angle), math.sin(angle)]])
        expected = axes @ np.diag([first, second]) @ axes.T
        np.testing.assert_allclose(covariance, expected, atol=0.06)


def test_anisotropic_kernels_spread_as_the_registry_says() -> None:
    drawn = [gaussian.anisotropic(np.random.default_rng(seed), 2, 11, (0.6, 5), 0.25) for seed in range(300)]
    variances = np.array([np.linalg.eigvalsh(moments(psf)[1]) for psf in drawn])
    # 11 x 11 cuts a variance of 5 down to about 4.2; the noise moves either end a little
    assert 0.5 < variances.min() < 0.8
    assert 3.6 < variances.max() < 5
    # the mean of the smaller and the larger of two uniform numbers in [0.6, 5]: 2.07 and 3.53, less the cut
    assert variances.mean(axis=0) == pytest.approx([2.07, 3.53], abs=0.25)


def test_noise_on_the_weights_is_bounded() -> None:
    rng = np.random.default_rng(4)
    state = rng.bit_generator.state
    low, high = rng.uniform(0.6, 5, 2)
    clean = np.exp(-filtering.mahalanobis(11, (low, high), rng.uniform(0, np.pi)) / 2)
    noise = rng.uniform(0.75, 1.25, (11, 11))
    rng.bit_generator.state = state
    noisy = gaussian.anisotropic(rng, 2, 11, (0.6, 5), 0.25)
    expected = filtering.centred(clean * noise / (clean * noise).sum(), 2)
    np.testing.assert_allclose(noisy, expected, atol=1e-15)


def test_kernel_of_shrinking_twice() -> None:
    # halving an image twice by a kernel, against sampling it once by `twice` of the kernel
    psf = filtering.gaussian(3, 0.7)
    wide = np.zeros((7, 7))
    wide[1:-1, 1:-1] = gaussian.twice(psf)
    x = RNG.random((40, 40))
    once = ndimage.correlate(x, psf)[::2, ::2]
    again = ndimage.correlate(once, psf)[::2, ::2]
    direct = np.zeros((7, 7))
    for (i, j), weight in np.ndenumerate(psf):
        direct[2 * i : 2 * i + 3, 2 * j : 2 * j + 3] += weight * psf
    np.testing.assert_allclose(
        ndimage.correlate(x, direct)[::4, ::4][3:-3, 3:-3], again[3:-3, 3:-3], atol=1e-12
    )
    kept = direct[1:-1, 1:-1]
    np.testing.assert_allclose(wide[1:-1, 1:-1], kept / kept.sum(), atol=1e-15)


def test_div2krk_is_defined_at_two_scales() -> None:
    with pytest.raises(ConfigError, match="'div2krk' is not defined at x3: expected one of x2, x4"):
        kernels.apply("div2krk", HR, 3, "key")


@settings(max_examples=60, deadline=None)
@given(st.floats(1, 40), st.floats(0, math.pi))
def test_motion_is_a_centred_line(length: float, angle: float) -> None:
    psf = motion.line(length, angle)
    assert len(psf) % 2 == 1
    centre, covariance = moments(psf)
    assert centre == pytest.approx((len(psf) - 1) / 2, abs=1e-9)
    along = np.array([-math.sin(angle), math.cos(angle)])
    across = np.array([math.cos(angle), math.sin(angle)])
    assert across @ covariance @ across < 0.6  # one or two pixels wide
    # a line of length L - 1 with a cone of radius 1 at both ends has a variance near L**2 / 12
    assert along @ covariance @ along == pytest.approx(length**2 / 12, rel=0.2, abs=0.6)


def test_motion_by_hand() -> None:
    # fspecial('motion', 3, 0) is [1 1 1] / 3; fspecial('motion', 9, 45) has its largest weights on a diagonal
    np.testing.assert_allclose(motion.line(3, 0)[2], np.array([0, 1, 1, 1, 0]) / 3, atol=1e-15)
    diagonal = motion.line(9, math.pi / 4)
    middle = len(diagonal) // 2
    assert diagonal[middle - 2, middle + 2] > 10 * diagonal[middle + 2, middle + 2]  # up and right


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [3, 4, 11, 12])
def test_centring_moves_any_kernel_onto_the_sample(scale: int, size: int) -> None:
    psf = np.zeros((size + 8, size + 8))
    psf[2 : 2 + size, 4 : 4 + size] = RNG.random((size, size))
    centred = filtering.centred(psf / psf.sum(), scale)
    assert filtering.phase(centred, scale) == pytest.approx((0, 0), abs=1e-6)
    assert centred.sum() == pytest.approx(1)


def test_a_blur_kernel_that_is_higher_than_wide() -> None:
    """Turned by a quarter, it makes the image turned so."""
    rng = np.random.default_rng(8)
    hr = rng.integers(0, 256, (24, 36), dtype=np.uint8)
    psf = rng.random((7, 3))
    psf /= psf.sum()
    upright = filtering.blur_bicubic(hr, psf, 2, "reflect")
    turned = filtering.blur_bicubic(np.ascontiguousarray(hr.T), np.ascontiguousarray(psf.T), 2, "reflect")
    assert np.abs(upright.astype(int) - turned.T).max() <= 1
