"""Networks of a fixed input size on larger images: the whole, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage
from sisr.base.errors import ModelError
from sisr.upscaling.engines.windows import Windowed

Planes = Callable[[np.ndarray], np.ndarray]

RNG = np.random.default_rng(3)
IMAGE = RNG.random((3, 62, 77), dtype=np.float32)


def twice(planes: np.ndarray) -> np.ndarray:
    return planes.repeat(2, 1).repeat(2, 2)


def convolution(reach: int, mode: str = "constant") -> Planes:
    """Of random weights, then twice as large; at the border as ``mode`` says."""
    weights = RNG.standard_normal((2 * reach + 1, 2 * reach + 1)).astype(np.float32) / (2 * reach + 1)
    return lambda planes: twice(np.stack([ndimage.correlate(one, weights, mode=mode) for one in planes]))


def halved(planes: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 pixels, each of which then is four as wide."""
    small = planes.reshape(len(planes), planes.shape[1] // 2, 2, planes.shape[2] // 2, 2).mean(axis=(2, 4))
    return small.repeat(4, 1).repeat(4, 2)


def of_size(run: Planes, height: int | None, width: int | None) -> Windowed:
    def fixed(planes: np.ndarray) -> np.ndarray:
        assert planes.shape[1] == (height or planes.shape[1]) and planes.shape[2] == (
            width or planes.shape[2]
        )
        return run(planes)

    return Windowed(fixed, (height, width), 2, 3, 1, "net.onnx")


@pytest.mark.parametrize("size", [(24, 32), (24, None), (None, 20), (62, 30), (62, 77), (61, 76)])
@pytest.mark.parametrize("mode", ["constant", "reflect"])
@pytest.mark.parametrize("reach", [0, 1, 4])
def test_windows_give_the_whole(size: tuple[int | None, int | None], mode: str, reach: int) -> None:
    run = convolution(reach, mode)
    assert np.allclose(of_size(run, *size)(IMAGE), run(IMAGE), rtol=0, atol=1e-6)


def test_windows_lie_where_the_network_does_the_same() -> None:
    even = IMAGE[:, :, :76]
    assert np.array_equal(of_size(halved, 16, 24)(even), halved(even))
    with pytest.raises(ModelError, match=r"takes 24x16 only, not 77x62, .* multiple of 2 pixels apart"):
        of_size(halved, 16, 24)(IMAGE)


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (convolution(12), "it looks too far"),
        (lambda planes: twice(planes - planes.mean()), "it looks too far"),
        (lambda planes: twice(planes + np.arange(24)[:, None]), "or is not the same everywhere"),
        # What noise does not show: something else for dark images.
        (
            lambda planes: twice(planes + planes.mean() * (planes.max() < 0.6)),
            "neighbouring windows differ by",
        ),
        (lambda planes: planes, r"gives \(3, 24, 24\) for it, which is not x2"),
    ],
)
def test_what_windows_cannot_give_is_refused(run: Planes, why: str) -> None:
    with pytest.raises(ModelError, match=f"net.onnx: takes 24x24 only, .*{why}"):
        of_size(run, 24, 24)(IMAGE / 2)


def test_an_image_smaller_than_the_window() -> None:
    with pytest.raises(ModelError, match="takes 24x80 only, not 77x62, also not in windows: no window fits"):
        of_size(twice, 80, 24)(IMAGE)
