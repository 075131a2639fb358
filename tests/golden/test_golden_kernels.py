"""One model on the LR images of several kernels: the kernel decides more than the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from sisr.analysis.phase import image_shift
from sisr.lr import kernels
from sisr.scoring.metrics.fidelity import psnr
from test_published import load

pytestmark = pytest.mark.mirror

GetFiles = Callable[[str], Mapping[str, Path]]
SCALE = 4


# IMDN's own weights (Hui et al., ACM MM 2019; its table has 32.21 on MATLAB LR), measured on the same LR
# images independently of this code.  `opencv-nearest` takes the pixels that torch's nearest and
# hr[::4, ::4] take.
@pytest.mark.parametrize(
    ("kernel", "expected"),
    [
        ("matlab-bicubic", 32.21),
        ("pillow-bicubic", 32.21),
        ("pillow-lanczos", 31.56),
        ("opencv-area", 30.12),
        ("opencv-linear", 25.38),
        ("opencv-cubic", 23.65),
        ("opencv-nearest", 20.69),
    ],
)
def test_imdn_on_set5(kernel: str, expected: float, hr_images: Callable, get_files: GetFiles) -> None:
    imdn = load("imdn", SCALE, get_files)
    values, shifts = [], []
    for hr in hr_images("set5", SCALE):
        sr = imdn(kernels.apply(kernel, hr, SCALE))
        values.append(psnr(hr, sr, "y-bt601", SCALE))
        shifts.append(image_shift(hr, sr, 1, SCALE))
    assert np.mean(values) == pytest.approx(expected, abs=0.02)
    # The model keeps the grid of what it is given.
    phase = -1.5 if kernel == "opencv-nearest" else 0.0
    assert np.median(shifts, axis=0) == pytest.approx((phase, phase), abs=0.05)


# docs/robustness.md: the same LR images of an image that is moved, which is what a grid off the centre is.
@pytest.mark.parametrize(("shift", "expected"), [(0.1, 32.03), (0.5, 29.55)])
def test_cost_of_a_shift(shift: float, expected: float, hr_images: Callable, get_files: GetFiles) -> None:
    imdn = load("imdn", SCALE, get_files)
    values = []
    for hr in hr_images("set5", SCALE):
        moved = ndimage.shift(hr.astype(float), (-shift, -shift, 0), order=5, mode="mirror")
        lr = kernels.apply("matlab-bicubic", np.rint(np.clip(moved, 0, 255)).astype(np.uint8), SCALE)
        values.append(psnr(hr, imdn(lr), "y-bt601", SCALE))
    assert np.mean(values) == pytest.approx(expected, abs=0.02)
