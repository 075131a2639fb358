"""LPIPS v0.1 (R. Zhang et al., CVPR 2018) with backbones read from local files.

The formula and the heads are those of the reference package ``lpips`` (its wheel holds the heads); only the
package's files are used.  Importing it would import torchvision, initialise the unused classifier of the
backbone (58 million values for AlexNet) and ask a hub for weights: several seconds in every scoring job for
the same numbers.  The tests compare this module with the package itself.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sisr.base.colour import Uint8Image, replicate
from sisr.base.errors import ModelError, ScoreError
from sisr.scoring import blocks
from sisr.scoring.metrics.code import Setting
from sisr.scoring.metrics.lpips_backbone import read_backbone
from sisr.scoring.metrics.pairs import check_pair, size_text
from sisr.scoring.metrics.protocol import NetworkProtocol, protocol

#: Mean and deviation of ImageNet for RGB in [-1, 1] (``lpips.ScalingLayer``).
_SHIFT = (-0.030, -0.088, -0.188)
_SCALE = (0.458, 0.448, 0.450)

#: Smallest height and width that leave at least one value after the last pooling of each net.
MINIMUM_SIZE = {"alex": 31, "vgg": 16, "squeeze": 17}


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1, padding: int = 0) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding), nn.ReLU()]


class _Fire(nn.Module):
    """Fire module of SqueezeNet: squeeze to few channels, then 1x1 and 3x3 convolutions side by side."""

    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.squeeze(x))
        return torch.cat([functional.relu(self.expand1x1(x)), functional.relu(self.expand3x3(x))], 1)


def _alex() -> list[list[nn.Module]]:
    return [
        _conv(3, 64, 11, stride=4, padding=2),
        [nn.MaxPool2d(3, 2), *_conv(64, 192, 5, padding=2)],
        [nn.MaxPool2d(3, 2), *_conv(192, 384, 3, padding=1)],
        _conv(384, 256, 3, padding=1),
        _conv(256, 256, 3, padding=1),
    ]


def _vgg() -> list[list[nn.Module]]:
    stages: list[list[nn.Module]] = []
    inputs = 3
    for outputs, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        stage: list[nn.Module] = [nn.MaxPool2d(2, 2)] if stages else []
        for _ in range(depth):
            stage += _conv(inputs, outputs, 3, padding=1)
            inputs = outputs
        stages.append(stage)
    return stages


def _squeeze() -> list[list[nn.Module]]:
    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return [
        _conv(3, 64, 3, stride=2),
        [pool(), _Fire(64, 16, 64), _Fire(128, 16, 64)],
        [pool(), _Fire(128, 32, 128), _Fire(256, 32, 128)],
        [pool(), _Fire(256, 48, 192)],
        [_Fire(384, 48, 192)],
        [_Fire(384, 64, 256)],
        [_Fire(512, 64, 256)],
    ]


_STAGES = {"alex": _alex, "vgg": _vgg, "squeeze": _squeeze}


def scorer(setting: Setting) -> LpipsScorer:
    """LPIPS as the registry asks for it; the protocol's file is ``backbone``."""
    rules = protocol(setting.protocol)
    assert isinstance(rules, NetworkProtocol)  # as its entry says
    assert rules.net is not None
    return LpipsScorer(rules.net, setting.files["backbone"], setting.device)


class LpipsScorer:
    """LPIPS of pairs of images; builds the network once and scores many pairs.

    ``net``: ``alex``, ``vgg`` or ``squeeze``; ``backbone``: its weights, see
    :mod:`sisr.scoring.metrics.lpips_backbone`.  Arithmetic is float32.  One pair at a time runs through the
    network, so a value does not depend on what else is scored; two equal images give exactly 0.  ``threads``
    sets torch's number of CPU threads for the whole process; by default it is left alone.

    Raises :class:`ModelError` if a file is missing or does not fit the network.
    """

    def __init__(self, net: str, backbone: Path, device: str = "cpu", threads: int | None = None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.net = net
        self.device = torch.device(device)
        self._stages = backbone_network(net, Path(backbone)).to(self.device)
        self._heads = [head.to(self.device) for head in _heads(net, len(self._stages))]
        self._shift = torch.tensor(_SHIFT, device=self.device).view(1, 3, 1, 1)
        self._scale = torch.tensor(_SCALE, device=self.device).view(1, 3, 1, 1)

    def __call__(self, hr: Uint8Image, sr: Uint8Image) -> float:
        """LPIPS of two uint8 images of one size; gray is replicated to RGB; nothing is cropped.

        Raises :class:`ScoreError` for different sizes or images too small for the network.
        """
        return float(sum((stage.mean() for stage in self._stages_of(hr, sr)), torch.zeros(())))

    def by_block(self, hr: Uint8Image, sr: Uint8Image) -> tuple[float, NDArray[np.float64]]:
        """LPIPS of two images, and of each block (:mod:`sisr.scoring.blocks`), whose mean over pixels it
        is.
        """
        total = torch.zeros(())
        parts: NDArray[np.float64] | None = None
        for stage in self._stages_of(hr, sr):
            total = total + stage.mean()
            part = blocks.spread(stage.cpu().numpy(), *hr.shape[:2])
            parts = part if parts is None else parts + part
        assert parts is not None  # every net has stages
        return float(total), parts

    @torch.inference_mode()
    def _stages_of(self, hr: Uint8Image, sr: Uint8Image) -> Iterator[Tensor]:
        """Weighted squared difference of the features of each stage, at each position of its map, (h, w)."""
        check_pair(hr, sr)
        smallest = MINIMUM_SIZE[self.net]
        if min(hr.shape[:2]) < smallest:
            raise ScoreError(
                f"image of {size_text(hr)} is too small: LPIPS {self.net} needs {smallest}x{smallest} pixels"
            )
        yield from (difference[0, 0] for difference in self._differences(self._pixels(hr), self._pixels(sr)))

    def distance(self, hr: Tensor, sr: Tensor) -> Tensor:
        """Mean LPIPS of two batches ``(n, 3, h, w)`` on [0, 255], differentiable by either."""
        means = (difference.mean() for difference in self._differences(hr, sr))
        return sum(means, torch.zeros((), device=self.device))

    def _differences(self, hr: Tensor, sr: Tensor) -> Iterator[Tensor]:
        """Of two batches on [0, 255], the weighted squared difference at each stage, ``(n, 1, h', w')``."""
        x, y = self._normalised(hr), self._normalised(sr)
        # Both images advance together, so that only one stage's features are held.
        for stage, head in zip(self._stages, self._heads, strict=True):
            x, y = stage(x), stage(y)
            difference = (_unit_length(x) - _unit_length(y)) ** 2
            yield functional.conv2d(difference, head)

    def _pixels(self, image: Uint8Image) -> Tensor:
        pixels = torch.tensor(replicate(image), device=self.device).permute(2, 0, 1)[None]
        return pixels.to(torch.float32)

    def _normalised(self, pixels: Tensor) -> Tensor:
        return (pixels / 127.5 - 1 - self._shift) / self._scale


def backbone_network(net: str, backbone: Path) -> nn.ModuleList:
    """The stages of a backbone with their weights, frozen, on the CPU.

    Each stage takes the output of the one before it and ends with a ReLU.  Raises :class:`ModelError` if the
    file does not fit the network.
    """
    arrays = read_backbone(net, backbone)
    # On the meta device nothing is allocated or initialised: no time, no change of the random state.
    with torch.device("meta"):
        network = nn.ModuleList(nn.Sequential(*stage) for stage in _STAGES[net]())
    keys = network.state_dict()
    expected = [tuple(value.shape) for value in keys.values()]
    found = [array.shape for array in arrays]
    if expected != found:
        odd = next((i for i, (e, f) in enumerate(zip(expected, found, strict=False)) if e != f), None)
        detail = f"{len(found)} arrays" if odd is None else f"{found[odd]} for {expected[odd]}"
        raise ModelError(f"{backbone}: expected the {len(expected)} arrays of {net}, found {detail}")
    state = {key: torch.from_numpy(array) for key, array in zip(keys, arrays, strict=True)}
    network.load_state_dict(state, strict=True, assign=True)
    return network.requires_grad_(False).eval()


def _unit_length(features: Tensor) -> Tensor:
    """Features scaled to length 1 over the channels at each position (eps as in the reference)."""
    return features / (features.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)


def _heads(net: str, stages: int) -> Sequence[Tensor]:
    """The 1x1 convolutions of release v0.1, one ``(1, channels, 1, 1)`` per stage, from the lpips package."""
    spec = importlib.util.find_spec("lpips")  # finds the folder without importing the package
    if spec is None or not spec.submodule_search_locations:
        raise ModelError("LPIPS needs the package 'lpips', whose wheel holds the heads; it is not installed")
    path = Path(spec.submodule_search_locations[0]) / "weights" / "v0.1" / f"{net}.pth"
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{path}: cannot read the LPIPS heads: {error.strerror}") from None
    keys = [f"lin{index}.model.1.weight" for index in range(stages)]
    if sorted(state) != sorted(keys):
        raise ModelError(f"{path}: expected {', '.join(keys)}, found {', '.join(state)}")
    return [state[key] for key in keys]
