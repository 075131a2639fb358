"""Counts of the real graphs of other engines, against the same networks in PyTorch, or a formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from sisr.analysis.cost.counts import Count, count, count_module
from sisr.models.compat import prepare_torchvision
from sisr.models.model_entries import get
from torch import nn

pytestmark = pytest.mark.mirror

GetFiles = Callable[[str], Mapping[str, Path]]


def counted(model_id: str, scale: int, get_files: GetFiles) -> Count:
    model = get(model_id)
    weights = model.weights[scale]
    assert weights.asset is not None
    files = get_files(weights.asset)
    return count(model, scale, lambda: {role: files[name] for role, name in weights.files.items()})


def _rrdb() -> nn.Module:
    prepare_torchvision()
    from spandrel.architectures.ESRGAN.__arch.RRDB import RRDBNet

    return RRDBNet(in_nc=3, out_nc=3, num_filters=64, num_blocks=23, scale=4)


def _compact() -> nn.Module:
    prepare_torchvision()
    from spandrel.architectures.Compact.__arch.SRVGG import SRVGGNetCompact

    return SRVGGNetCompact(num_in_ch=3, num_out_ch=3, num_feat=64, num_conv=16, upscale=4)


# Two programs: ncnn's graph read by this project, and spandrel's network under torch's counter.
@pytest.mark.parametrize(
    ("model_id", "network", "parameters"),
    [("realesrgan", _rrdb, 16_697_987), ("realesr-animevideov3", _compact, 621_424)],
)
def test_ncnn_graphs_cost_what_the_same_networks_cost_in_pytorch(
    model_id: str, network: Callable[[], nn.Module], parameters: int, get_files: GetFiles
) -> None:
    found = counted(model_id, 4, get_files)
    assert found.parameters == parameters
    assert found == count_module(network(), (3, 180, 320), (3, 256, 256))


# Convolutions of the graphs, as kernel x inputs x outputs: ESPCN 5-3-3; FSRCNN(56, 12, 4) and (32, 5, 1) that
# end in a 1x1 convolution and a pixel shuffle.
@pytest.mark.parametrize(
    ("model_id", "weights", "outputs"),
    [
        ("opencv-espcn", 25 * 64 + 9 * 64 * 32 + 9 * 32 * 16, 64 + 32 + 16),
        ("opencv-fsrcnn", 25 * 56 + 56 * 12 + 4 * 9 * 12 * 12 + 12 * 56 + 56 * 16, 56 + 12 * 5 + 56 + 16),
        ("opencv-fsrcnn-small", 25 * 32 + 32 * 5 + 9 * 5 * 5 + 5 * 32 + 32 * 16, 32 + 5 + 5 + 32 + 16),
    ],
)
def test_opencv_graphs_by_formula(model_id: str, weights: int, outputs: int, get_files: GetFiles) -> None:
    found = counted(model_id, 4, get_files)
    assert (found.multiply_adds, found.activations) == (weights * 320 * 180, outputs * 320 * 180)


def test_opencv_parameters_are_those_of_the_layers(get_files: GetFiles) -> None:
    """ESPCN x4 with its biases: 64 (25 + 1) + 32 (9 * 64 + 1) + 16 (9 * 32 + 1)."""
    assert counted("opencv-espcn", 4, get_files).parameters == 24_752
