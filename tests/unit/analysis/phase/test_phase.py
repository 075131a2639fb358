"""The two measurements of shift, on shifts that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from sisr.analysis.phase import TOLERANCE, image_shift, ramp_shift
from sisr.base import registry
from sisr.base.colour import rgb_to_y
from sisr.lr import kernels
from skimage import data
from skimage.registration import phase_cross_correlation

IMAGES = {"astronaut": data.astronaut(), "coffee": data.coffee(), "camera": data.camera()}


def reduced(image: np.ndarray, factor: int, down: int, right: int) -> np.ndarray:
    """Means of factor x factor pixels from an offset: an image that is (down, right) / factor pixels off."""
    height, width = ((side - 12) // factor * factor for side in image.shape[:2])
    part = image[down : down + height, right : right + width].astype(float)
    blocks = part.reshape(height // factor, factor, width // factor, factor, *image.shape[2:])
    return np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)


# --- registration of images ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize(("down", "right"), [(0, 0), (1, 0), (0, 3), (2, 2), (3, 1), (4, 7), (-3, 2)])
def test_shifts_of_quarters_of_a_pixel_are_found(name: str, down: int, right: int) -> None:
    # The offset is a whole number of pixels of the large image, so the truth needs no interpolation.
    hr, moved = reduced(IMAGES[name], 4, 4, 0), reduced(IMAGES[name], 4, 4 + down, right)
    for scale in (1, 2):
        found = image_shift(hr, moved, 1, scale)
        assert found == pytest.approx((down / 4, right / 4), abs=0.006)


def test_it_is_nearer_than_phase_correlation() -> None:
    """scikit-image's registration on the same pairs: why this is not a call of it."""
    own, theirs = [], []
    for image in IMAGES.values():
        hr, moved = reduced(image, 4, 0, 0), reduced(image, 4, 1, 2)
        window = np.outer(*(np.hanning(side) for side in hr.shape[:2]))
        planes = [(rgb_to_y(image) - rgb_to_y(image).mean()) * window for image in (hr, moved)]
        shift, _, _ = phase_cross_correlation(*planes, upsample_factor=100)
        theirs.append(np.abs(shift - [0.25, 0.5]).max())
        own.append(np.abs(np.subtract(image_shift(hr, moved, 1, 1), [0.25, 0.5])).max())
    assert max(own) < 0.006
    assert max(theirs) > TOLERANCE


def test_blur_contrast_and_noise_do_not_move_a_image() -> None:
    hr = reduced(IMAGES["astronaut"], 2, 0, 0)
    blurred = ndimage.gaussian_filter(hr, (2, 2, 0)) * 0.6 + 40
    noise = np.random.default_rng(1).normal(0, 8, hr.shape)
    found = image_shift(hr, np.clip(blurred + noise, 0, 255).astype(np.uint8), 1, 4)
    assert found == pytest.approx((0, 0), abs=TOLERANCE)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("kernel", ["matlab-bicubic", "pillow-bicubic", "opencv-area", "opencv-nearest"])
def test_lr_images_and_their_enlargements(kernel: str, scale: int) -> None:
    hr = IMAGES["coffee"][: 400 - 400 % scale, : 600 - 600 % scale]
    lr = kernels.apply(kernel, hr, scale)
    expected = kernels.phase(registry.entry("kernels", kernel), scale)
    # Without antialiasing a single image is off by some hundredths.
    abs_ = 0.05 if kernel == "opencv-nearest" else 0.01
    found = image_shift(hr, lr, scale, scale)
    assert found == pytest.approx(expected, abs=abs_)
    sr = lr.repeat(scale, axis=0).repeat(scale, axis=1)
    assert image_shift(hr, sr, 1, scale) == pytest.approx(found, abs=TOLERANCE)


def test_a_flipped_image_has_the_opposite_shift() -> None:
    hr = IMAGES["camera"]
    lr = kernels.apply("opencv-nearest", hr, 4)
    down, right = image_shift(hr, lr, 4, 4)
    flipped = image_shift(hr[::-1, ::-1].copy(), lr[::-1, ::-1].copy(), 4, 4)
    assert flipped == pytest.approx((-down, -right), abs=1e-6)


@pytest.mark.parametrize(
    "hr",
    [
        np.full((64, 64), 7, np.uint8),
        np.tile(np.arange(64, dtype=np.uint8), (64, 1)),
        np.zeros((12, 12, 3), np.uint8),
    ],
    ids=["flat", "rows alike", "small"],
)
def test_images_that_cannot_tell_give_nan(hr: np.ndarray) -> None:
    assert np.isnan(image_shift(hr, hr, 1, 2)).all()


# --- ramps ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [3, 9, 21])
def test_ramps_give_the_centroid_of_any_kernel(scale: int, size: int) -> None:
    weights = np.random.default_rng(size).random((size, size)) ** 4
    weights /= weights.sum()
    first = scale // 2  # every scale-th pixel from here on

    def downsample(hr: np.ndarray, key: str) -> np.ndarray:
        filtered = ndimage.correlate(hr.astype(float), weights, mode="nearest")
        return np.rint(filtered[first::scale, first::scale]).astype(np.uint8)

    centroid = np.array(ndimage.center_of_mass(weights)) - size // 2
    expected = centroid + first - (scale - 1) / 2
    found = ramp_shift(downsample, scale)
    assert found[:2] == pytest.approx(expected, abs=TOLERANCE)


def test_random_downsampling_has_an_error() -> None:
    def downsample(hr: np.ndarray, key: str) -> np.ndarray:
        rng = np.random.default_rng(list(key.encode()))
        down, right = rng.integers(0, 4, 2)
        return np.ascontiguousarray(hr[down::4, right::4])

    found = ramp_shift(downsample, 4)
    # Student's t for 99.9 % and 15 degrees of freedom is 4.073; places -1.5, -0.5, 0.5, 1.5 spread by 1.118.
    assert found.down_error == pytest.approx(4.073 * 1.118 / np.sqrt(16), rel=0.35)
    assert abs(found.down) < found.down_error
    exact = ramp_shift(lambda hr, key: np.ascontiguousarray(hr[::4, ::4]), 4)
    assert exact == pytest.approx((-1.5, -1.5, 0, 0), abs=TOLERANCE)
