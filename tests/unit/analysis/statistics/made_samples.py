"""Measures and the type of the sample fixture that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable

from sisr.analysis.statistics.samples import Sample
from sisr.scoring.metrics.protocol import Measure

PSNR = Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, "", True)
LPIPS = Measure("lpips", "alex-v0.1", "LPIPS", "", "lower", 4, 6, "", False)

MakeSample = Callable[..., Sample]
