"""Weights of ncnn's files: each form that they are stored in, against what ncnn computes with them."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from sisr.base.errors import ModelError
from sisr.models.ncnn_weights import load_into
from torch import nn

PARAM = """7767517
6 6
Input       data  0 1 data
MemoryData  mean  0 1 mean 0=1 1=1 2=3
BinaryOp    less  2 1 data mean less 0=1
Convolution first 1 1 less a 0=4 1=3 4=1 5=1 6=108
PReLU       slope 1 1 a b 0=4
Convolution last  1 1 b out 0=3 1=1 5=0 6=12 -23310=1,2.000000e-01
"""


class Small(nn.Module):
    """What the graph is: a mean taken away, a convolution with bias, slopes, and one without bias."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1)
        self.slope = nn.PReLU(width)
        self.last = nn.Conv2d(width, 3, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.slope(self.first(x - 0.25)))


def stored(values: np.ndarray, form: str) -> bytes:
    """A buffer of weights as ncnn stores it."""
    if form == "float32":
        return struct.pack("<I", 0) + values.astype("<f4").tobytes()
    if form == "float16":
        content = struct.pack("<I", 0x01306B47) + values.astype("<f2").tobytes()
    else:
        content = (
            struct.pack("<I", 0x01348B83) + (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        )
    return content + bytes(-len(content) % 4)


def written(folder: Path, form: str) -> tuple[Path, Path]:
    rng = np.random.default_rng(0)
    first, bias, slope, last = (rng.normal(0, 0.3, n).astype(np.float32) for n in (108, 4, 4, 12))
    mean = np.full(3, 0.25, np.float32)
    (folder / "net.param").write_text(PARAM)
    content = mean.tobytes() + stored(first, form) + bias.tobytes() + slope.tobytes() + stored(last, form)
    (folder / "net.bin").write_bytes(content)
    return folder / "net.param", folder / "net.bin"


@pytest.mark.parametrize("form", ["float32", "float16", "bfloat16"])
def test_network_computes_what_ncnn_does(form: str, tmp_path: Path) -> None:
    from sisr.upscaling.engines.ncnn_cpu import open_graph

    param, values = written(tmp_path, form)
    network = Small().eval()
    load_into(network, param, values)
    planes = np.random.default_rng(1).random((3, 9, 7), dtype=np.float32)
    expected = open_graph(param, values, "data", "out", 1)(planes)
    with torch.inference_mode():
        found = network(torch.from_numpy(planes)[None])[0].numpy()
    assert np.ptp(expected) > 0.5
    assert np.abs(found - expected).max() < 1e-5


def test_files_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    param, values = written(tmp_path, "float16")
    content = values.read_bytes()
    quantised = content[:12] + struct.pack("<I", 0x000D4B38) + content[16:]
    for cut, message in (
        (content[:-4], r"net\.bin: shorter than net\.param says"),
        (content + bytes(4), r"net\.bin: 4 bytes more than net\.param says"),
        (
            quantised,
            r"layer first is quantised \(flag 0x000d4b38\)",
        ),
    ):
        values.write_bytes(cut)
        with pytest.raises(ModelError, match=message):
            load_into(Small(), param, values)
    values.write_bytes(content)
    with pytest.raises(ModelError, match=r"layer first has 108 values, expected 135 for 'first\.weight'"):
        load_into(Small(5), param, values)
    with pytest.raises(ModelError, match=r"4 tensors, expected 1 for PReLU"):
        load_into(nn.PReLU(), param, values)
    param.write_text("7767518\n")
    with pytest.raises(ModelError, match="the first line is not 7767517"):
        load_into(Small(), param, values)
