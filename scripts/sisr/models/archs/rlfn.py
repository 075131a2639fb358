"""RLFN: Kong et al., CVPR Workshops 2022 (NTIRE), figures 2 to 4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from sisr.models.architecture import Architecture, count_of

#: Names of the first convolution, of a block and of the convolution after all blocks: in the authors'
#: weights, and in those of the winner of NTIRE 2022.
_NAMES = {False: ("conv_1", "block_", "conv_2"), True: ("fea_conv", "B", "LR_conv")}


class RLFN(nn.Module):
    """Residual local feature blocks with enhanced spatial attention, one shortcut, one pixel shuffle.

    Input ``(n, 3, h, w)`` RGB in **[0, 255]**, output ``(n, 3, s*h, s*w)`` on the same range.  543,740
    parameters at x4, 526,856 at x2 (543K and 527K in the paper) with six blocks of width 52; 317,218 at x4
    with four of width 46 that widen to 48 (``middle``), which won NTIRE 2022 (0.317M in its report).  The
    attention pools with stride 3 after stride 2, and is stretched to the image's size, so a tile does not see
    what the whole image sees.  Layer names are those of the authors' weights, or with ``challenge`` those of
    the submission to NTIRE 2022.
    """

    #: Pixels that the pooling of the attention needs: 7 after a 3x3 convolution of stride 2.
    minimum_size = 15
    tiling = "discouraged"

    def __init__(
        self,
        scale: int,
        width: int = 52,
        middle: int | None = None,
        blocks: int = 6,
        narrow: int = 16,
        challenge: bool = False,
    ) -> None:
        super().__init__()
        first, block, last = _NAMES[challenge]
        self.add_module(first, nn.Conv2d(3, width, 3, padding=1))
        for number in range(1, blocks + 1):
            self.add_module(f"{block}{number}", _LocalFeatures(width, middle or width, narrow))
        self.add_module(last, nn.Conv2d(width, width, 3, padding=1))
        self.order = tuple(name for name, _ in self.named_children())
        self.upsampler = nn.Sequential(nn.Conv2d(width, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, rgb: Tensor) -> Tensor:
        first, *rest = (self.get_submodule(name) for name in self.order)
        shallow = x = first(rgb)
        for module in rest:
            x = module(x)
        return self.upsampler(x + shallow)


class _LocalFeatures(nn.Module):
    """Three 3x3 convolutions with a shortcut, a 1x1, and attention (figure 3 c)."""

    def __init__(self, width: int, middle: int, narrow: int) -> None:
        super().__init__()
        self.c1_r = nn.Conv2d(width, middle, 3, padding=1)
        self.c2_r = nn.Conv2d(middle, middle, 3, padding=1)
        self.c3_r = nn.Conv2d(middle, width, 3, padding=1)
        self.c5 = nn.Conv2d(width, width, 1)
        self.esa = _SpatialAttention(width, narrow)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for convolution in (self.c1_r, self.c2_r, self.c3_r):
            y = functional.leaky_relu(convolution(y), 0.05, inplace=True)
        return self.esa(self.c5(y + x))


class _SpatialAttention(nn.Module):
    """A mask from a coarse view: stride 2, pooling 7 by stride 3, bilinear back (figure 4 b)."""

    def __init__(self, width: int, narrow: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, narrow, 1)
        self.conv_f = nn.Conv2d(narrow, narrow, 1)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, stride=2)
        self.conv3 = nn.Conv2d(narrow, narrow, 3, padding=1)
        self.conv4 = nn.Conv2d(narrow, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        fine = self.conv1(x)
        coarse = self.conv3(functional.max_pool2d(self.conv2(fine), 7, stride=3))
        coarse = functional.interpolate(coarse, x.shape[2:], mode="bilinear", align_corners=False)
        return x * self.conv4(coarse + self.conv_f(fine)).sigmoid()


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    challenge = "fea_conv.weight" in shapes
    _, block, _ = _NAMES[challenge]
    middle, width, *_ = shapes[f"{block}1.c1_r.weight"]
    return {
        "width": width,
        "middle": middle,
        "blocks": count_of(shapes, f"{block}{{}}.c1_r.weight", start=1),
        "narrow": shapes[f"{block}1.esa.conv1.weight"][0],
        "challenge": challenge,
    }


ARCHITECTURE = Architecture(RLFN, input_range="0-255", sizes=_sizes)
