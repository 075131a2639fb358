"""SPAN: Wan et al., CVPR Workshops 2024 (NTIRE), figures 2 and 3, after re-parameterisation.

As it is trained, each convolution has three branches beside the one that runs; such files are spandrel's.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture, count_of


class SPAN(nn.Module):
    """Six blocks of attention without parameters; the first and the last one's features meet at the end.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``; within it the mean colour of DIV2K is
    subtracted and white is 255.  426,288 parameters at x4 with 48 channels, 150,688 with the 28 of NTIRE's
    baseline.  Layer names are those of the authors' weights.
    """

    mean: Tensor

    def __init__(self, scale: int, width: int = 48, blocks: int = 6) -> None:
        super().__init__()
        mean = torch.tensor([0.4488, 0.4371, 0.4040]).view(1, 3, 1, 1)
        self.register_buffer("mean", mean, persistent=False)
        self.blocks = blocks
        self.conv_1 = merged(3, width)
        for number in range(1, blocks + 1):
            self.add_module(f"block_{number}", AttentionBlock(width, width))
        self.conv_cat = nn.Conv2d(4 * width, width, 1)
        self.conv_2 = merged(width, width)
        self.upsampler = nn.Sequential(nn.Conv2d(width, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, rgb: Tensor) -> Tensor:
        shallow = x = self.conv_1((rgb - self.mean) * 255)
        outputs = []
        for number in range(1, self.blocks + 1):
            x, inner = self.get_submodule(f"block_{number}")(x)
            outputs.append(x)
        return self.upsampler(self.conv_cat(torch.cat([shallow, self.conv_2(x), outputs[0], inner], 1)))


def merged(inputs: int, outputs: int) -> nn.Sequential:
    """A 3x3 convolution under the name that it has where its branches have been merged."""
    return nn.Sequential(OrderedDict(eval_conv=nn.Conv2d(inputs, outputs, 3, padding=1)))


class AttentionBlock(nn.Module):
    """Three convolutions, whose result weighs itself by how far it is from 0 (figure 3).

    Gives the features after the first activation as well.  Where the width changes there is no attention.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.attends = inputs == width
        self.c1_r = merged(inputs, width)
        self.c2_r = merged(width, width)
        self.c3_r = merged(width, width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        inner = functional.silu(self.c1_r(x), inplace=True)
        y = self.c3_r(functional.silu(self.c2_r(inner), inplace=True))
        return ((y + x) * (y.sigmoid() - 0.5) if self.attends else y), inner


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    return {
        "width": shapes["conv_1.eval_conv.weight"][0],
        "blocks": count_of(shapes, "block_{}.c1_r.eval_conv.weight", start=1),
    }


ARCHITECTURE = Architecture(SPAN, sizes=_sizes)
