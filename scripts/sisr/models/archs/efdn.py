"""EFDN: Wang, CVPR Workshops 2022 (NTIRE), figures 2 and 3, with its blocks re-parameterised as one 3x3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sisr.models.architecture import Architecture
from sisr.models.archs.rfdn import SpatialAttention


class EFDN(nn.Module):
    """Four edge-enhanced distillation blocks, each fused with an earlier one, then one pixel shuffle.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``.  276,192 parameters at x4 (0.276M in
    the reports of the challenges).  Which blocks are fused was found by the authors' search of architectures.
    The attention is stretched to the image's size, so a tile does not see what the whole image sees.  Layer
    names are those of the weights of NTIRE 2025.
    """

    #: Pixels that the pooling of the attention needs: 7 after a 3x3 convolution of stride 2.
    minimum_size = 15
    tiling = "discouraged"

    def __init__(self, scale: int, width: int = 48) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.cells = nn.ModuleList(_Cell(width) for _ in range(4))
        self.local_fuse = nn.ModuleList(nn.Conv2d(2 * width, width, 1) for _ in range(3))
        self.tail = nn.Sequential(nn.Conv2d(width, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, rgb: Tensor) -> Tensor:
        shallow = self.head(rgb)
        first = self.cells[0](shallow)
        second = self.cells[1](first)
        third = self.cells[2](self.local_fuse[0](torch.cat([first, second], 1)))
        fourth = self.cells[3](self.local_fuse[1](torch.cat([second, third], 1)))
        return self.tail(self.local_fuse[2](torch.cat([second, fourth], 1)) + shallow)


class _Cell(nn.Module):
    """A 1x1 and two 3x3 convolutions; half of the channels of each and of the input are fused (figure 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = _Activated("conv1x1", nn.Conv2d(width, width, 1))
        self.conv2 = _Activated("rep_conv", nn.Conv2d(width, width, 3, padding=1))
        self.conv3 = _Activated("rep_conv", nn.Conv2d(width, width, 3, padding=1))
        self.branch = nn.ModuleList(nn.Conv2d(width, width // 2, 1) for _ in range(4))
        self.fuse = nn.Conv2d(4 * (width // 2), width, 1)
        self.att = SpatialAttention(width)

    def forward(self, x: Tensor) -> Tensor:
        stages = [x]
        for convolution in (self.conv1, self.conv2, self.conv3):
            stages.append(convolution(stages[-1]))
        halves = [half(stage) for half, stage in zip(self.branch, stages, strict=True)]
        return self.att(self.fuse(torch.cat(halves, 1))) + x


class _Activated(nn.Sequential):
    """A convolution under its name in the weights, and a PReLU with a slope for each channel."""

    def __init__(self, name: str, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.add_module(name, convolution)
        self.add_module("act", nn.PReLU(convolution.out_channels))


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    return {"width": shapes["head.weight"][0]}


ARCHITECTURE = Architecture(EFDN, sizes=_sizes)
