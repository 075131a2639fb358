"""Somebody's Python class, in the child process that it runs in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from sisr.models.model_entries import Model
from sisr.models.weights import read_checkpoint
from sisr.upscaling.engines.pytorch import TorchUpscaler
from sisr.upscaling.foreign.building import Built, WeightsFile, build
from sisr.upscaling.foreign.child import Served
from sisr.upscaling.foreign.importing import import_class, told
from sisr.upscaling.foreign.on_cpu import all_on_cpu
from sisr.upscaling.inference.options import Options
from sisr.upscaling.inference.runner import Runner
from sisr.upscaling.networks import of_program


class ServedClass(Served):
    """A class and its networks."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._folder = Path.cwd()
        self._class: type[nn.Module] | None = None
        #: As read before the class could change what reads them.
        self._weights: dict[Path, WeightsFile] = {}

    def look(self, arguments: Mapping[str, Any], scale: int | None, weights: Path | None) -> Any:
        """(channels, how often it enlarges, state dict, what was not plain of it)."""
        built = self._build(arguments, scale, weights)
        return built.channels, built.enlarges, built.part, built.note

    def upscaler(
        self,
        model: Model,
        scale: int,
        files: Mapping[str, Path],
        device: str,
        threads: int,
        options: Options,
    ) -> TorchUpscaler:
        built = self._build(model.params["args"], scale, files.get("state"))
        module = built.module
        if device.startswith("cuda"):
            _let_tensors_move(module)
        network = of_program(module, model, scale, self.name)
        with _placed(device):
            runner = Runner(network, options, device, threads, model.label)
        return _Placed(runner, model.colour)

    def told(self, error: BaseException) -> str:
        return told(error, self.name)

    def _build(self, arguments: Mapping[str, Any], scale: int | None, weights: Path | None) -> Built:
        os.chdir(self._folder)  # where names of files are meant, wherever the class went
        if weights is not None and weights not in self._weights:
            self._weights = {weights: WeightsFile(weights, read_checkpoint(weights)[0])}
        with all_on_cpu():
            if self._class is None:
                self._class = import_class(self.name)
            return build(
                self._class, self.name, arguments, scale, self._weights.get(weights) if weights else None
            )


class _Placed(TorchUpscaler):
    def many(self, lrs: Sequence[np.ndarray]) -> list[np.ndarray]:
        with _placed(self.runner.device):
            return super().many(lrs)


def _placed(device: str) -> Any:
    return nullcontext() if device.startswith("cuda") else all_on_cpu()


def _let_tensors_move(module: nn.Module) -> None:
    """Make buffers of tensors that are plain attributes, so that they go to the GPU with the rest."""
    for layer in module.modules():
        for key, value in list(vars(layer).items()):
            if isinstance(value, Tensor):
                delattr(layer, key)
                layer.register_buffer(key, value, persistent=False)
