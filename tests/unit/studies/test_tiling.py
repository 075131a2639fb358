"""Tiles: a stitched network is the whole one exactly from its reach on, and costs what is counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sisr.base.errors import StudyError
from sisr.models.archs.espcn import ESPCN
from sisr.studies import tiling as study
from sisr.studies.common import crop, curve
from sisr.upscaling.networks import Network
from torch import nn


class Blur(nn.Module):
    """Convolutions with positive weights: every pixel within the reach changes the output."""

    def __init__(self, layers: int, kernel: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(1, 1, kernel, padding=kernel // 2, bias=False) for _ in range(layers))
        )
        for layer in self.layers:
            nn.init.constant_(layer.weight, 1 / kernel**2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


class Global(nn.Module):
    """A network that looks at the mean of the whole image."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * (1 + x.mean(dim=(2, 3), keepdim=True))


def network(module: nn.Module, scale: int = 2, enlarge_first: bool = False) -> Network:
    module = module.eval().requires_grad_(False)
    return Network(module, scale, 1, 1, enlarge_first, type(module).__name__)


def run_of(module: nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    return study._runner(network(module.eval().requires_grad_(False)))


@pytest.mark.parametrize(("layers", "kernel"), [(1, 3), (3, 3), (2, 7)])
def test_seams_vanish_at_the_reach_and_not_before(layers: int, kernel: int) -> None:
    reach = layers * (kernel // 2)  # closed form for stacked convolutions
    run = run_of(Blur(layers, kernel))
    planes = np.random.default_rng(0).random((1, 60, 52), dtype=np.float32)
    whole = run(planes)
    errors = [float(np.abs(study.stitch(run, planes, 32, c)[0] - whole).max()) for c in range(reach + 2)]
    assert all(error > 1e-4 for error in errors[:reach]), errors
    assert all(error < 1e-6 for error in errors[reach:]), errors


def test_a_window_that_holds_the_image_is_the_image() -> None:
    run = run_of(ESPCN(2))
    planes = np.random.default_rng(0).random((1, 20, 24), dtype=np.float32)
    found, read = study.stitch(run, planes, 24, 0)
    np.testing.assert_array_equal(found, run(planes))
    assert (found.shape, read) == ((1, 40, 48), 480)


def test_a_window_without_a_middle_is_refused() -> None:
    with pytest.raises(ValueError, match="no pixel left"):
        study.stitch(lambda planes: planes, np.zeros((1, 8, 8), np.float32), 8, 4)


@pytest.mark.parametrize("context", [0, 4, 8, 12])
def test_cost_of_a_large_image_is_the_closed_form(context: int) -> None:
    """Tiles at the border read less; on an image of many windows that is a few per cent."""
    planes = np.zeros((1, 1600, 1600), np.float32)
    _, read = study.stitch(lambda tile: tile, planes, 32, context)
    assert read / planes.size == pytest.approx(study.cost(32, context), rel=0.05)


def test_study_finds_the_reach_and_the_network_that_has_none() -> None:
    from skimage.data import astronaut

    torch.manual_seed(0)
    networks = [
        ("ESPCN", network(ESPCN(2))),
        ("blur", network(Blur(2, 5), 2, enlarge_first=True)),
        ("global", network(Global(), 2, enlarge_first=True)),
    ]
    result = study.measure([crop("astronaut", astronaut(), 192)], networks)
    assert result.reaches == {"ESPCN": 4, "blur": 4, "global": "global"}
    assert study.seams_vanish(result.rows, "blur") == 4
    assert study.seams_vanish(result.rows, "global") is None
    at, _ = curve(result.rows, method="ESPCN", measure="largest error in levels")
    assert {3, 4} <= set(at)
    assert result.shown.label in ("ESPCN", "blur")
    assert any("whole image" in sentence for sentence in study.findings(result))


def test_no_network_is_an_error_of_one_line() -> None:
    from skimage.data import astronaut

    with pytest.raises(StudyError, match="none of the run's PyTorch networks"):
        study.measure([crop("astronaut", astronaut(), 192)], [])
