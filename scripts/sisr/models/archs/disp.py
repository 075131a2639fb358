"""DISP: Ren et al., The eleventh NTIRE 2026 efficient super-resolution challenge report, CVPR Workshops."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture, count_of
from sisr.models.archs.span import merged


class DISP(nn.Module):
    """Four residual blocks of four convolutions, one shortcut, one pixel shuffle.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``.  163,792 parameters at x4.  Layer names
    are those of the authors' weights.
    """

    def __init__(self, scale: int, width: int = 32, blocks: int = 4, further: int = 1) -> None:
        super().__init__()
        self.conv_1 = merged(3, width)
        self.blocks = nn.Sequential(*(_Block(width, further) for _ in range(blocks)))
        self.conv_2 = nn.Conv2d(width, width, 1)
        self.upsampler = nn.Sequential(nn.Conv2d(width, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, rgb: Tensor) -> Tensor:
        shallow = self.conv_1(rgb)
        return self.upsampler(self.conv_2(self.blocks(shallow)) + shallow)


class _Block(nn.Module):
    """Convolutions, each with its activation, and a shortcut."""

    def __init__(self, width: int, further: int) -> None:
        super().__init__()
        self._extern_conv_block = nn.ModuleList(merged(width, width) for _ in range(further))
        self.c1_r = merged(width, width)
        self.c2_r = merged(width, width)
        self.c3_r = merged(width, width)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for convolution in (self.c1_r, self.c2_r, *self._extern_conv_block, self.c3_r):
            y = functional.silu(convolution(y), inplace=True)
        return y + x


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    width = shapes["conv_1.eval_conv.weight"][0]
    further = count_of(shapes, "blocks.0._extern_conv_block.{}.eval_conv.weight")
    return {"width": width, "blocks": count_of(shapes, "blocks.{}.c1_r.eval_conv.weight"), "further": further}


ARCHITECTURE = Architecture(DISP, sizes=_sizes)
