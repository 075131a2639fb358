"""Losses that BasicSR does not have, registered with it; its own perceptual loss asks a hub for its weights.

Both are for images on [0, 1]; luma is compared as a gray image.  They return BasicSR's pair of perceptual
and style loss, the latter None.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisr.scoring.metrics.perceptual import LpipsScorer, backbone_network

#: VGG16's last convolution before each pooling, by its stage.
LAYERS = {"conv1_2": 0, "conv2_2": 1, "conv3_3": 2, "conv4_3": 3, "conv5_3": 4}

#: ImageNet's mean and deviation of RGB on [0, 1], which torchvision's weights expect.
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)


class Vgg16Loss(nn.Module):
    """L1 distance of VGG16 features before the ReLU, summed over ``layers`` (name -> weight).

    The loss of ESRGAN (Wang et al., ECCV Workshops 2018, section 3.3) with VGG16 in place of VGG19, whose
    weights come in no package.  ``backbone``: ``vgg16.ckpt`` of asset ``lpips-backbones``.
    """

    def __init__(self, backbone: str, layers: Mapping[str, float], loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.layers = {LAYERS[name]: weight for name, weight in layers.items()}
        stages = list(backbone_network("vgg", Path(backbone)))[: max(self.layers) + 1]
        # Each stage ends with a ReLU, which comes after the comparison.
        self.before = nn.ModuleList(nn.Sequential(*list(stage.children())[:-1]) for stage in stages)
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(_DEVIATION).view(1, 3, 1, 1))

    def forward(self, sr: Tensor, hr: Tensor) -> tuple[Tensor, None]:
        x, y = self._normalised(sr), self._normalised(hr.detach())
        total = sr.new_zeros(())
        for number, layers in enumerate(self.before):
            x, y = layers(x), layers(y)
            if number in self.layers:
                total = total + self.layers[number] * functional.l1_loss(x, y)
            x, y = functional.relu(x), functional.relu(y)
        return self.loss_weight * total, None

    def _normalised(self, pixels: Tensor) -> Tensor:
        return (pixels.expand(-1, 3, -1, -1) - self.mean) / self.deviation


class LpipsLoss(nn.Module):
    """LPIPS v0.1 itself as a loss; ``net`` is ``alex`` or ``vgg``, ``backbone`` its weights."""

    def __init__(self, backbone: str, net: str, loss_weight: float = 1.0) -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self._arguments = (net, Path(backbone))
        self._scorer: LpipsScorer | None = None

    def forward(self, sr: Tensor, hr: Tensor) -> tuple[Tensor, None]:
        if self._scorer is None:
            self._scorer = LpipsScorer(*self._arguments, device=str(sr.device))
        sr, hr = (255 * pixels.expand(-1, 3, -1, -1) for pixels in (sr, hr.detach()))
        return self.loss_weight * self._scorer.distance(hr, sr), None


class WithEdges(nn.Module):
    """A pixel loss, and the distance of the edges that Edge-Informed SR predicts from those of HR.

    ``pixel`` is BasicSR's loss, ``edges(lr)`` gives logits.  Binary cross entropy stands in the place of the
    paper's adversarial and feature matching losses on edges (Nazeri et al., 2019, equations 3 to 5), which
    need a third discriminator.
    """

    def __init__(self, pixel: nn.Module, weight: float) -> None:
        super().__init__()
        self.pixel, self.weight = pixel, weight
        self.network: nn.Module | None = None
        self.lr: Tensor | None = None

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        from sisr.models.archs.edge_informed import canny

        assert self.network is not None
        assert self.lr is not None
        found = self.network.enlarged_edges(self.lr, canny(self.lr))  # type: ignore[operator]
        return self.pixel(sr, hr) + self.weight * functional.binary_cross_entropy(found, canny(hr))
