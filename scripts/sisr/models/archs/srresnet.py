"""SRResNet without batch normalisation, as OpenMMLab published it with weights ("MSRResNet").

The network: Ledig et al., CVPR 2017, figure 4; dropping the normalisation: Lim et al., CVPR Workshops 2017.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture


class SRResNet(nn.Module):
    """Sixteen residual blocks, pixel shuffles, and the bilinear enlargement as a shortcut.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)``, s of 2, 3, 4.  1,517,571 parameters at
    x4.  BasicSR's class of this name has the same layers, but an activation after each pixel shuffle; these
    weights were trained without one.  Layer names are those of OpenMMLab's weights.
    """

    def __init__(self, scale: int, width: int = 64, blocks: int = 16) -> None:
        super().__init__()
        if scale not in (2, 3, 4):
            raise ValueError(f"SRResNet has x2, x3 and x4, not x{scale}")
        self.scale = scale
        steps = (2, 2) if scale == 4 else (scale,)
        self.generator = nn.ModuleDict(
            {
                "conv_first": nn.Conv2d(3, width, 3, padding=1),
                "trunk_net": nn.Sequential(*(_Residual(width) for _ in range(blocks))),
                **{f"upsample{n}": _Enlargement(width, factor) for n, factor in enumerate(steps, 1)},
                "conv_hr": nn.Conv2d(width, width, 3, padding=1),
                "conv_last": nn.Conv2d(width, 3, 3, padding=1),
            }
        )

    def forward(self, rgb: Tensor) -> Tensor:
        layers = self.generator
        x = layers["trunk_net"](functional.leaky_relu(layers["conv_first"](rgb), 0.1))
        for number in (1, 2) if self.scale == 4 else (1,):
            x = layers[f"upsample{number}"](x)
        detail = layers["conv_last"](functional.leaky_relu(layers["conv_hr"](x), 0.1))
        return detail + functional.interpolate(rgb, scale_factor=self.scale, mode="bilinear")


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(functional.relu(self.conv1(x)))


class _Enlargement(nn.Module):
    def __init__(self, width: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.upsample_conv = nn.Conv2d(width, width * factor**2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return functional.pixel_shuffle(self.upsample_conv(x), self.factor)


ARCHITECTURE = Architecture(SRResNet)
