"""Shift-tolerant LPIPS (Ghildyal and Liu, ECCV 2022): LPIPS that hardly minds a shift of one or two pixels.

An AlexNet that takes every position at first and blurs before it takes every second, retrained with its
heads; formula and scaling are those of LPIPS.  The authors' weights are inside their package, of which
nothing is run: it asks for IPython and more at import.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisr.base.colour import Uint8Image, replicate
from sisr.base.errors import ModelError, ScoreError
from sisr.scoring.metrics import torch_file
from sisr.scoring.metrics.code import Setting
from sisr.scoring.metrics.pairs import check_pair, size_text

#: Smallest side that leaves more than the padding of the last blur can mirror.
_MINIMUM_SIZE = 32


class _Blur(nn.Module):
    """Every second value of a 3 x 3 binomial blur, with two mirrored values beyond each border."""

    filt: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("filt", torch.empty(channels, 1, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        padded = functional.pad(x, (2, 2, 2, 2), "reflect")
        return functional.conv2d(padded, self.filt, stride=2, groups=x.shape[1])


class _Scaling(nn.Module):
    """Mean and deviation of ImageNet taken out."""

    shift: Tensor
    scale: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("shift", "scale"):
            self.register_buffer(name, torch.empty(1, 3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.shift) / self.scale


def _stages() -> list[list[tuple[int, nn.Module]]]:
    """The five stages, each layer with its number in the weights."""
    return [
        [(0, nn.Conv2d(3, 64, 11, padding=2)), (1, _Blur(64)), (2, nn.ReLU())],
        [
            (3, nn.MaxPool2d(3, 1)),
            (4, _Blur(64)),
            (5, nn.Conv2d(64, 192, 5, padding=2)),
            (6, nn.ReLU()),
        ],
        [
            (7, nn.MaxPool2d(3, 1)),
            (8, _Blur(192)),
            (9, nn.Conv2d(192, 384, 3, padding=1)),
            (10, nn.ReLU()),
        ],
        [(11, nn.Conv2d(384, 256, 3, padding=1)), (12, nn.ReLU())],
        [(13, nn.Conv2d(256, 256, 3, padding=1)), (14, nn.ReLU())],
    ]


class _Network(nn.Module):
    """Stages and heads under the names of the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.scaling_layer = _Scaling()
        self.net = nn.Module()
        for number, layers in enumerate(_stages(), start=1):
            stage = nn.Sequential()
            for index, layer in layers:
                stage.add_module(str(index), layer)
            self.net.add_module(f"slice{number}", stage)
        for number, channels in enumerate((64, 192, 384, 256, 256)):
            head = nn.Module()
            # Number 0 was a dropout.
            head.model = nn.ModuleDict({"1": nn.Conv2d(channels, 1, 1, bias=False)})
            self.add_module(f"lin{number}", head)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x, y = self.scaling_layer(x), self.scaling_layer(y)
        total = torch.zeros((), device=x.device)
        for number, stage in enumerate(self.net.children()):
            x, y = stage(x), stage(y)
            head = self.get_submodule(f"lin{number}.model.1")
            total = total + head((_unit_length(x) - _unit_length(y)) ** 2).mean()
        return total


class ShiftTolerant:
    """ST-LPIPS of pairs; its file is ``weights``.  :class:`ModelError` for a file that does not fit."""

    def __init__(self, setting: Setting) -> None:
        self._device = torch.device(setting.device)
        with torch.device("meta"):
            network = _Network()
        state = torch_file.read(setting.files["weights"])
        try:
            network.load_state_dict(state, strict=True, assign=True)
        except RuntimeError as error:
            raise ModelError(f"{setting.files['weights']}: {str(error).splitlines()[1].strip()}") from None
        self._network = network.requires_grad_(False).eval().to(self._device)

    @torch.inference_mode()
    def __call__(self, hr: Uint8Image, sr: Uint8Image) -> float:
        """Of two uint8 images of one size; gray is replicated to RGB; equal images give exactly 0."""
        check_pair(hr, sr)
        if min(hr.shape[:2]) < _MINIMUM_SIZE:
            least = f"{_MINIMUM_SIZE}x{_MINIMUM_SIZE}"
            raise ScoreError(f"image of {size_text(hr)} is too small: ST-LPIPS needs {least} pixels")
        return float(self._network(self._input(hr), self._input(sr)))

    def _input(self, image: Uint8Image) -> Tensor:
        pixels = torch.tensor(replicate(image), device=self._device).permute(2, 0, 1)[None]
        return pixels.to(torch.float32) / 127.5 - 1


def _unit_length(features: Tensor) -> Tensor:
    return features / (features.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
