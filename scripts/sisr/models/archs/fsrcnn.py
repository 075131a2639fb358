"""FSRCNN: Dong et al., ECCV 2016, section 3.2 and figure 2."""

from __future__ import annotations

from torch import Tensor, nn

from sisr.models.architecture import Architecture


class FSRCNN(nn.Module):
    """Feature extraction, shrinking, mapping, expanding in LR space, then a learned enlargement.

    Input ``(n, 1, h, w)`` luma in [0, 1], output ``(n, 1, s*h, s*w)``.  FSRCNN(56, 12, 4) by default, with
    12,464 weights at any scale (table 1 of the paper; biases and PReLU slopes are 345 more);
    ``width=32, shrunk=5, depth=1`` is FSRCNN-s with its 3,937.  Layer names are those of yjn870's port.
    """

    def __init__(self, scale: int, width: int = 56, shrunk: int = 12, depth: int = 4) -> None:
        super().__init__()
        self.first_part = nn.Sequential(nn.Conv2d(1, width, 5, padding=2), nn.PReLU(width))
        middle: list[nn.Module] = [nn.Conv2d(width, shrunk, 1), nn.PReLU(shrunk)]
        for _ in range(depth):
            middle += [nn.Conv2d(shrunk, shrunk, 3, padding=1), nn.PReLU(shrunk)]
        self.mid_part = nn.Sequential(*middle, nn.Conv2d(shrunk, width, 1), nn.PReLU(width))
        self.last_part = nn.ConvTranspose2d(width, 1, 9, stride=scale, padding=4, output_padding=scale - 1)

    def forward(self, y: Tensor) -> Tensor:
        return self.last_part(self.mid_part(self.first_part(y)))


ARCHITECTURE = Architecture(FSRCNN, colour="y", forms=({}, {"width": 32, "shrunk": 5, "depth": 1}))
