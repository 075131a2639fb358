"""Pixel art: Scale2x by hand and by the rule pixel by pixel, areas and shares in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sisr.lr.kernels.matlab import imresize
from sisr.models.model_entries import get
from sisr.studies import pixel_art as study
from sisr.studies.common import chosen, mean
from sisr.studies.sprites import SPRITES, Sprite, ellipse, polygon
from sisr.upscaling.engines import Upscaler

SMALL = arrays(np.int64, st.tuples(st.integers(1, 7), st.integers(1, 7)), elements=st.integers(0, 2))


def by_the_rule(labels: np.ndarray) -> np.ndarray:
    """The four published conditions as they are written, one pixel after the other.

    https://www.scale2x.it/algorithm: E0 = D == B && B != F && D != H ? D : E, and so on.
    """
    height, width = labels.shape
    large = np.empty((2 * height, 2 * width), labels.dtype)
    for i in range(height):
        for j in range(width):
            e = labels[i, j]
            b, h = labels[max(i - 1, 0), j], labels[min(i + 1, height - 1), j]
            d, f = labels[i, max(j - 1, 0)], labels[i, min(j + 1, width - 1)]
            large[2 * i, 2 * j] = d if d == b and b != f and d != h else e
            large[2 * i, 2 * j + 1] = f if b == f and b != d and f != h else e
            large[2 * i + 1, 2 * j] = d if d == h and d != b and h != f else e
            large[2 * i + 1, 2 * j + 1] = f if h == f and d != h and b != f else e
    return large


def test_scale2x_of_a_stair_by_hand() -> None:
    """Worked by hand: the corner of each step is cut, the notch below it is filled."""
    stair = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    # (0, 1): B 0, H 1, D 1, F 0: bottom left D.  (1, 1): B 0, H 1, D 1, F 0: top right F, bottom left D.
    # (1, 2): F is the edge's 0: bottom left D.  All others have B = H or D = F.
    expected = [
        [1, 1, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 1],
    ]
    np.testing.assert_array_equal(study.scale2x(stair), expected)


@settings(deadline=None, max_examples=200)
@given(labels=SMALL)
def test_scale2x_is_the_published_rule(labels: np.ndarray) -> None:
    np.testing.assert_array_equal(study.scale2x(labels), by_the_rule(labels))


@settings(deadline=None, max_examples=50)
@given(labels=SMALL)
def test_scale2x_turns_with_the_image_and_invents_nothing(labels: np.ndarray) -> None:
    large = study.scale2x(labels)
    for turns in range(4):
        np.testing.assert_array_equal(study.scale2x(np.rot90(labels, turns)), np.rot90(large, turns))
    np.testing.assert_array_equal(study.scale2x(labels[:, ::-1]), large[:, ::-1])
    assert set(large.flat) <= set(labels.flat)


def test_straight_edges_stay() -> None:
    edge = np.repeat([[0, 0, 1, 1, 1]], 4, axis=0)
    np.testing.assert_array_equal(study.scale2x(edge), edge.repeat(2, axis=0).repeat(2, axis=1))


@pytest.mark.parametrize("sprite", SPRITES, ids=lambda sprite: sprite.name)
def test_sprites_use_their_palette_on_16_x_16(sprite: Sprite) -> None:
    labels = sprite.labels()
    assert labels.shape == (16, 16)
    assert set(labels.flat) == set(range(len(sprite.palette)))
    assert len(np.unique(sprite.palette, axis=0)) == len(sprite.palette)
    if sprite.outlined:
        assert sprite.labels(4).shape == (64, 64)
    else:
        with pytest.raises(ValueError, match="there is no larger one"):
            sprite.labels(2)


def test_outlines_have_their_areas() -> None:
    """A disc's and a polygon's area by counting centres; the triangle's is half of base times height."""
    palette = np.zeros((2, 3), np.uint8)
    disc = Sprite("disc", palette, ((ellipse(8, 8, 6), 1),)).labels(32)
    assert disc.mean() * 256 == pytest.approx(np.pi * 36, rel=2e-3)
    triangle = Sprite("triangle", palette, ((polygon((1, 2), (13, 2), (4, 12)), 1),)).labels(32)
    assert triangle.mean() * 256 == pytest.approx(12 * 10 / 2, rel=2e-3)


def test_shares_and_snapping_in_closed_form() -> None:
    palette = np.array([[0, 0, 0], [200, 0, 0]], np.uint8)
    image = np.array([[[0, 0, 0], [200, 0, 0], [99, 0, 0], [101, 9, 0]]], np.uint8)
    assert study.mixed(image, palette) == 0.5
    np.testing.assert_array_equal(study.snap(image, palette), [[0, 1, 0, 1]])
    assert study.quality(image, image) == np.inf
    # One of twelve values off by 51 of 255: MSE = 0.04 / 12.
    other = image.copy()
    other[0, 0, 0] = 51
    assert study.quality(image, other) == pytest.approx(-10 * np.log10(0.04 / 12))


def test_study_of_a_method_that_smooths() -> None:
    """Bicubic as if it were a network: its rows are bicubic's, and its findings are told as a network's."""

    def bicubic(scale: int) -> Upscaler:
        def enlarge(lr: np.ndarray) -> np.ndarray:
            return imresize(lr, scale)

        return Upscaler(enlarge, enlarge)

    result = study.measure({scale: [(get("imdn"), bicubic(scale))] for scale in study.SCALES})
    assert result.network == "IMDN"
    for scale in study.SCALES:
        for method in (study.NEAREST, study.SCALE2X):
            assert mean(result.rows, part=f"x{scale}", method=method, measure=study.MIXED) == 0
        same = [
            [row.value for row in chosen(result.rows, part=f"x{scale}", method=method)]
            for method in ("IMDN", study.BICUBIC)
        ]
        assert same[0] == same[1]
        wrong = {
            m: mean(result.rows, part=f"x{scale}", method=m, measure=study.WRONG) for m in study.CLASSICAL
        }
        assert wrong[study.SCALE2X] < wrong[study.NEAREST] < wrong[study.BICUBIC]
    assert any("0.0 dB above bicubic" in sentence for sentence in study.findings(result))


def test_study_without_networks() -> None:
    result = study.measure({})
    assert result.network is None
    assert len(study.findings(result)) == 1
    assert set(result.images["coin"]) == set(study.CLASSICAL)
