"""Images of odd shapes and sizes, through every kernel: a right answer or one clear error."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sisr.base import registry
from sisr.base.errors import ImageError
from sisr.lr import kernels
from sisr.lr.degrade import degrade

ENTRIES = registry.load("kernels")
#: Kernels that add no noise.
CLEAN = [kernel for kernel in ENTRIES if not kernel.startswith(("dn", "bsrgan", "realesrgan"))]
#: One kernel of every function.
FUNCTIONS = sorted({entry["function"]: kernel for kernel, entry in ENTRIES.items()}.values())


def scales_of(kernel: str) -> list[int]:
    return [scale for scale in (2, 3, 4) if str(scale) in ENTRIES[kernel].get("per_scale", str(scale))]


@settings(max_examples=15, deadline=None)
@given(st.data(), st.integers(1, 12), st.integers(1, 12), st.integers(0, 255), st.booleans())
@pytest.mark.parametrize("kernel", sorted(ENTRIES))
def test_any_size_down_to_one_lr_pixel(
    kernel: str, data: st.DataObject, rows: int, columns: int, value: int, colour: bool
) -> None:
    """Also 1 x N, N x 1 and images smaller than the kernel: size, type, and constants where none is added."""
    scale = data.draw(st.sampled_from(scales_of(kernel)))
    shape = (rows * scale, columns * scale, 3) if colour else (rows * scale, columns * scale)
    lr = kernels.apply(kernel, np.full(shape, value, np.uint8), scale, "key")
    assert lr.shape == (rows, columns, *shape[2:])
    assert lr.dtype == np.uint8
    if kernel in CLEAN:
        # JPEG 30 stores the mean of 8 x 8 pixels in steps of 27 / 8
        assert np.abs(lr.astype(int) - value).max() <= (2 if kernel.startswith("jpeg") else 0)


@settings(max_examples=8, deadline=None)
@given(st.data(), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32))
@pytest.mark.parametrize("kernel", CLEAN)
def test_gray_is_one_channel_of_replicated_colour(
    kernel: str, data: st.DataObject, rows: int, columns: int, seed: int
) -> None:
    scale = data.draw(st.sampled_from(scales_of(kernel)))
    gray = np.random.default_rng(seed).integers(0, 256, (rows * scale, columns * scale), dtype=np.uint8)
    lr = kernels.apply(kernel, gray, scale, "key")
    colour = kernels.apply(kernel, np.dstack([gray] * 3), scale, "key")
    for channel in range(3):
        assert np.array_equal(colour[..., channel], lr)


@pytest.mark.parametrize("kernel", sorted(ENTRIES))
def test_a_view_is_as_good_as_an_array(kernel: str) -> None:
    whole = np.random.default_rng(1).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    whole.flags.writeable = False
    view = whole[1:49, 3:67][::-1]
    assert np.array_equal(
        kernels.apply(kernel, view, 4, "key"), kernels.apply(kernel, np.ascontiguousarray(view), 4, "key")
    )


@pytest.mark.parametrize("kernel", FUNCTIONS)
@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((8, 8), np.uint16), r"uint16 \(8, 8\)"),
        (np.zeros((8, 8, 3), np.float64), r"float64 \(8, 8, 3\)"),
        (np.zeros((8, 8, 4), np.uint8), r"uint8 \(8, 8, 4\)"),
        (np.zeros((0, 8), np.uint8), r"uint8 \(0, 8\)"),
        (np.zeros(8, np.uint8), r"uint8 \(8,\)"),
    ],
)
def test_what_is_no_8_bit_image(kernel: str, image: np.ndarray, found: str) -> None:
    # 16-bit files are reduced to 8 bits when they are read (sisr.base.images)
    with pytest.raises(ImageError, match=rf"kernel '{kernel}': expected a uint8 image .*, found {found}"):
        kernels.apply(kernel, image, 2, "key")


@pytest.mark.parametrize("shape", [(1, 64), (64, 1), (3, 3), (1, 1)])
def test_an_image_without_two_lr_pixels_a_side_is_named(shape: tuple[int, int]) -> None:
    size = f"{shape[1]}x{shape[0]}"
    with pytest.raises(ImageError, match=f"tiny: expected at least 4x4 pixels for x2, found {size}"):
        degrade(np.zeros(shape, np.uint8), "bd", 2, "tiny")


_MEASURE = """
import sys
import numpy as np
from sisr.lr import kernels
from sisr.base.peak_memory import high_mark
def peak(side):
    rows = np.random.default_rng(0).integers(0, 256, (64, side, 3), dtype=np.uint8)
    kernels.apply(sys.argv[1], np.tile(rows, (side // 64, 1, 1)), 4, sys.argv[2])
    return high_mark()
print(peak(64), peak(2048))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process's own high mark")
@pytest.mark.parametrize("kernel", FUNCTIONS)
def test_an_image_of_8k_by_8k_fits_into_2_gigabytes(kernel: str) -> None:
    """Peak memory of 2k x 2k, less that of a tiny image (libraries), times 16."""
    # draw 9 of Real-ESRGAN enlarges by 1.49 of at most 1.5
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, kernel, "9"], capture_output=True, text=True, check=True, timeout=300
    )
    libraries, small = map(int, done.stdout.split())
    # what strips take, up to 0.2 GB, does not grow with the image
    growing = max(small - libraries - 200e6, 3 * 2048**2)
    assert libraries + 200e6 + 16 * growing < 2e9, f"{libraries / 1e6:.0f} MB, then {small / 1e6:.0f} MB"
