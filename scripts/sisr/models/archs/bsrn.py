"""BSRN: Li et al., CVPR Workshops 2022 (NTIRE), figures 2 to 4; BSRN-S won the track on complexity."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture, count_of
from sisr.models.archs.imdn import ContrastAttention


class BlueprintBlocks(nn.Module):
    """Copies of the image through blocks in a row whose outputs are fused, one shortcut, one pixel shuffle.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``.
    """

    def __init__(
        self, scale: int, width: int, blocks: Sequence[nn.Module], copies: int, linear: bool = False
    ) -> None:
        super().__init__()
        self.copies = copies
        self.fea_conv = Blueprint(3 * copies, width, linear=linear)
        self.blocks = tuple(f"B{number}" for number, _ in enumerate(blocks, 1))
        for name, block in zip(self.blocks, blocks, strict=True):
            self.add_module(name, block)
        self.c1 = pointwise(len(blocks) * width, width, linear)
        self.c2 = Blueprint(width, width, linear=linear)
        self.upsampler = nn.Sequential(nn.Conv2d(width, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, rgb: Tensor) -> Tensor:
        shallow = x = self.fea_conv(rgb.repeat(1, self.copies, 1, 1))
        outputs = []
        for name in self.blocks:
            x = self.get_submodule(name)(x)
            outputs.append(x)
        return self.upsampler(self.c2(functional.gelu(self.c1(torch.cat(outputs, 1)))) + shallow)


class BSRN(BlueprintBlocks):
    """Blueprint separable convolutions in distillation blocks with spatial and channel attention.

    352,400 parameters at x4, 331,628 at x2 (352K and 332K in the paper) with eight blocks of width 64; with
    ``small`` 156,288 at x4 with five of width 48 (BSRN-S, 156K), where weights of a channel stand for the
    channel attention.  The attentions look at the whole image, so every output pixel depends on every input
    pixel.  Layer names are those of the authors' weights.
    """

    #: Pixels that the pooling of the attention needs: 7 after a 3x3 convolution of stride 2.
    minimum_size = 15
    #: The attention of a tile is not that of the whole image.
    tiling = "discouraged"

    def __init__(
        self,
        scale: int,
        width: int = 64,
        blocks: int = 8,
        narrow: int = 16,
        copies: int = 4,
        small: bool = False,
    ) -> None:
        super().__init__(scale, width, [_Block(width, narrow, small) for _ in range(blocks)], copies, small)
        self.upsampler = nn.Sequential(OrderedDict(upsampleOneStep=self.upsampler))


class Distillation(nn.Module):
    """Three times: half of the channels by a 1x1, a blueprint convolution with a shortcut (figure 3 b).

    ``merged`` says that the shortcuts are within the convolutions' weights.
    """

    def __init__(self, width: int, linear: bool = False, merged: bool = False) -> None:
        super().__init__()
        self.merged = merged
        half = width // 2
        for number in (1, 2, 3):
            self.add_module(f"c{number}_d", pointwise(width, half, linear))
            self.add_module(f"c{number}_r", Blueprint(width, width, linear=linear))
        self.c4 = Blueprint(width, half, linear=linear)
        self.c5 = pointwise(4 * half, width, linear)

    def distilled(self, x: Tensor) -> Tensor:
        kept = []
        for number in (1, 2, 3):
            kept.append(functional.gelu(self.get_submodule(f"c{number}_d")(x)))
            y = self.get_submodule(f"c{number}_r")(x)
            x = functional.gelu(y if self.merged else y + x)
        kept.append(functional.gelu(self.c4(x)))
        return self.c5(torch.cat(kept, 1))


class _Block(Distillation):
    def __init__(self, width: int, narrow: int, small: bool) -> None:
        super().__init__(width, small)
        self.esa = _SpatialAttention(width, narrow, small)
        self.small = small
        if small:
            self.cw = nn.Parameter(torch.ones(1, width))
            self.conv_out = pointwise(width, width, linear=True)
        else:
            self.cca = ContrastAttention(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.esa(self.distilled(x))
        return (self.conv_out(y * self.cw[..., None, None]) if self.small else self.cca(y)) + x


class _SpatialAttention(nn.Module):
    """ESA of blueprint convolutions: stride 2, pooling 7 by stride 3, three convolutions, bilinear back."""

    def __init__(self, width: int, narrow: int, linear: bool) -> None:
        super().__init__()
        self.conv1 = pointwise(width, narrow, linear)
        self.conv_f = pointwise(narrow, narrow, linear)
        self.conv_max = Blueprint(narrow, narrow, linear=linear)
        self.conv2 = (
            nn.Conv2d(narrow, narrow, 3, stride=2)
            if linear
            else Blueprint(narrow, narrow, stride=2, padding=0)
        )
        self.conv3 = Blueprint(narrow, narrow, linear=linear)
        self.conv3_ = Blueprint(narrow, narrow, linear=linear)
        self.conv4 = pointwise(narrow, width, linear)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.conv1(x)
        coarse = functional.gelu(self.conv_max(functional.max_pool2d(self.conv2(fine), 7, stride=3)))
        coarse = self.conv3_(functional.gelu(self.conv3(coarse)))
        coarse = functional.interpolate(coarse, x.shape[2:], mode="bilinear", align_corners=False)
        return x * self.conv4(coarse + self.conv_f(fine)).sigmoid()


class Blueprint(nn.Module):
    """A 1x1 convolution, and a 3x3 one of each channel by itself.

    Haase, Amthor, Rethinking depthwise separable convolutions, CVPR 2020 ("BSConv-U").
    """

    def __init__(
        self, inputs: int, outputs: int, stride: int = 1, padding: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        self.pw = pointwise(inputs, outputs, linear, bias=linear)
        self.dw = nn.Conv2d(outputs, outputs, 3, stride, padding, groups=outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.dw(self.pw(x))


class _Linear(nn.Linear):
    """A 1x1 convolution whose weights are a matrix."""

    def forward(self, input: Tensor) -> Tensor:
        return functional.conv2d(input, self.weight[..., None, None], self.bias)


def pointwise(inputs: int, outputs: int, linear: bool = False, bias: bool = True) -> nn.Module:
    """A 1x1 convolution, whose weights are a matrix where ``linear``."""
    return _Linear(inputs, outputs, bias) if linear else nn.Conv2d(inputs, outputs, 1, bias=bias)


def frame(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Sizes of :class:`BlueprintBlocks`."""
    width, inputs, *_ = shapes["fea_conv.pw.weight"]
    return {"width": width, "blocks": count_of(shapes, "B{}.c5.weight", start=1), "copies": inputs // 3}


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    return {**frame(shapes), "narrow": shapes["B1.esa.conv1.weight"][0], "small": "B1.cw" in shapes}


ARCHITECTURE = Architecture(BSRN, sizes=_sizes)
