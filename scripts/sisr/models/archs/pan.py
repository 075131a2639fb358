"""PAN: Zhao et al., ECCV Workshops 2020, figures 2 to 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture, count_of

#: Slope of every activation for negative values.
_SLOPE = 0.2


class PAN(nn.Module):
    """Self-calibrated convolutions with pixel attention, then nearest neighbour, attention and convolutions.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``, s of 2, 3, 4; the network adds detail
    to a bilinear enlargement.  272,419 parameters at x4, 261,403 at x2 and x3 (272K and 261K in the paper),
    where tensors have the same names and shapes: a file does not tell x2 from x3.  Layer names are those of
    the authors' weights.
    """

    def __init__(self, scale: int, width: int = 40, narrow: int = 24, blocks: int = 16) -> None:
        super().__init__()
        if scale not in (2, 3, 4):
            raise ValueError(f"PAN has x2, x3 and x4, not x{scale}")
        self.steps = (2, 2) if scale == 4 else (scale,)
        self.scale = scale
        self.conv_first = nn.Conv2d(3, width, 3, padding=1)
        self.SCPA_trunk = nn.Sequential(*(_SelfCalibrated(width) for _ in range(blocks)))
        self.trunk_conv = nn.Conv2d(width, width, 3, padding=1)
        for number, _ in enumerate(self.steps, 1):
            entering = width if number == 1 else narrow
            self.add_module(f"upconv{number}", nn.Conv2d(entering, narrow, 3, padding=1))
            self.add_module(f"att{number}", _PixelAttention(narrow))
            self.add_module(f"HRconv{number}", nn.Conv2d(narrow, narrow, 3, padding=1))
        self.conv_last = nn.Conv2d(narrow, 3, 3, padding=1)

    def forward(self, rgb: Tensor) -> Tensor:
        x = self.conv_first(rgb)
        x = x + self.trunk_conv(self.SCPA_trunk(x))
        for number, step in enumerate(self.steps, 1):
            x = functional.interpolate(x, scale_factor=step, mode="nearest")
            x = self.get_submodule(f"att{number}")(self.get_submodule(f"upconv{number}")(x))
            x = self.get_submodule(f"HRconv{number}")(functional.leaky_relu(x, _SLOPE, inplace=True))
            x = functional.leaky_relu(x, _SLOPE, inplace=True)
        enlarged = functional.interpolate(rgb, scale_factor=self.scale, mode="bilinear", align_corners=False)
        return self.conv_last(x) + enlarged


class _PixelAttention(nn.Module):
    """Every value times a weight of its own, from a 1x1 convolution (figure 2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.conv(x).sigmoid()


class _AttendedConvolution(nn.Module):
    """A 3x3 convolution whose result is weighted by the attention of its input, and another (figure 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.k2 = nn.Conv2d(width, width, 1)
        self.k3 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.k4 = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.k4(self.k3(x) * self.k2(x).sigmoid())


class _SelfCalibrated(nn.Module):
    """SC-PA: one half of the channels through attention, the other through a plain 3x3 (figure 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.conv1_a = nn.Conv2d(width, half, 1, bias=False)
        self.conv1_b = nn.Conv2d(width, half, 1, bias=False)
        self.k1 = nn.Sequential(nn.Conv2d(half, half, 3, padding=1, bias=False))
        self.PAConv = _AttendedConvolution(half)
        self.conv3 = nn.Conv2d(2 * half, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        halves = []
        for entry, convolution in ((self.conv1_a, self.k1), (self.conv1_b, self.PAConv)):
            y = convolution(functional.leaky_relu(entry(x), _SLOPE, inplace=True))
            halves.append(functional.leaky_relu(y, _SLOPE, inplace=True))
        return self.conv3(torch.cat(halves, 1)) + x


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    narrow, width, *_ = shapes["upconv1.weight"]
    return {"width": width, "narrow": narrow, "blocks": count_of(shapes, "SCPA_trunk.{}.conv3.weight")}


ARCHITECTURE = Architecture(PAN, sizes=_sizes)
