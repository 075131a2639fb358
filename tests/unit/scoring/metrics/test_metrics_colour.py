from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sisr.base import colour


def random_image(height: int = 70, width: int = 33, seed: int = 0) -> colour.Uint8Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("rgb", "expected"),
    [
        # MATLAB: rgb2ycbcr(uint8(cat(3, r, g, b))) documents black (16, 128, 128) and white (235, 128, 128);
        # red, green and blue are the columns of its matrix.
        ((0, 0, 0), (16, 128, 128)),
        ((255, 255, 255), (235, 128, 128)),
        ((255, 0, 0), (16 + 65.481, 128 - 37.797, 128 + 112)),
        ((0, 255, 0), (16 + 128.553, 128 - 74.203, 128 - 93.786)),
        ((0, 0, 255), (16 + 24.966, 128 + 112, 128 - 18.214)),
    ],
)
def test_ycbcr_of_primaries(rgb: tuple[int, int, int], expected: tuple[float, float, float]) -> None:
    image = np.array(rgb, np.uint8).reshape(1, 1, 3)
    assert colour.rgb_to_ycbcr(image)[0, 0] == pytest.approx(expected, abs=1e-12)
    assert colour.rgb_to_y(image)[0, 0] == pytest.approx(expected[0], abs=1e-12)


def test_ycbcr_round_trip() -> None:
    image = random_image()
    assert np.allclose(colour.ycbcr_to_rgb(colour.rgb_to_ycbcr(image)), image, atol=1e-10, rtol=0)


def test_luma_of_gray_is_luma_of_replicated_gray() -> None:
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for luma in colour.LUMAS.values():
        assert np.array_equal(luma.of(gray), luma.of(colour.replicate(gray)))
        assert np.array_equal(luma.full_range().of(colour.replicate(gray)), gray)


def test_limited_range_squeezes_gray_by_219_of_255() -> None:
    gray = np.array([[0, 255, 51]], np.uint8)
    assert colour.BT601.of(gray).tolist() == [[16.0, 235.0, pytest.approx(16 + 51 * 219 / 255, abs=1e-12)]]


def test_rounded_luma_is_rounded_half_up() -> None:
    image = random_image()
    assert np.array_equal(colour.BT601_UINT8.of(image), np.floor(colour.BT601.of(image) + 0.5))


@given(st.integers(1, 80), st.integers(1, 20))
def test_luma_does_not_depend_on_layout(height: int, width: int) -> None:
    image = random_image(height, width)
    luma = colour.BT601.of(image)
    assert luma.shape == (height, width)
    assert luma.dtype == np.float64
    assert np.array_equal(colour.BT601.of(image[::-1, ::-1])[::-1, ::-1], luma)
    assert np.array_equal(colour.BT601.of(np.asfortranarray(image)), luma)
