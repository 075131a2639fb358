"""Measures and the type of the sample fixture that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Callable

from sisr.analysis.shown_measures import ShownMeasure
from sisr.analysis.statistics.samples import Sample

PSNR = ShownMeasure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2)
LPIPS = ShownMeasure("lpips", "alex-v0.1", "LPIPS", "", "lower", 4)

MakeSample = Callable[..., Sample]
