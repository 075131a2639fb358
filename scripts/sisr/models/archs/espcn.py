"""ESPCN: Shi et al., CVPR 2016, section 3.1 and equation 4."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture


class ESPCN(nn.Module):
    """Three convolutions in LR space, then a sub-pixel (pixel shuffle) layer.

    Input ``(n, 1, h, w)`` luma in [0, 1], output ``(n, 1, s*h, s*w)``.  Filters 5-3-3 and widths 64-32 with
    tanh, as in the paper; the receptive field is 9 LR pixels.  The image's border is repeated outwards once
    instead of padding every layer with zeros, so that an image has no dark frame.
    """

    #: LR pixels that the convolutions look beyond a pixel: 2 + 1 + 1.
    reach = 4

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 64, 5), nn.Tanh(), nn.Conv2d(64, 32, 3), nn.Tanh())
        self.subpixel = nn.Conv2d(32, scale**2, 3)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, y: Tensor) -> Tensor:
        padded = functional.pad(y, (self.reach,) * 4, mode="replicate")
        return self.shuffle(self.subpixel(self.features(padded)))

    @torch.no_grad()
    def start_from_zero_detail(self) -> None:
        """Initialise so that short training starts from a sane image: small last layer, mid-gray bias."""
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.xavier_normal_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.normal_(self.subpixel.weight, std=0.01)
        if self.subpixel.bias is not None:
            nn.init.constant_(self.subpixel.bias, 0.5)


ARCHITECTURE = Architecture(ESPCN, colour="y")
