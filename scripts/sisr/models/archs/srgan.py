"""SRGAN's generator: Ledig et al., CVPR 2017, figure 4, as leftthomas published it with weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sisr.models.architecture import Architecture


class SRGAN(nn.Module):
    """Residual blocks with batch normalisation between two 9x9 convolutions; sub-pixel enlargement.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)`` in (0, 1) by (tanh + 1) / 2, s of 2, 4,
    8.  Five residual blocks (the paper has 16) and no batch normalisation after them.  734,092 parameters at
    x4 and 586,379 at x2, without the running means and variances of the normalisation.  Layer names are
    those of leftthomas's weights.
    """

    blocks = 5

    def __init__(self, scale: int, width: int = 64) -> None:
        super().__init__()
        self.block1 = nn.Sequential(nn.Conv2d(3, width, 9, padding=4), nn.PReLU())
        for number in range(2, self.blocks + 2):
            self.add_module(f"block{number}", _Residual(width))
        self.block7 = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.PReLU())
        doublings = scale.bit_length() - 1
        if scale != 2**doublings:
            raise ValueError(f"SRGAN enlarges by doubling, not x{scale}")
        self.block8 = nn.Sequential(
            *(_Doubling(width) for _ in range(doublings)), nn.Conv2d(width, 3, 9, padding=4)
        )

    def forward(self, rgb: Tensor) -> Tensor:
        shallow = x = self.block1(rgb)
        for number in range(2, self.blocks + 2):
            x = self.get_submodule(f"block{number}")(x)
        return (torch.tanh(self.block8(shallow + self.block7(x))) + 1) / 2


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.prelu = nn.PReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bn2(self.conv2(self.prelu(self.bn1(self.conv1(x)))))


class _Doubling(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, 4 * width, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        self.prelu = nn.PReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.prelu(self.shuffle(self.conv(x)))


ARCHITECTURE = Architecture(SRGAN)
