"""MATLAB imresize: gold LR sets, a slow literal reference, and properties."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import matlab_reference
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sisr.base.errors import ConfigError, ImageError
from sisr.base.images import modcrop, read_image
from sisr.lr.kernels import matlab
from sisr.lr.kernels.matlab import BORDERS, KERNELS, contributions, imresize

RNG = np.random.default_rng(3)
BORDER = st.sampled_from(sorted(BORDERS))
FACTOR = st.sampled_from([Fraction(1, s) for s in (2, 3, 4, 8)] + [Fraction(s) for s in (2, 3, 4)])
RATIO = st.fractions(min_value=Fraction(1, 6), max_value=4, max_denominator=7)


@st.composite
def images(draw: st.DrawFn, longest: int = 24) -> np.ndarray:
    """uint8, gray or RGB, from 1x1; hypothesis fills with few values, so noise makes up half of them."""
    height, width = draw(st.integers(1, longest)), draw(st.integers(1, longest))
    shape = (height, width) if draw(st.booleans()) else (height, width, 3)
    if draw(st.booleans()):
        return draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 127, 128, 254, 255])))
    return np.random.default_rng(draw(st.integers(0, 2**32))).integers(0, 256, shape, dtype=np.uint8)


# --- gold -----------------------------------------------------------------------------------------------


@pytest.mark.mirror
@pytest.mark.parametrize(("dataset", "scale", "count"), [("Set5", 2, 5), ("Set5", 4, 5), ("Set14", 2, 14)])
def test_no_value_differs_from_matlab(gold: Path, dataset: str, scale: int, count: int) -> None:
    # MATLAB's own output, as distributed with PAN
    files = sorted((gold / dataset / "HR").glob("*.png"))
    assert len(files) == count
    for file in files:
        expected = read_image(gold / dataset / "LR_bicubic" / f"X{scale}" / f"{file.stem}x{scale}.png").array
        lr = imresize(modcrop(read_image(file).array, scale), Fraction(1, scale))
        assert lr.shape == expected.shape, file.stem
        assert np.count_nonzero(lr != expected) == 0, file.stem


@pytest.mark.mirror
def test_gold_sets_crop_before_they_resize(gold: Path) -> None:
    # comic is 250x361: MATLAB's output size without a crop would be ceil(361 / 2) = 181 rows
    hr = read_image(gold / "Set14/HR/comic.png").array
    expected = read_image(gold / "Set14/LR_bicubic/X2/comicx2.png").array
    uncropped = imresize(hr, 0.5)
    assert (hr.shape[0], expected.shape[0], uncropped.shape[0]) == (361, 180, 181)
    assert np.count_nonzero(uncropped[:180] != expected) == 220


# --- against the literal reference ----------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(images(), FACTOR, BORDER)
def test_equals_the_literal_reference(image: np.ndarray, factor: Fraction, border: str) -> None:
    expected = matlab_reference.imresize(image, factor.numerator, factor.denominator, border)
    assert np.array_equal(imresize(image, factor, border), expected)


@settings(max_examples=40, deadline=None)
@given(images(12), RATIO, BORDER)
def test_equals_the_literal_reference_at_any_ratio(image: np.ndarray, factor: Fraction, border: str) -> None:
    expected = matlab_reference.imresize(image, factor.numerator, factor.denominator, border)
    assert np.array_equal(imresize(image, factor, border), expected)


@settings(max_examples=60, deadline=None)
@given(images(20), FACTOR, BORDER, st.sampled_from(["linear", "box", "lanczos3"]))
def test_other_kernels_equal_the_literal_reference(
    image: np.ndarray, factor: Fraction, border: str, kernel: str
) -> None:
    expected = matlab_reference.imresize(image, factor.numerator, factor.denominator, border, kernel)
    assert np.array_equal(imresize(image, factor, border, kernel), expected)


def test_lanczos_is_a_sinc_windowed_by_a_sinc() -> None:
    x = np.array([-3, -2.5, -1, -1 / 3, 0, 0.5, 2, 2.999, 3])
    expected = np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)
    np.testing.assert_allclose(matlab.lanczos3(x), expected, atol=1e-14)


@settings(max_examples=40, deadline=None)
@given(images(12), FACTOR, BORDER)
def test_floats_equal_the_literal_reference(image: np.ndarray, factor: Fraction, border: str) -> None:
    values = image / 7 - 10
    expected = matlab_reference.imresize(values, factor.numerator, factor.denominator, border)
    result = imresize(values, factor, border)
    assert result.dtype == np.float64
    assert np.array_equal(result, expected)


@pytest.mark.parametrize("factor", [Fraction(1, 8), Fraction(1, 4), Fraction(1, 2), Fraction(2), Fraction(4)])
@pytest.mark.parametrize("border", sorted(BORDERS))
def test_matrix_products_equal_ordered_sums_on_a_large_image(factor: Fraction, border: str) -> None:
    # needs several blocks, several products a block and several strips, the last of each a partial one
    height, width = (1300, 1700) if factor < 1 else (165, 450)
    image = RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)
    image[RNG.random(image.shape) < 0.3] = 255
    rows, columns = (matlab._axis(n, factor, "cubic", True) for n in (height, width))
    assert rows.matrix is not None and columns.matrix is not None
    expected = matlab._resize_ordered(image, rows, columns, border)
    assert np.array_equal(imresize(image, factor, border), expected)


@settings(max_examples=150, deadline=None)
@example(np.zeros((1, 1, 3), np.uint8), Fraction(1, 8), "mirror", "cubic", False)
@given(images(40), FACTOR, BORDER, st.sampled_from(["cubic", "linear", "box"]), st.booleans())
def test_matrix_products_equal_ordered_sums_for_every_kernel(
    image: np.ndarray, factor: Fraction, border: str, kernel: str, antialias: bool
) -> None:
    cube = image.reshape(*image.shape[:2], -1)
    rows, columns = (matlab._axis(n, factor, kernel, antialias) for n in image.shape[:2])
    expected = matlab._resize_ordered(cube, rows, columns, border).reshape(-1)
    assert np.array_equal(imresize(image, factor, border, kernel, antialias).reshape(-1), expected)


def test_which_weights_are_exact() -> None:
    def exact(factor: Fraction) -> object:
        matrix = matlab._axis(64, factor, "cubic", True).matrix
        return None if matrix is None else matrix.dtype.type

    for factor in (Fraction(1, 2), Fraction(1, 4), Fraction(2), Fraction(4), Fraction(8)):
        assert exact(factor) is np.float32
    assert exact(Fraction(1, 8)) is np.float64  # 255 * 1.09 * 2**16 > 2**24
    assert exact(Fraction(1, 3)) is exact(Fraction(3)) is None


@pytest.mark.parametrize(
    ("weights", "exact"),
    [
        ([[65793 * 2.0**-16]], np.float32),  # 255 * 65793 is 2**24 - 1
        ([[65795 * 2.0**-16]], np.float64),  # and 255 * 65795 is odd and above 2**24
        ([[0.5, 0.0], [65795 * 2.0**-16, 0.5]], np.float64),  # one row is enough
        ([[-65795 * 2.0**-16, 0.5]], np.float64),  # and so is the size of a negative weight
        ([[52_981_012_112_413 * 2.0**-32]], None),  # 255 times it is odd and above 2**53
        ([[2.0**20 + 2.0**-32]], None),  # 255 times it has 60 bits
        ([[1 / 3, 2 / 3]], None),
    ],
)
def test_the_type_of_exact_sums_holds_every_product(weights: list[list[float]], exact: type | None) -> None:
    """Against Python's fractions: 255 times the row that adds up to most is a number of the type."""
    found = matlab._exact_dtype(np.array(weights))
    assert found is exact
    largest = max(sum(abs(Fraction(weight)) for weight in row) for row in weights)
    for kind, fits in ((np.float32, exact is np.float32), (np.float64, exact is not None)):
        assert (Fraction(float(kind(float(255 * largest)))) == 255 * largest) >= fits


def test_keeping_floats_between_the_passes_is_another_thing() -> None:
    # the difference that MATLAB's rounding makes, which most ports miss; 14 % of values on Set5
    image = RNG.integers(0, 256, (128, 128), dtype=np.uint8)
    floats = np.floor(np.clip(imresize(image.astype(float), 0.5), 0, 255) + 0.5)
    differing = np.mean(floats != imresize(image, 0.5))
    assert 0.05 < differing < 0.3


# --- weights --------------------------------------------------------------------------------------------


def test_weights_of_a_half_by_hand() -> None:
    # cubic(d / 2) / 2 at d = 0.5, 1.5, 2.5, 3.5: Keys' polynomial with a = -0.5
    first, weights = contributions(8, 4, 0.5, KERNELS["cubic"], True)
    half = [111 / 256, 29 / 256, -9 / 256, -3 / 256]
    assert first.tolist() == [-3, -1, 1, 3]
    assert weights[0].tolist() == half[::-1] + half


@pytest.mark.parametrize("kernel", sorted(KERNELS))
@pytest.mark.parametrize("scale", [1 / 4, 1 / 3, 0.7, 1.0, 1.5, 4.0])
def test_weights_sum_to_one(kernel: str, scale: float) -> None:
    _, weights = contributions(30, 30, scale, KERNELS[kernel], True)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=0, atol=1e-15)


def test_box_takes_the_mean_and_repeats() -> None:
    image = RNG.integers(0, 256, (8, 12)).astype(float)
    means = image.reshape(2, 4, 3, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(imresize(image, 0.25, kernel="box"), means, atol=1e-12)
    assert np.array_equal(imresize(image, 2, kernel="box"), image.repeat(2, 0).repeat(2, 1))


def test_without_antialias_shrinking_reads_four_samples() -> None:
    # at 1/2 every LR sample lies midway between HR samples: cubic(0.5), cubic(1.5) = 9/16, -1/16
    row = np.arange(16.0) ** 2
    expected = (9 * (row[6] + row[7]) - (row[5] + row[8])) / 16
    assert imresize(np.tile(row, (8, 1)), 0.5, antialias=False)[2, 3] == expected


# --- properties -----------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), RATIO, BORDER, st.integers(0, 255))
def test_constant_stays_constant_and_size_is_ceil(h: int, w: int, f: Fraction, border: str, v: int) -> None:
    result = imresize(np.full((h, w), v, np.uint8), f, border)
    assert result.shape == (-(-h * f.numerator // f.denominator), -(-w * f.numerator // f.denominator))
    assert (result == v).all()


@settings(max_examples=60, deadline=None)
@given(images(16), st.sampled_from([Fraction(1, 2), Fraction(1, 4), Fraction(2), Fraction(4)]), BORDER)
def test_flipping_and_resizing_commute(image: np.ndarray, factor: Fraction, border: str) -> None:
    image = image[: image.shape[0] // 4 * 4, : image.shape[1] // 4 * 4]
    if image.size:
        resized = imresize(image, factor, border)
        assert np.array_equal(imresize(image[::-1], factor, border), resized[::-1])
        assert np.array_equal(imresize(image[:, ::-1], factor, border), resized[:, ::-1])


@settings(max_examples=30, deadline=None)
@given(images(16), FACTOR, BORDER)
def test_channels_are_independent(image: np.ndarray, factor: Fraction, border: str) -> None:
    if image.ndim == 3:
        planes = [imresize(image[..., c], factor, border) for c in range(3)]
        assert np.array_equal(imresize(image, factor, border), np.dstack(planes))


def test_borders_differ_only_near_the_border() -> None:
    image = RNG.integers(0, 256, (64, 64), dtype=np.uint8)
    differs = imresize(image, 0.25, "mirror") != imresize(image, 0.25, "replicate")
    assert differs.any() and not differs[2:-2, 2:-2].any()


def test_float32_and_other_numbers_of_channels() -> None:
    image = RNG.random((9, 7, 2), dtype=np.float32)
    result = imresize(image, 4)
    assert result.dtype == np.float32 and result.shape == (36, 28, 2)
    np.testing.assert_allclose(result, imresize(image.astype(float), 4), atol=1e-6)


def test_a_float_scale_means_its_fraction() -> None:
    image = RNG.integers(0, 256, (27, 33), dtype=np.uint8)
    for number, fraction in ((1 / 3, Fraction(1, 3)), (0.25, Fraction(1, 4)), (1.1, Fraction(11, 10))):
        assert np.array_equal(imresize(image, number), imresize(image, fraction))
    assert imresize(np.zeros((10, 10), np.uint8), 1.1).shape == (11, 11)


def test_scale_one_is_identity() -> None:
    image = RNG.integers(0, 256, (13, 17, 3), dtype=np.uint8)
    assert np.array_equal(imresize(image, 1), image)


# --- errors ---------------------------------------------------------------------------------------------


def test_bad_arguments() -> None:
    image = np.zeros((8, 8), np.uint8)
    with pytest.raises(ConfigError, match="unknown border 'miror'; did you mean 'mirror'"):
        imresize(image, 0.5, "miror")
    with pytest.raises(ConfigError, match="unknown kernel 'cubik'"):
        imresize(image, 0.5, kernel="cubik")
    for scale in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="scale must be positive"):
            imresize(image, scale)
    for wrong in (image.astype(np.uint16), image[:0], image[0]):
        with pytest.raises(ImageError, match="imresize: expected"):
            imresize(wrong, 0.5)
