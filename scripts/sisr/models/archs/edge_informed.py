"""Edge-Informed SR: Nazeri et al., ICCV Workshops 2019, section 3: edges first, then colour."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from sisr.models.architecture import Architecture


class EdgeInformedSR(nn.Module):
    """Two generators: one enlarges the edge map, the other fills in the image with its help.

    Input ``(n, 3, h, w)`` RGB in [0, 1], output ``(n, 3, s*h, s*w)`` in (0, 1).  Edges of LR are Canny's, of
    the gray image.  The edge generator sees image and edges enlarged by nearest neighbour; the SR
    generator sees the pixels of LR on the grid of HR with zeros between them, and the edges of HR.  Both work
    at the size of HR and have a quarter of it in their middle, which has to come out even.  Their weights
    were never released.  10,764,225 parameters for the edges and 10,774,595 for the image.
    """

    tiling = "discouraged"

    def __init__(self, scale: int, blocks: int = 8) -> None:
        super().__init__()
        self.scale = scale
        self.multiple_of = max(1, 4 // scale)
        #: Reflection by 2 pixels in the middle needs 3 there, which are 12 of HR.
        self.minimum_size = -(-12 // scale)
        self.edges = _Generator(outputs=1, blocks=blocks, spectral=True)
        self.image = _Generator(outputs=3, blocks=blocks, spectral=False)

    def forward(self, rgb: Tensor) -> Tensor:
        edges = self.enlarged_edges(rgb, canny(rgb))
        spread = rgb.new_zeros(*rgb.shape[:2], *(self.scale * side for side in rgb.shape[2:]))
        spread[..., :: self.scale, :: self.scale] = rgb
        return (torch.tanh(self.image(torch.cat([spread, edges], dim=1))) + 1) / 2

    def enlarged_edges(self, rgb: Tensor, edges: Tensor) -> Tensor:
        """Edges of HR, ``(n, 1, s*h, s*w)`` in (0, 1), from an image and its edges of LR."""
        both = torch.cat([rgb, edges], dim=1)
        return torch.sigmoid(self.edges(functional.interpolate(both, scale_factor=self.scale)))


def canny(rgb: Tensor, sigma: float = 2.0) -> Tensor:
    """Canny's edges, 0 or 1, ``(n, 1, h, w)``; thresholds of 0.1 and 0.2 of the range on the gradient.

    The authors use scikit-image with the same thresholds; the two libraries differ at single pixels.
    """
    found = []
    for image in rgb.detach().float().clamp(0, 1).cpu().numpy():
        gray = cv2.cvtColor(np.ascontiguousarray(image.transpose(1, 2, 0)), cv2.COLOR_RGB2GRAY)
        smooth = cv2.GaussianBlur(gray, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        # Sobel's kernels sum to 4 on either side.
        edges = cv2.Canny(np.rint(255 * smooth).astype(np.uint8), 4 * 25.5, 8 * 25.5, L2gradient=True)
        found.append(edges > 0)
    return torch.from_numpy(np.stack(found))[:, None].to(rgb)


class _Generator(nn.Module):
    """Two halvings, residual blocks with dilation 2, two doublings; instance normalisation throughout."""

    def __init__(self, outputs: int, blocks: int, spectral: bool) -> None:
        super().__init__()
        wrap = spectral_norm if spectral else lambda layer: layer
        self.encoder = nn.Sequential(
            nn.ReflectionPad2d(3),
            *_normed(wrap(nn.Conv2d(4, 64, 7)), 64),
            *_normed(wrap(nn.Conv2d(64, 128, 4, stride=2, padding=1)), 128),
            *_normed(wrap(nn.Conv2d(128, 256, 4, stride=2, padding=1)), 256),
        )
        self.middle = nn.Sequential(*(_Residual(256, wrap, bias=not spectral) for _ in range(blocks)))
        self.decoder = nn.Sequential(
            *_normed(wrap(nn.ConvTranspose2d(256, 128, 4, stride=2, padding=1)), 128),
            *_normed(wrap(nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1)), 64),
            nn.ReflectionPad2d(3),
            nn.Conv2d(64, outputs, 7),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.decoder(self.middle(self.encoder(x)))


def _normed(layer: nn.Module, width: int) -> tuple[nn.Module, ...]:
    return layer, nn.InstanceNorm2d(width), nn.ReLU()


class _Residual(nn.Module):
    def __init__(self, width: int, wrap, bias: bool) -> None:  # type: ignore[no-untyped-def]
        super().__init__()
        self.conv_block = nn.Sequential(
            nn.ReflectionPad2d(2),
            *_normed(wrap(nn.Conv2d(width, width, 3, dilation=2, bias=bias)), width),
            nn.ReflectionPad2d(1),
            wrap(nn.Conv2d(width, width, 3, bias=bias)),
            nn.InstanceNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv_block(x)


ARCHITECTURE = Architecture(EdgeInformedSR)
