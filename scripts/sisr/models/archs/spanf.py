"""SPANF: Ren et al., The tenth NTIRE 2025 efficient super-resolution challenge report, CVPR Workshops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sisr.models.architecture import Architecture, count_of
from sisr.models.archs.span import AttentionBlock, merged


class SPANF(nn.Module):
    """SPAN without its first convolution: the first block reads the image, the last layers its copies.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``.  148,288 parameters at x4.  Layer names
    are those of the authors' weights.
    """

    def __init__(self, scale: int, width: int = 32, blocks: int = 5) -> None:
        super().__init__()
        self.blocks = blocks
        self.conv_near = nn.Conv2d(3, 3 * scale**2, 3, padding=1, groups=3, bias=False)
        for number in range(1, blocks + 1):
            self.add_module(f"block_{number}", AttentionBlock(3 if number == 1 else width, width))
        self.conv_cat = nn.Conv2d(2 * width + 3 * scale**2, width, 1)
        self.conv_2 = merged(width, 3 * scale**2)
        self.enlarge = nn.PixelShuffle(scale)

    def forward(self, rgb: Tensor) -> Tensor:
        x, outputs = rgb, []
        for number in range(1, self.blocks + 1):
            x, _ = self.get_submodule(f"block_{number}")(x)
            outputs.append(x)
        together = torch.cat([self.conv_near(rgb), x, outputs[0]], 1)
        return self.enlarge(self.conv_2(self.conv_cat(together)))


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    return {
        "width": shapes["block_1.c1_r.eval_conv.weight"][0],
        "blocks": count_of(shapes, "block_{}.c1_r.eval_conv.weight", start=1),
    }


ARCHITECTURE = Architecture(SPANF, sizes=_sizes)
