"""DISTS (Ding et al., IEEE TPAMI 44, 2022) with weights read from local files.

The formula is that of the authors' package ``dists-pytorch``, which is not imported: its constructor asks a
hub for VGG16.  The tests compare with a network built from the package's own source and the same weights.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sisr.base.colour import Uint8Image, replicate
from sisr.base.errors import ModelError, ScoreError
from sisr.scoring.metrics import torch_file
from sisr.scoring.metrics.code import Setting
from sisr.scoring.metrics.lpips_backbone import read_backbone
from sisr.scoring.metrics.pairs import check_pair, size_text

#: Mean and deviation of ImageNet for RGB in [0, 1].
_MEAN = (0.485, 0.456, 0.406)
_DEVIATION = (0.229, 0.224, 0.225)
#: Channels of the image itself and of VGG16's stages, and convolutions of each stage.
_CHANNELS = (3, 64, 128, 256, 512, 512)
_DEPTHS = (2, 2, 3, 3, 3)
#: Smallest height and width that leave at least one value in the last stage.
_MINIMUM_SIZE = 16
_C1 = _C2 = 1e-6


def scorer(setting: Setting) -> DistsScorer:
    """DISTS as the registry asks for it; its files are ``backbone`` and ``weights``."""
    return DistsScorer(setting.files["backbone"], setting.files["weights"], setting.device)


class DistsScorer:
    """DISTS of pairs of images; reads the weights once and scores many pairs, one at a time.

    ``backbone``: VGG16 as in :mod:`sisr.scoring.metrics.lpips_backbone`; ``weights``: torch file with
    ``alpha`` and ``beta``, ``(1, 1475, 1, 1)`` each.  Arithmetic is float32; two equal images give exactly 0.

    Raises :class:`ModelError` if a file is missing or does not fit.
    """

    def __init__(self, backbone: Path, weights: Path, device: str = "cpu") -> None:
        self.device = torch.device(device)
        arrays = [torch.from_numpy(array).to(self.device) for array in read_backbone("vgg", Path(backbone))]
        if len(arrays) != 2 * sum(_DEPTHS):
            raise ModelError(f"{backbone}: expected {2 * sum(_DEPTHS)} arrays of VGG16, found {len(arrays)}")
        convolutions = iter(zip(arrays[::2], arrays[1::2], strict=True))
        self._stages = [[next(convolutions) for _ in range(depth)] for depth in _DEPTHS]
        self._alpha, self._beta = (value.to(self.device) for value in _read_weights(Path(weights)))
        taps = np.hanning(5)[1:-1]
        window = torch.from_numpy(np.outer(taps, taps) / taps.sum() ** 2).to(self.device, torch.float32)
        self._window = window[None, None]
        self._mean, self._deviation = (
            torch.tensor(value, device=self.device).view(1, 3, 1, 1) for value in (_MEAN, _DEVIATION)
        )

    @torch.inference_mode()
    def __call__(self, hr: Uint8Image, sr: Uint8Image) -> float:
        """DISTS of two uint8 images of one size; gray is replicated to RGB; nothing is cropped or shrunk.

        Raises :class:`ScoreError` for different sizes or images too small for the network.
        """
        check_pair(hr, sr)
        if min(hr.shape[:2]) < _MINIMUM_SIZE:
            raise ScoreError(
                f"image of {size_text(hr)} is too small: DISTS needs {_MINIMUM_SIZE}x{_MINIMUM_SIZE} pixels"
            )
        x, y = self._input(hr), self._input(sr)
        alphas, betas = (torch.split(weights, list(_CHANNELS)) for weights in (self._alpha, self._beta))
        total = self._distance(x, y, alphas[0], betas[0])
        x, y = ((image - self._mean) / self._deviation for image in (x, y))
        for index, stage in enumerate(self._stages):
            if index:
                x, y = self._pool(x), self._pool(y)
            for weight, bias in stage:
                x, y = (functional.relu(functional.conv2d(z, weight, bias, padding=1)) for z in (x, y))
            total += self._distance(x, y, alphas[index + 1], betas[index + 1])
        return float(total / (self._alpha.sum() + self._beta.sum()))

    def _input(self, image: Uint8Image) -> Tensor:
        pixels = torch.tensor(replicate(image), device=self.device).permute(2, 0, 1)[None]
        return pixels.to(torch.float32) / 255

    def _pool(self, features: Tensor) -> Tensor:
        """Every second value of a Hann-weighted root mean square over 3 x 3."""
        channels = features.shape[1]
        window = self._window.expand(channels, 1, 3, 3)
        return (functional.conv2d(features**2, window, stride=2, padding=1, groups=channels) + 1e-12).sqrt()

    @staticmethod
    def _distance(x: Tensor, y: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
        """Weighted loss of texture (means) and structure (covariances) over the channels of a stage."""
        x, y = x[0].flatten(1), y[0].flatten(1)
        mx, my = x.mean(1), y.mean(1)
        x, y = x - mx[:, None], y - my[:, None]
        texture = (2 * mx * my + _C1) / (mx**2 + my**2 + _C1)
        structure = (2 * (x * y).mean(1) + _C2) / ((x * x).mean(1) + (y * y).mean(1) + _C2)
        return (alpha * (1 - texture) + beta * (1 - structure)).sum()


def _read_weights(path: Path) -> tuple[Tensor, Tensor]:
    state = torch_file.read(path)
    expected = (1, sum(_CHANNELS), 1, 1)
    if not isinstance(state, dict) or any(
        not isinstance(state.get(key), Tensor) or state[key].shape != expected for key in ("alpha", "beta")
    ):
        raise ModelError(f"{path}: expected tensors alpha and beta of {expected}")
    return state["alpha"].flatten(), state["beta"].flatten()
