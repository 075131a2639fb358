"""Small images and recipes for training that takes a second."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sisr.base.images import write_png
from sisr.models.recipes import Recipe, parse_recipe
from sisr.training.train import Inputs

TINY: dict[str, Any] = {
    "arch": "espcn",
    "data": ["x"],
    "kernel": "matlab-bicubic",
    "patch": 8,
    "batch": 2,
    "iterations": 20,
    "learning_rate": 2e-3,
    "loss": "mse",
    "interval": 5,
}


def waves(height: int, width: int, phase: float = 0.0) -> np.ndarray:
    """A smooth gray image."""
    rows, columns = np.mgrid[0:height, 0:width]
    return (127 + 60 * np.sin(rows / 3 + phase) + 60 * np.cos(columns / 4 + 2 * phase)).astype(np.uint8)


@pytest.fixture
def recipe() -> Callable[..., Recipe]:
    """A checked recipe like TINY with other keys; None takes a key away."""

    def make(**changes: Any) -> Recipe:
        document = {key: value for key, value in {**TINY, **changes}.items() if value is not None}
        return parse_recipe("tiny", document, "config/training/tiny.yaml")

    return make


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    """Asset x with two images, one gray, and asset v with one to validate on."""
    gray = waves(64, 80)
    files = {"x": ["a.png", "b.png"], "v": ["c.png"]}
    write_png(tmp_path / "images/x/a.png", gray)
    write_png(tmp_path / "images/x/b.png", np.stack([gray, gray.max() - gray, gray // 2], axis=2))
    write_png(tmp_path / "images/v/c.png", np.tile(waves(64, 64, 1.3)[:, :, None], 3))
    return Inputs(
        {
            asset: {name: tmp_path / "images" / asset / name for name in names}
            for asset, names in files.items()
        }
    )
