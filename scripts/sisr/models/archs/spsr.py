"""SPSR: Ma et al., CVPR 2020, section 3.2 and figure 2: ESRGAN's generator with a gradient branch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture


class SPSR(nn.Module):
    """An RRDB trunk and a branch that enlarges the gradient map with features of the trunk, fused at the end.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``, s a power of 2.  24,796,230 parameters
    at x4, and two gradient kernels of 9 numbers.  The branch takes the trunk's features after 5, 10, 15, 20
    of its 23 blocks.  Its own image, the gradient map of HR, serves training alone and is not computed here.
    Layer names are those of the authors' weights, which hold one layer under two names.
    """

    blocks = 23
    taps = (5, 10, 15, 20)

    def __init__(self, scale: int, width: int = 64, growth: int = 32) -> None:
        super().__init__()
        doublings = scale.bit_length() - 1
        if scale != 2**doublings:
            raise ValueError(f"SPSR enlarges by doubling, not x{scale}")
        self.HR_conv0_new = nn.Sequential(_conv(width, width), _leaky())
        self.HR_conv1_new = nn.Sequential(_conv(width, width))
        trunk = nn.Module()
        trunk.sub = nn.Sequential(*(RRDB(width, growth) for _ in range(self.blocks)), _conv(width, width))
        self.model = nn.Sequential(
            _conv(3, width), trunk, *_enlargement(width, doublings), *self.HR_conv0_new
        )
        self.get_g_nopadding = _GradientNorm()
        self.b_fea_conv = nn.Sequential(_conv(3, width))
        for number in range(1, len(self.taps) + 1):
            self.add_module(f"b_concat_{number}", nn.Sequential(_conv(2 * width, width)))
            self.add_module(f"b_block_{number}", RRDB(2 * width, growth))
        self.b_LR_conv = nn.Sequential(_conv(width, width))
        self.b_module = nn.Sequential(
            *_enlargement(width, doublings), _conv(width, width), _leaky(), _conv(width, width)
        )
        self.conv_w = nn.Sequential(nn.Conv2d(width, 3, 1))
        self.f_concat = nn.Sequential(_conv(2 * width, width))
        self.f_block = RRDB(2 * width, growth)
        self.f_HR_conv0 = nn.Sequential(_conv(width, width), _leaky())
        self.f_HR_conv1 = nn.Sequential(_conv(width, 3))

    def forward(self, rgb: Tensor) -> Tensor:
        shallow = x = self.model[0](rgb)
        tapped = []
        for number, layer in enumerate(self.model[1].get_submodule("sub").children(), 1):
            x = layer(x)
            if number in self.taps:
                tapped.append(x)
        trunk = self.HR_conv1_new(self.model[2:](shallow + x))

        first = y = self.b_fea_conv(self.get_g_nopadding(rgb))
        for number, features in enumerate(tapped, 1):
            y = self.get_submodule(f"b_block_{number}")(torch.cat([y, features], dim=1))
            y = self.get_submodule(f"b_concat_{number}")(y)
        branch = self.b_module(self.b_LR_conv(y) + first)

        fused = self.f_concat(self.f_block(torch.cat([branch, trunk], dim=1)))
        return self.f_HR_conv1(self.f_HR_conv0(fused))


def _conv(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def _leaky() -> nn.LeakyReLU:
    return nn.LeakyReLU(0.2)


def _enlargement(width: int, doublings: int) -> list[nn.Module]:
    """Nearest neighbour and a convolution for each doubling."""
    return [
        layer
        for _ in range(doublings)
        for layer in (nn.Upsample(scale_factor=2), _conv(width, width), _leaky())
    ]


class _GradientNorm(nn.Module):
    """Length of the central differences of each channel (equation 3), with zeros outside the image."""

    def __init__(self) -> None:
        super().__init__()
        horizontal = torch.zeros(1, 1, 3, 3)
        horizontal[0, 0, 1] = torch.tensor([-1.0, 0.0, 1.0])
        self.weight_h = nn.Parameter(horizontal, requires_grad=False)
        self.weight_v = nn.Parameter(horizontal.transpose(2, 3).clone(), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        planes = x.flatten(0, 1)[:, None]
        across = functional.conv2d(planes, self.weight_h, padding=1)
        down = functional.conv2d(planes, self.weight_v, padding=1)
        return torch.sqrt(across**2 + down**2 + 1e-6).reshape(x.shape)


class RRDB(nn.Module):
    """Residual in residual dense block: Wang et al., ESRGAN, ECCV Workshops 2018, figure 4."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for number in (1, 2, 3):
            self.add_module(f"RDB{number}", _Dense(width, growth))

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for number in (1, 2, 3):
            y = self.get_submodule(f"RDB{number}")(y)
        return x + 0.2 * y


class _Dense(nn.Module):
    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        for number in range(4):
            layer = nn.Sequential(_conv(width + number * growth, growth), _leaky())
            self.add_module(f"conv{number + 1}", layer)
        self.conv5 = nn.Sequential(_conv(width + 4 * growth, width))

    def forward(self, x: Tensor) -> Tensor:
        gathered = x
        for number in range(1, 5):
            gathered = torch.cat([gathered, self.get_submodule(f"conv{number}")(gathered)], dim=1)
        return x + 0.2 * self.conv5(gathered)


ARCHITECTURE = Architecture(SPSR)
