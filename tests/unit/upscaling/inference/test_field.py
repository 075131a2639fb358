"""How far a network looks, found without computing its sums: as far as when they are computed."""

from __future__ import annotations

import copy

import pytest
import torch
from sisr.models import archs
from sisr.upscaling.inference import field
from torch import Tensor, nn


class Attention(nn.Module):
    """Attention within windows of 8 pixels of a row, with linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(3, 9)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        tokens = x.permute(0, 2, 3, 1).reshape(-1, 8, channels)
        q, k, v = self.qkv(tokens).chunk(3, dim=-1)
        mixed = (q @ k.mT).softmax(-1) @ v
        return mixed.reshape(batch, height, width, channels).permute(0, 3, 1, 2)


NETWORKS = {
    "dilated": nn.Conv2d(3, 8, 3, padding=4, dilation=4),
    "grouped": nn.Sequential(nn.Conv2d(3, 6, 1), nn.Conv2d(6, 12, 5, padding=2, groups=3), nn.ReLU()),
    "one group only": nn.Sequential(nn.Conv2d(3, 3, 7, padding=3, groups=3), nn.Conv2d(3, 3, 1)),
    "strided": nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.ConvTranspose2d(4, 4, 4, 2, 1)),
    "transposed groups": nn.ConvTranspose2d(3, 9, 5, 1, 2, groups=3),
    "rows and columns": nn.Sequential(nn.Conv2d(3, 3, (1, 9), padding=(0, 4)), nn.Conv2d(3, 3, 3, padding=1)),
    "normalised": nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.GroupNorm(2, 4)),
    "attention": Attention(),
}
SCALES = {"espcn": 2, "pan": 4}


@pytest.mark.parametrize("name", [*NETWORKS, *SCALES])
def test_as_when_all_is_computed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    scale = SCALES.get(name, 1)
    network = NETWORKS[name] if name in NETWORKS else archs.build(name, scale)
    channels = 1 if name == "espcn" else 3
    found = (
        field.columns(copy.deepcopy(network), channels, scale, 8),
        field.reach(network, channels, scale, 8),
    )
    monkeypatch.setattr(field, "_SPREADS", {})
    computed = (
        field.columns(copy.deepcopy(network), channels, scale, 8),
        field.reach(network, channels, scale, 8),
    )
    assert found == computed
