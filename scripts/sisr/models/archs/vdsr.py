"""VDSR: Kim et al., CVPR 2016, section 3.1 and figure 2."""

from __future__ import annotations

from torch import Tensor, nn

from sisr.models.architecture import Architecture


class _ConvReLU(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv(x))


class VDSR(nn.Module):
    """Twenty 3x3 convolutions of width 64 that predict the residual of the bicubic enlargement.

    Input and output ``(n, 1, H, W)`` luma in [0, 1], already at the size of the output.  664,704 parameters:
    2 * 9 * 64 + 18 * 9 * 64 * 64, without biases as in the weights of pytorch-vdsr, whose names the layers
    keep.  ``scale`` is ignored: one network serves all scales.
    """

    def __init__(self, scale: int | None = None) -> None:
        super().__init__()
        width = 64
        self.input = nn.Conv2d(1, width, 3, padding=1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.residual_layer = nn.Sequential(*(_ConvReLU(width) for _ in range(18)))
        self.output = nn.Conv2d(width, 1, 3, padding=1, bias=False)

    def forward(self, y: Tensor) -> Tensor:
        return y + self.output(self.residual_layer(self.relu(self.input(y))))


ARCHITECTURE = Architecture(VDSR, colour="y")
