"""PlainUSR: Wang et al., ACCV 2024, figures 2 to 5, re-parameterised, as its authors publish it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture, count_of


class PlainUSR(nn.Module):
    """A U-Net over channels, not sizes: each block refines the first channels and leaves the rest.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``.  ``widths`` are those of the blocks
    from the outermost to the middle one; the image itself goes along in three more channels.  333,108
    parameters at x4.  In PlainUSR-U and -T (``light``) only the middle block has attention, of one
    convolution.  Layer names are those of the authors' weights.
    """

    def __init__(
        self,
        scale: int,
        widths: Sequence[int] = (64, 48, 32),
        convolutions: int = 2,
        narrow: int = 16,
        light: bool = False,
    ) -> None:
        super().__init__()
        #: Pixels that the pooling of the attention needs.  It is stretched to the image's size, so a tile
        #: does not see what the whole image sees.
        self.minimum_size = 1 if light else 7
        self.tiling = "supported" if light else "discouraged"
        *outer, middle = widths
        channels = widths[0] + 3
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        names = [f"block{number}" for number in range(1, 2 * len(outer) + 1)]
        names.insert(len(outer), "blockm")
        self.order = list(zip(names, [*outer, middle, *reversed(outer)], strict=True))
        for name, width in self.order:
            attention: list[nn.Module] = [_LocalImportance(width, narrow)]
            if light:
                attention = [_Importance(width)] if name == "blockm" else []
            self.add_module(name, _Block(width, convolutions, attention))
        self.tail = nn.Sequential(nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, rgb: Tensor) -> Tensor:
        x = self.head(rgb)
        for name, width in self.order:
            refined = self.get_submodule(name)(x[:, :width])
            x = torch.cat([refined, x[:, width:]], dim=1)
        return self.tail(x)


class _Block(nn.Module):
    """3x3 convolutions and, at their end, attention."""

    def __init__(self, width: int, convolutions: int, attention: Sequence[nn.Module]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(convolutions):
            layers += [nn.Conv2d(width, width, 3, padding=1), nn.LeakyReLU(0.05, inplace=True)]
        self.body = nn.Sequential(*layers[:-1], *attention)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


class _Importance(nn.Module):
    """Weighs each feature by what a convolution says, and each pixel by its first channel (figure 4)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(width, width, 3, padding=1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        importance = self.body(x)
        if importance.shape != x.shape:
            importance = functional.interpolate(importance, x.shape[2:], mode="bilinear", align_corners=False)
        return x * importance * x[:, :1].sigmoid()


class _LocalImportance(_Importance):
    """The same from a coarse view."""

    def __init__(self, width: int, narrow: int) -> None:
        super().__init__(width)
        self.body = nn.Sequential(
            nn.Conv2d(width, narrow, 1),
            _SoftPooling(),
            nn.Conv2d(narrow, narrow, 3, stride=2, padding=1),
            nn.Conv2d(narrow, width, 3, padding=1),
            nn.Sigmoid(),
        )


class _SoftPooling(nn.Module):
    """Means of 7x7 pixels, each weighted by its exponential."""

    def forward(self, x: Tensor) -> Tensor:
        weight = x.exp()
        return functional.avg_pool2d(weight * x, 7, stride=3) / functional.avg_pool2d(weight, 7, stride=3)


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    outer = count_of(shapes, "block{}.body.0.weight", start=1) // 2
    names = [*(f"block{number}" for number in range(1, outer + 1)), "blockm"]
    convolutions = sum(f"blockm.body.{number}.weight" in shapes for number in range(0, 8, 2))
    attention = f"body.{2 * convolutions - 1}.body.0.weight"
    form: dict[str, Any] = {
        "widths": [shapes[f"{name}.body.0.weight"][0] for name in names],
        "convolutions": convolutions,
    }
    if f"block1.{attention}" not in shapes:
        return {**form, "light": True}
    return {**form, "narrow": shapes[f"blockm.{attention}"][0]}


ARCHITECTURE = Architecture(PlainUSR, sizes=_sizes)
