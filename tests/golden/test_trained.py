"""The weights that come with the project beat OpenCV's of the same name, and reach what is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from sisr.base import registry
from test_published import load, means

pytestmark = pytest.mark.mirror

GetFiles = Callable[[str], Mapping[str, Path]]

#: (model, scale) -> PSNR-Y and SSIM-Y on Set5, of docs/training.md.
REACHED: dict[tuple[str, int], tuple[float, float]] = {
    ("espcn-291", 2): (35.13, 0.9452),
    ("espcn-291", 4): (29.32, 0.8312),
    ("fsrcnn-291", 2): (35.35, 0.9458),
    ("fsrcnn-291", 4): (29.82, 0.8472),
}


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("name", ["espcn", "fsrcnn"])
def test_better_than_opencv(name: str, scale: int, hr_images: Callable, get_files: GetFiles) -> None:
    ours, theirs = (
        means(load(model, scale, get_files), hr_images("set5", scale), scale)
        for model in (f"{name}-291", f"opencv-{name}")
    )
    assert ours[0] > theirs[0]
    psnr, ssim = REACHED[f"{name}-291", scale]
    assert ours[0] == pytest.approx(psnr, abs=0.005)
    assert ours[1] == pytest.approx(ssim, abs=0.00005)
    text = (registry.ROOT / "docs/training.md").read_text(encoding="utf-8")
    assert f"{ours[0]:.2f} / {ours[1]:.4f}" in text
