"""VapSR: Zhou et al., ECCV Workshops 2022, figures 2 and 5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture, count_of


class VapSR(nn.Module):
    """Blocks of pixel attention with a vast receptive field, one shortcut, pixel shuffles.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``.  342,220 parameters at x4 with 21
    blocks of width 48 (342K in the paper), 329,236 at x2 with 20; 154,956 at x4 with 11 of width 32 (VapSR-S,
    155K), whose convolution after them has two ``groups``.  ``middle`` are the features between the two last
    convolutions, of which a first pixel shuffle at x4 leaves a quarter.  Layer names are those of the
    authors' weights.
    """

    def __init__(
        self,
        scale: int,
        width: int = 48,
        inner: int = 64,
        blocks: int = 21,
        groups: int = 1,
        middle: int = 64,
    ) -> None:
        super().__init__()
        self.conv_first = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*(_Block(width, inner) for _ in range(blocks)))
        self.conv_body = nn.Conv2d(width, width, 3, padding=1, groups=groups)
        first = nn.Conv2d(width, middle, 3, padding=1)
        if scale == 4:
            steps = [first, nn.PixelShuffle(2), _activation(), nn.Conv2d(middle // 4, 12, 3, padding=1)]
        else:
            steps = [first, _activation(), nn.Conv2d(middle, 3 * scale**2, 3, padding=1)]
        self.upsampler = nn.Sequential(*steps, nn.PixelShuffle(2 if scale == 4 else scale))

    def forward(self, rgb: Tensor) -> Tensor:
        shallow = self.conv_first(rgb)
        return self.upsampler(self.conv_body(self.body(shallow)) + shallow)


def _activation() -> nn.Module:
    return nn.LeakyReLU(0.1, inplace=True)


class _Block(nn.Module):
    """Attention between two 1x1 convolutions, a shortcut, and each pixel normalised (figure 5 f)."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.proj_1 = nn.Conv2d(width, inner, 1)
        self.atten_branch = VastAttention(inner)
        self.proj_2 = nn.Conv2d(inner, width, 1)
        self.pixel_norm = PixelNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.pixel_norm(self.proj_2(self.atten_branch(functional.gelu(self.proj_1(x)))) + x)


class VastAttention(nn.Module):
    """Every value times a weight from 17x17 pixels: a 1x1 convolution, and two of each channel by itself."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.pointwise = nn.Conv2d(width, width, 1)
        self.depthwise = nn.Conv2d(width, width, 5, padding=2, groups=width)
        self.depthwise_dilated = nn.Conv2d(width, width, 5, padding=6, dilation=3, groups=width)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.depthwise_dilated(self.depthwise(self.pointwise(x)))


class PixelNorm(nn.LayerNorm):
    """Mean 0 and deviation 1 over the channels of each pixel, then a scale and an offset a channel."""

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    inner, width, *_ = shapes["body.0.proj_1.weight"]
    return {
        "width": width,
        "inner": inner,
        "blocks": count_of(shapes, "body.{}.proj_1.weight"),
        "groups": width // shapes["conv_body.weight"][1],
        "middle": shapes["upsampler.0.weight"][0],
    }


ARCHITECTURE = Architecture(VapSR, sizes=_sizes)
