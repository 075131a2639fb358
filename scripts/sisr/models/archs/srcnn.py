"""SRCNN: Dong et al., ECCV 2014 and IEEE TPAMI 38(2), 2016, equations 1 to 3."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sisr.models.architecture import Architecture


class SRCNN(nn.Module):
    """Three convolutions on the bicubic enlargement: patches, non-linear mapping, reconstruction.

    Input and output ``(n, 1, H, W)`` luma in [0, 1], already at the size of the output.  ``kernels`` is
    9-5-5 for the larger network of the TPAMI paper (57,184 weights) and 9-1-5 for that of the ECCV paper
    (8,032); biases are 97 more.  The receptive field is 17 or 13 pixels of the output.  ``scale`` is ignored,
    but the published weights are one set a scale.
    """

    def __init__(self, scale: int | None = None, kernels: Sequence[int] = (9, 5, 5)) -> None:
        super().__init__()
        first, second, third = kernels
        self.conv1 = nn.Conv2d(1, 64, first, padding=first // 2)
        self.conv2 = nn.Conv2d(64, 32, second, padding=second // 2)
        self.conv3 = nn.Conv2d(32, 1, third, padding=third // 2)

    def forward(self, y: Tensor) -> Tensor:
        return self.conv3(torch.relu(self.conv2(torch.relu(self.conv1(y)))))


ARCHITECTURE = Architecture(SRCNN, colour="y")
