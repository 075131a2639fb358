"""LR images of Set5 against BasicSR, and bicubic on BD and DN against the table that everybody copies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sisr.lr import kernels
from sisr.lr.kernels.matlab import imresize
from sisr.models.compat import prepare_torchvision
from sisr.scoring.metrics.fidelity import prepare, psnr_of

pytestmark = pytest.mark.mirror


# RDN (Zhang et al., CVPR 2018), table of BD and DN at x3, column "Bicubic".  The noise of DN is another draw:
# the mean of five images has a standard error of about 0.03 dB.
@pytest.mark.parametrize(("kernel", "published", "tolerance"), [("bd", 28.78, 0.02), ("dn", 24.01, 0.1)])
def test_bicubic_on_set5(kernel: str, published: float, tolerance: float, hr_images: Callable) -> None:
    found = []
    for number, hr in enumerate(hr_images("set5", 3)):
        lr = kernels.apply(kernel, hr, 3, f"0/set5/{number}/{kernel}/x3")
        found.append(psnr_of(prepare(hr, imresize(lr, 3), "y-bt601", 3)))
    assert len(found) == 5
    assert np.mean(found) == pytest.approx(published, abs=tolerance)


# The installed BasicSR, called as its users do: float32 in [0, 1], all channels at once, rounded once.
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_no_value_differs_from_basicsr_on_set5(scale: int, hr_images: Callable) -> None:
    prepare_torchvision()
    theirs = pytest.importorskip("basicsr.utils.matlab_functions").imresize
    differing = 0
    for hr in hr_images("set5", scale):
        lr = theirs(hr.astype(np.float32) / 255.0, 1 / scale)
        expected = (lr.clip(0, 1) * 255.0).round().astype(np.uint8)
        differing += np.count_nonzero(kernels.apply("basicsr-bicubic", hr, scale) != expected)
    assert differing == 0
