"""LR consistency: does the SR image, downsampled again, give the LR image that it was made from?"""

from __future__ import annotations

from sisr.base.colour import Uint8Image
from sisr.lr.degrade import degrade
from sisr.scoring.metrics.code import Given, Setting
from sisr.scoring.metrics.fidelity import psnr


class LrPsnr:
    """PSNR of LR images, the one given and the one that the same kernel makes of SR."""

    def __init__(self, setting: Setting) -> None:
        self._protocol, self._scale, self._kernel = setting.protocol, setting.scale, setting.kernel

    def __call__(self, hr: Uint8Image, sr: Uint8Image, given: Given) -> float:
        """In dB; ``inf`` where both are identical.  Random kernels draw what they drew for LR."""
        again = degrade(sr, self._kernel, self._scale, "SR image", given.key)
        return psnr(given.lr, again, self._protocol, self._scale)
