"""RFDN: Liu, Tang, Wu, ECCV Workshops 2020 (AIM), figures 2 and 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture, count_of
from sisr.models.archs.imdn import FusedBlocks


class RFDN(FusedBlocks):
    """Residual feature distillation blocks, fused, then one pixel shuffle.

    Input ``(n, 3, h, w)`` RGB in **[0, 255]**, output ``(n, 3, s*h, s*w)`` on the same range.  433,448
    parameters at x4 with a width of 50 and four blocks, the network that won AIM 2020 (0.433M in the report
    of the challenge).  The attention pools with stride 3 after stride 2, and is stretched to the image's
    size, so a tile does not see what the whole image sees.  Layer names are those of the authors' weights.
    """

    #: Pixels that the pooling of the attention needs: 7 after a 3x3 convolution of stride 2.
    minimum_size = 15
    tiling = "discouraged"

    def __init__(self, scale: int, width: int = 50, blocks: int = 4) -> None:
        super().__init__(scale, width, {f"B{number}": _DistillationBlock for number in range(1, blocks + 1)})


class _DistillationBlock(nn.Module):
    """Three times: half of the channels by a 1x1, and a 3x3 with a shortcut of its own (figure 3 c, d)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        for number in (1, 2, 3):
            self.add_module(f"c{number}_d", nn.Conv2d(width, half, 1))
            self.add_module(f"c{number}_r", nn.Conv2d(width, width, 3, padding=1))
        self.c4 = nn.Conv2d(width, half, 3, padding=1)
        self.c5 = nn.Conv2d(4 * half, width, 1)
        self.esa = SpatialAttention(width)

    def forward(self, x: Tensor) -> Tensor:
        kept = []
        for number in (1, 2, 3):
            kept.append(self.get_submodule(f"c{number}_d")(x))
            x = functional.leaky_relu(self.get_submodule(f"c{number}_r")(x) + x, 0.05, inplace=True)
        kept.append(self.c4(x))
        return self.esa(self.c5(functional.leaky_relu(torch.cat(kept, 1), 0.05, inplace=True)))


class SpatialAttention(nn.Module):
    """ESA: a mask from a coarse view: stride 2, pooling 7 by stride 3, three convolutions, bilinear back.

    Liu et al., Residual feature aggregation network for image super-resolution, CVPR 2020, figure 4, with
    single convolutions for the groups.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = width // 4
        self.conv1 = nn.Conv2d(width, narrow, 1)
        self.conv_f = nn.Conv2d(narrow, narrow, 1)
        self.conv_max = nn.Conv2d(narrow, narrow, 3, padding=1)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride=2)
        self.conv3 = nn.Conv2d(narrow, narrow, 3, padding=1)
        self.conv3_ = nn.Conv2d(narrow, narrow, 3, padding=1)
        self.conv4 = nn.Conv2d(narrow, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.conv1(x)
        coarse = self.conv_max(functional.max_pool2d(self.conv2(fine), 7, stride=3)).relu_()
        coarse = self.conv3_(self.conv3(coarse).relu_())
        coarse = functional.interpolate(coarse, x.shape[2:], mode="bilinear", align_corners=False)
        return x * self.conv4(coarse + self.conv_f(fine)).sigmoid()


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    return {"width": shapes["fea_conv.weight"][0], "blocks": count_of(shapes, "B{}.c5.weight", start=1)}


ARCHITECTURE = Architecture(RFDN, input_range="0-255", sizes=_sizes)
