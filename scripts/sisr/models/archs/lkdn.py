"""LKDN: Xie et al., CVPR Workshops 2023 (NTIRE), figures 2 and 3, after re-parameterisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from sisr.models.architecture import Architecture
from sisr.models.archs.bsrn import BlueprintBlocks, Distillation, frame
from sisr.models.archs.vapsr import PixelNorm, VastAttention


class LKDN(BlueprintBlocks):
    """Distillation blocks of blueprint separable convolutions with large kernel attention.

    321,992 parameters at x4, 303,812 at x2 (322K and 304K in the paper) with eight blocks of width 56;
    129,177 at x4 with five of width 42 (LKDN-S, 129K).  Layer names are those of the authors' weights; LKDN-S
    as it is trained has further branches, which their program merges.
    """

    def __init__(self, scale: int, width: int = 56, blocks: int = 8, copies: int = 4) -> None:
        super().__init__(scale, width, [_Block(width) for _ in range(blocks)], copies)


class _Block(Distillation):
    def __init__(self, width: int) -> None:
        super().__init__(width, merged=True)
        self.atten = VastAttention(width)
        self.c6 = nn.Conv2d(width, width, 1)
        self.pixel_norm = PixelNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.pixel_norm(self.c6(self.atten(self.distilled(x)))) + x


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    return frame(shapes)


ARCHITECTURE = Architecture(LKDN, sizes=_sizes)
