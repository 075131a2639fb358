"""EDSR: Lim et al., CVPR Workshops 2017, figures 2, 3 and 6, under the names of the authors' EDSR-PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sisr.models.architecture import Architecture, count_of

#: Mean colour of DIV2K, which is taken away before the network.
_MEAN = (0.4488, 0.4371, 0.4040)


class EDSR(nn.Module):
    """Residual blocks of two convolutions, one shortcut, pixel shuffles.

    Input ``(n, 3, h, w)`` RGB in **[0, 255]**, output ``(n, 3, s*h, s*w)`` on the same range, s of 2, 3, 4,
    8.  1,517,571 parameters at x4 with 16 blocks of width 64 (EDSR-baseline), 43,089,923 with 32 of width
    256, beside 24 of the mean colour.  By what residuals are scaled no tensor tells: 1 in EDSR-baseline, .1
    in EDSR.  Weights may have been trained on [0, 1] as well, as their mean colour tells.
    """

    def __init__(self, scale: int, width: int = 64, blocks: int = 16, res_scale: float = 1) -> None:
        super().__init__()
        if scale not in (2, 3, 4, 8):
            raise ValueError(f"EDSR has x2, x3, x4 and x8, not x{scale}")
        steps: list[nn.Module] = []
        for step in [3] if scale == 3 else [2] * (scale.bit_length() - 1):
            steps += [nn.Conv2d(width, width * step**2, 3, padding=1), nn.PixelShuffle(step)]
        residuals = (_Residual(width, res_scale) for _ in range(blocks))
        self.sub_mean = _colour(-1)
        self.add_mean = _colour(1)
        self.head = nn.Sequential(nn.Conv2d(3, width, 3, padding=1))
        self.body = nn.Sequential(*residuals, nn.Conv2d(width, width, 3, padding=1))
        self.tail = nn.Sequential(nn.Sequential(*steps), nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, rgb: Tensor) -> Tensor:
        mean = self.add_mean.bias
        assert mean is not None
        ratio = torch.where(mean.max() > 1, 1.0, 255.0).to(rgb.dtype)
        shallow = self.head(self.sub_mean(rgb / ratio))
        return self.add_mean(self.tail(shallow + self.body(shallow))) * ratio


class _Residual(nn.Module):
    def __init__(self, width: int, res_scale: float) -> None:
        super().__init__()
        self.res_scale = res_scale
        first, second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        self.body = nn.Sequential(first, nn.ReLU(inplace=True), second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) * self.res_scale


def _colour(sign: int) -> nn.Conv2d:
    """Adds the mean colour, or takes it away."""
    layer = nn.Conv2d(3, 3, 1)
    layer.weight.data = torch.eye(3).view(3, 3, 1, 1)
    assert layer.bias is not None
    layer.bias.data = sign * 255 * torch.tensor(_MEAN)
    return layer.requires_grad_(False)


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    return {
        "width": shapes["head.0.weight"][0],
        "blocks": count_of(shapes, "body.{}.body.0.weight"),
    }


ARCHITECTURE = Architecture(
    EDSR,
    input_range="0-255",
    forms=({"res_scale": 1}, {"width": 256, "blocks": 32, "res_scale": 0.1}),
    sizes=_sizes,
    untold={"res_scale": (1, 0.1)},
)
