"""CARN-M: Ahn et al., ECCV 2018, figures 2 and 3 and section 3.3 (the mobile variant)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sisr.models.architecture import Architecture

#: Mean of DIV2K's RGB on [0, 1], as the authors' weights hold it.
_MEAN = (0.4488, 0.4371, 0.4040)


class CARNM(nn.Module):
    """Three cascading blocks of three passes through one efficient residual block each.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``, s of 2, 3, 4.  One network for all
    scales: 414,811 numbers with the enlarging layers of x2, x3 and x4 and the two mean shifts (24), which are
    not trained; the paper's tables say 412K.  Grouped 3x3 convolutions (4 groups) and the sharing of a
    residual block inside a cascading block make it the mobile variant.  Layer names are those of the
    authors' weights.
    """

    def __init__(self, scale: int, width: int = 64, groups: int = 4) -> None:
        super().__init__()
        if scale not in (2, 3, 4):
            raise ValueError(f"CARN-M has x2, x3 and x4, not x{scale}")
        self.scale = scale
        self.sub_mean = _MeanShift(-1)
        self.add_mean = _MeanShift(1)
        self.entry = nn.Conv2d(3, width, 3, padding=1)
        for number in (1, 2, 3):
            self.add_module(f"b{number}", _CascadingBlock(width, groups))
        _add_fusions(self, width)
        self.upsample = nn.ModuleDict({f"up{s}": _Enlargement(width, s, groups) for s in (2, 3, 4)})
        self.exit = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, rgb: Tensor) -> Tensor:
        blocks = tuple(self.get_submodule(f"b{number}") for number in (1, 2, 3))
        x = _cascade(self, self.entry(self.sub_mean(rgb)), blocks)
        return self.add_mean(self.exit(self.upsample[f"up{self.scale}"](x)))


class _MeanShift(nn.Module):
    """Subtracts or adds the mean colour; a 1x1 convolution, as in the weights."""

    def __init__(self, sign: int) -> None:
        super().__init__()
        self.shifter = nn.Conv2d(3, 3, 1)
        self.shifter.weight.data = torch.eye(3)[..., None, None]
        self.shifter.bias = nn.Parameter(sign * torch.tensor(_MEAN))

    def forward(self, x: Tensor) -> Tensor:
        return self.shifter(x)


class _Fusion(nn.Module):
    """1x1 convolution and ReLU of everything that came before (figure 2)."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(inputs * width, width, 1), nn.ReLU(inplace=True))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


def _add_fusions(module: nn.Module, width: int) -> None:
    for number in (1, 2, 3):
        module.add_module(f"c{number}", _Fusion(number + 1, width))


def _cascade(module: nn.Module, x: Tensor, blocks: tuple[nn.Module, ...]) -> Tensor:
    """Each block's output joins all earlier ones, and a fusion of them feeds the next (equations 4 and 5)."""
    gathered = x
    for number, block in enumerate(blocks, 1):
        gathered = torch.cat([gathered, block(x)], dim=1)
        x = module.get_submodule(f"c{number}")(gathered)
    return x


class _CascadingBlock(nn.Module):
    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.b1 = _EfficientResidual(width, groups)
        _add_fusions(self, width)

    def forward(self, x: Tensor) -> Tensor:
        return _cascade(self, x, (self.b1, self.b1, self.b1))


class _EfficientResidual(nn.Module):
    """Two grouped 3x3 convolutions and a 1x1, with a shortcut (figure 3 c)."""

    def __init__(self, width: int, groups: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=groups),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, groups=groups),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + x)


class _Enlargement(nn.Module):
    """Convolution, ReLU, pixel shuffle; twice for x4."""

    def __init__(self, width: int, scale: int, groups: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for factor in (2, 2) if scale == 4 else (scale,):
            layers += [
                nn.Conv2d(width, width * factor**2, 3, padding=1, groups=groups),
                nn.ReLU(inplace=True),
                nn.PixelShuffle(factor),
            ]
        self.body = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x)


ARCHITECTURE = Architecture(CARNM)
