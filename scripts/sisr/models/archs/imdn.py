"""IMDN: Hui et al., ACM Multimedia 2019, figures 2 to 4."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture


class FusedBlocks(nn.Module):
    """Blocks in a row whose outputs are fused, one shortcut, one pixel shuffle.

    ``blocks`` are the layer names of the blocks, in order, and what makes one of a width.
    """

    def __init__(self, scale: int, width: int, blocks: Mapping[str, Callable[[int], nn.Module]]) -> None:
        super().__init__()
        self.blocks = tuple(blocks)
        self.fea_conv = nn.Conv2d(3, width, 3, padding=1)
        for name, block in blocks.items():
            self.add_module(name, block(width))
        self.c = nn.Sequential(nn.Conv2d(width * len(blocks), width, 1), nn.LeakyReLU(0.05, inplace=True))
        self.LR_conv = nn.Conv2d(width, width, 3, padding=1)
        self.upsampler = nn.Sequential(nn.Conv2d(width, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, rgb: Tensor) -> Tensor:
        shallow = x = self.fea_conv(rgb)
        outputs = []
        for name in self.blocks:
            x = self.get_submodule(name)(x)
            outputs.append(x)
        return self.upsampler(self.LR_conv(self.c(torch.cat(outputs, 1))) + shallow)


class IMDN(FusedBlocks):
    """Six information multi-distillation blocks, fused, then one pixel shuffle.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``.  715,176 parameters at x4, 694,404 at
    x2.  The contrast-aware channel attention pools over the whole image, so every output pixel depends on
    every input pixel.  Layer names are those of the authors' weights.
    """

    #: The attention of a tile is not that of the whole image.
    tiling = "discouraged"

    def __init__(self, scale: int, width: int = 64) -> None:
        super().__init__(scale, width, {f"IMDB{number}": _DistillationBlock for number in range(1, 7)})


class _DistillationBlock(nn.Module):
    """Three times: keep a quarter of the channels, refine the rest (figure 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kept = width // 4
        self.passed = width - self.kept
        self.c1 = nn.Conv2d(width, width, 3, padding=1)
        self.c2 = nn.Conv2d(self.passed, width, 3, padding=1)
        self.c3 = nn.Conv2d(self.passed, width, 3, padding=1)
        self.c4 = nn.Conv2d(self.passed, self.kept, 3, padding=1)
        self.c5 = nn.Conv2d(width, width, 1)
        self.cca = ContrastAttention(width)

    def forward(self, x: Tensor) -> Tensor:
        kept, rest = [], x
        for convolution in (self.c1, self.c2, self.c3):
            y = functional.leaky_relu(convolution(rest), 0.05, inplace=True)
            part, rest = torch.split(y, [self.kept, self.passed], dim=1)
            kept.append(part)
        return self.c5(self.cca(torch.cat([*kept, self.c4(rest)], 1))) + x


class ContrastAttention(nn.Module):
    """Channel attention from mean plus standard deviation (figure 4)."""

    def __init__(self, width: int, reduction: int = 16) -> None:
        super().__init__()
        self.conv_du = nn.Sequential(
            nn.Conv2d(width, width // reduction, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(width // reduction, width, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        # Not torch.std_mean(), which takes seven times as long on a CPU: as long as a convolution.
        mean = x.mean((2, 3), keepdim=True)
        deviation = (x - mean).square_().mean((2, 3), keepdim=True).sqrt_()
        return x * self.conv_du(deviation + mean)


ARCHITECTURE = Architecture(IMDN)
