"""Bicubic on BD and DN images of Set5, against the table that everybody copies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from sisr.lr import kernels
from sisr.lr.kernels.matlab import imresize
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
