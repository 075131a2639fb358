"""LapSRN: Lai et al., CVPR 2017, figure 1 and section 3.1, in the variant of pytorch-LapSRN."""

from __future__ import annotations

from torch import Tensor, nn

from sisr.models.architecture import Architecture


class LapSRN(nn.Module):
    """A Laplacian pyramid of two levels; each enlarges twofold and adds a predicted residual.

    Input ``(n, 1, h, w)`` luma in [0, 1], output ``(n, 1, s*h, s*w)``: the first level at x2, the second at
    x4, from one network.  870,112 parameters; like the published PyTorch weights, whose names the layers
    keep, and unlike the paper's network, no layer has a bias.
    """

    def __init__(self, scale: int, width: int = 64) -> None:
        super().__init__()
        if scale not in (2, 4):
            raise ValueError(f"LapSRN has x2 and x4, not x{scale}")
        self.levels = scale // 2
        self.conv_input = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.relu = nn.LeakyReLU(0.2, inplace=True)
        for level in (1, 2):
            self.add_module(f"convt_I{level}", nn.ConvTranspose2d(1, 1, 4, stride=2, padding=1, bias=False))
            self.add_module(f"convt_R{level}", nn.Conv2d(width, 1, 3, padding=1, bias=False))
            self.add_module(f"convt_F{level}", nn.Sequential(_FeatureEmbedding(width)))

    def forward(self, y: Tensor) -> Tensor:
        features = self.relu(self.conv_input(y))
        for level in range(1, self.levels + 1):
            features = self.get_submodule(f"convt_F{level}")(features)
            residual = self.get_submodule(f"convt_R{level}")(features)
            y = self.get_submodule(f"convt_I{level}")(y) + residual
        return y


class _FeatureEmbedding(nn.Module):
    """Ten 3x3 convolutions and a transposed one of stride 2, each with leaky ReLU."""

    def __init__(self, width: int, depth: int = 10) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(depth):
            layers += [nn.Conv2d(width, width, 3, padding=1, bias=False), nn.LeakyReLU(0.2, inplace=True)]
        layers += [
            nn.ConvTranspose2d(width, width, 4, stride=2, padding=1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
        ]
        self.cov_block = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.cov_block(x)


ARCHITECTURE = Architecture(LapSRN, colour="y")
