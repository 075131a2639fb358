"""SMFANet: Zheng et al., ECCV 2024, figure 2; SMFANet+ is its wider and deeper form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture, count_of


class SMFANet(nn.Module):
    """Blocks of self-modulation and partial convolution, one shortcut, one pixel shuffle.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``.  197,328 parameters at x4 (197K in the
    paper); SMFANet+ (width 48, 12 blocks) has 495,888 (496K).  The modulation takes the variance of each
    channel over the whole image, so every output pixel depends on every input pixel.  Layer names are those
    of the authors' weights.
    """

    #: Sides of what the maximum pooling leaves are an eighth of the image's, and not 0.
    minimum_size = 8
    #: The variance of a tile is not that of the whole image.
    tiling = "discouraged"

    def __init__(self, scale: int, width: int = 36, blocks: int = 8, expansion: float = 2) -> None:
        super().__init__()
        self.to_feat = nn.Conv2d(3, width, 3, padding=1)
        self.feats = nn.Sequential(*(_Block(width, round(width * expansion)) for _ in range(blocks)))
        self.to_img = nn.Sequential(nn.Conv2d(width, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, rgb: Tensor) -> Tensor:
        shallow = self.to_feat(rgb)
        return self.to_img(self.feats(shallow) + shallow)


class _Block(nn.Module):
    """Two residual halves, each on features whose channels have length 1 at each pixel."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.smfa = _SelfModulation(width)
        self.pcfn = _PartialConvolution(width, hidden)

    def forward(self, x: Tensor) -> Tensor:
        x = self.smfa(functional.normalize(x)) + x
        return self.pcfn(functional.normalize(x)) + x


class _SelfModulation(nn.Module):
    """One half of the features weighted by a coarse view of it, the other seen locally (equations 3 to 7)."""

    coarse = 8

    def __init__(self, width: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, width, 1, 1))
        self.belt = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.linear_0 = nn.Conv2d(width, 2 * width, 1)
        self.linear_1 = nn.Conv2d(width, width, 1)
        self.linear_2 = nn.Conv2d(width, width, 1)
        self.lde = _LocalDetail(width)
        self.dw_conv = nn.Conv2d(width, width, 3, padding=1, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        height, width = x.shape[2:]
        local, wide = self.linear_0(x).chunk(2, dim=1)
        pooled = functional.adaptive_max_pool2d(wide, (height // self.coarse, width // self.coarse))
        # Not torch.var(), which is many times slower on a CPU.
        mean = wide.mean((2, 3), keepdim=True)
        variance = (wide - mean).square_().sum((2, 3), keepdim=True) / (height * width - 1)
        mixed = self.linear_1(self.dw_conv(pooled) * self.alpha + variance * self.belt)
        weight = functional.interpolate(functional.gelu(mixed), (height, width), mode="nearest")
        return self.linear_2(wide * weight + self.lde(local))


class _LocalDetail(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_0 = nn.Sequential(
            nn.Conv2d(width, 2 * width, 3, padding=1, groups=width), nn.Conv2d(2 * width, 2 * width, 1)
        )
        self.conv_1 = nn.Conv2d(2 * width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_1(functional.gelu(self.conv_0(x)))


class _PartialConvolution(nn.Module):
    """A feed-forward network with a 3x3 convolution of a quarter of its channels (equation 8)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.parts = [hidden // 4, hidden - hidden // 4]
        self.conv_0 = nn.Conv2d(width, hidden, 1)
        self.conv_1 = nn.Conv2d(self.parts[0], self.parts[0], 3, padding=1)
        self.conv_2 = nn.Conv2d(hidden, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        convolved, kept = functional.gelu(self.conv_0(x)).split(self.parts, dim=1)
        return self.conv_2(torch.cat([functional.gelu(self.conv_1(convolved)), kept], dim=1))


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    width = shapes["to_feat.weight"][0]
    expansion = shapes["feats.0.pcfn.conv_0.weight"][0] / width
    return {"width": width, "blocks": count_of(shapes, "feats.{}.smfa.alpha"), "expansion": expansion}


ARCHITECTURE = Architecture(SMFANet, sizes=_sizes)
