"""Upscaling layers: one result three ways, checkerboards in closed form, and what unpooling cannot do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sisr.studies import upscaling_layers as study
from sisr.studies.common import crop


@settings(deadline=None, max_examples=40)
@given(
    scale=st.sampled_from([2, 3, 4]),
    kernel=st.integers(1, 13),
    inputs=st.integers(1, 4),
    outputs=st.integers(1, 4),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_three_layers_are_one(
    scale: int, kernel: int, inputs: int, outputs: int, height: int, width: int
) -> None:
    """Equal to 1e-6 at x2, x3 and x4, for kernels of any size, also below the scale."""
    if kernel < scale:  # phases without a weight are zeros that the transposed convolution does not write
        kernel += scale - kernel
    made = torch.Generator().manual_seed(kernel)
    x = torch.rand((2, inputs, height, width), generator=made)
    weight = torch.randn((inputs, outputs, kernel, kernel), generator=made)
    expected = study.transposed(x, weight, scale)
    assert expected.shape == (2, outputs, height * scale, width * scale)
    for layer in (study.zero_insertion, study.pixel_shuffle):
        found = layer(x, weight, scale)
        assert (found - expected).abs().max() <= 1e-6 * max(1.0, float(expected.abs().max()))


def test_equality_of_the_report_is_within_a_millionth() -> None:
    rows = study.equality()
    assert {row.part for row in rows} == {
        f"equality x{scale}, {kind}" for scale in (2, 3, 4) for kind in ("float32", "float64")
    }
    assert max(row.value for row in rows if row.part.endswith("float32")) < 1e-6
    assert max(row.value for row in rows if row.part.endswith("float64")) < 1e-14


def test_weights_before_a_shuffle_are_the_same_numbers() -> None:
    weight = torch.randn(3, 5, 6, 6)
    rearranged, *_ = study.shuffle_weight(weight, 2)
    moved = rearranged[rearranged != 0]
    assert sorted(moved.tolist()) == sorted(weight.flatten().tolist())


@pytest.mark.parametrize(
    # Overlaps of an axis are ceil((k - p) / s) for phase p (Odena et al., Distill 2016).
    ("kernel", "scale", "overlaps"),
    [
        (3, 2, [2, 1]),
        (4, 2, [2, 2]),
        (5, 2, [3, 2]),
        (4, 3, [2, 1, 1]),
        (6, 3, [2, 2, 2]),
        (5, 4, [2, 1, 1, 1]),
    ],
)
def test_ripple_counts_overlaps(kernel: int, scale: int, overlaps: list[int]) -> None:
    sums = study.phase_sums(study.flat(kernel), scale)
    np.testing.assert_array_equal(sums, np.outer(overlaps, overlaps))
    expected = (max(overlaps) ** 2 - min(overlaps) ** 2) / np.outer(overlaps, overlaps).mean()
    assert study.ripple(study.flat(kernel), scale) == pytest.approx(expected)
    constant = study.enlarge(np.ones((12, 12)), study.flat(kernel), scale)
    middle = constant[4 * scale : -4 * scale, 4 * scale : -4 * scale]
    assert (middle.max() - middle.min()) / middle.mean() == pytest.approx(expected)


@pytest.mark.parametrize("scale", study.SCALES)
def test_balancing_and_equal_phases_leave_no_checkerboard(scale: int) -> None:
    kernel = np.random.default_rng(0).random((2 * scale + 1, 2 * scale + 1))
    assert study.ripple(study.balanced(kernel, scale), scale) < 1e-12
    spread = study.initial(scale)
    assert spread["random weights"] > 0.8
    assert spread["same weights in every phase"] < 1e-12


def test_fit_finds_the_kernel_that_made_a_image() -> None:
    rng = np.random.default_rng(0)
    small, kernel = rng.random((40, 40)), rng.random((5, 5))
    # The fit is circular: the image is made from a periodic one.
    tiled = study.enlarge(np.tile(small, (3, 3)), kernel, 2)[80:160, 80:160]
    np.testing.assert_allclose(study.best_kernel(tiled, small, 5, 2), kernel, atol=1e-10)


def test_odd_kernels_cannot_be_trained_out_of_their_checkerboard() -> None:
    from sisr.lr.kernels.matlab import imresize
    from skimage.data import coffee

    truth = crop("coffee", coffee(), 192).luma
    small = imresize(truth, 0.5)
    gaps = {}
    for kernel in (3, 4):
        found = study.enlarge(small, study.best_kernel(truth, small, kernel, 2), 2)
        gaps[kernel] = np.ptp(study.phase_errors(truth, found, 2))
    assert gaps[3] > 2 * gaps[4] > 0


def test_unpooling_puts_maxima_back_and_ends_at_the_pooled_size() -> None:
    image = np.random.default_rng(0).random((24, 24)) + 0.1
    pooled, back = study.unpool(image, 2)
    assert back.shape == image.shape
    assert np.mean(back != 0) == pytest.approx(0.25)
    np.testing.assert_array_equal(back[back != 0], image[back != 0])
    # Places of maxima exist for an image that was pooled; beyond its size torch refuses to unpool.
    x, places = torch.nn.functional.max_pool2d(torch.tensor(image)[None, None], 2, return_indices=True)
    with pytest.raises((RuntimeError, ValueError)):
        torch.nn.functional.max_unpool2d(x, places, 2, output_size=(48, 48))
    assert pooled.shape == (12, 12)
