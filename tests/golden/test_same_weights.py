"""The same weights in two engines: Real-ESRGAN's from its ncnn file, in ncnn and in the PyTorch RRDBNet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from sisr.base.images import read_image
from sisr.lr.kernels.matlab import imresize
from sisr.models import model_entries
from sisr.scoring.metrics.fidelity import psnr
from sisr.upscaling import engines


def test_rows_of_both_engines_agree(get_files: Callable[[str], Mapping[str, Path]]) -> None:
    """To 0.01 dB, on a small part of one image."""
    hr = read_image(get_files("skimage-photos")["astronaut.png"]).array[80:160, 190:270]
    have = get_files("ncnn-realesrgan")
    found = []
    for row in ("realesrgan", "realesrgan-rrdb"):
        weights = model_entries.get(row).weights_for(4)
        assert weights is not None
        files = {role: have[name] for role, name in weights.files.items()}
        found.append(engines.load(model_entries.get(row), 4, files)(imresize(hr, 1 / 4)))
    ncnn, torch = found
    assert np.abs(ncnn.astype(int) - torch).max() <= 1
    assert abs(psnr(hr, ncnn, "y-bt601", 4) - psnr(hr, torch, "y-bt601", 4)) < 0.01
