"""The child process that somebody's class runs in: requests from a pipe, one answer each.

Run by :mod:`sisr.upscaling.foreign.process`.  What the class prints goes nowhere, an interruption of the
program is the parent's to handle, and the process ends with the pipe.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from sisr.base.errors import SisrError
from sisr.models.model_entries import Model
from sisr.models.weights import read_checkpoint
from sisr.upscaling.engines.pytorch import TorchUpscaler
from sisr.upscaling.foreign.building import Built, WeightsFile, build
from sisr.upscaling.foreign.importing import import_class, told
from sisr.upscaling.foreign.on_cpu import all_on_cpu
from sisr.upscaling.inference.options import Options
from sisr.upscaling.inference.runner import Runner
from sisr.upscaling.networks import of_program


class _Served:
    """What one child has: a class, and the networks of it that were asked for."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._folder = Path.cwd()
        self._class: type[nn.Module] | None = None
        #: As read before the class could change what reads them.
        self._weights: dict[Path, WeightsFile] = {}
        self._upscalers: list[TorchUpscaler] = []

    def look(self, arguments: Mapping[str, Any], scale: int | None, weights: Path | None) -> Any:
        """(channels, how often it enlarges, state dict, what was not plain of it)."""
        built = self._build(arguments, scale, weights)
        return built.channels, built.enlarges, built.part, built.note

    def load(
        self, model: Model, scale: int, weights: Path | None, device: str, threads: int, options: Options
    ) -> tuple[int, int]:
        """Number of a new upscaler, and the most images that it takes together."""
        built = self._build(model.params["args"], scale, weights)
        module = built.module
        if device.startswith("cuda"):
            _let_tensors_move(module)
        network = of_program(module, model, scale, model.params["class"])
        with _placed(device):
            runner = Runner(network, options, device, threads, model.label)
        self._upscalers.append(TorchUpscaler(runner, model.colour))
        return len(self._upscalers) - 1, runner.batch

    def many(self, number: int, lrs: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[str]]:
        """Enlarged images, and what was not plain about the runs so far."""
        upscaler = self._upscalers[number]
        with _placed(upscaler.runner.device):
            return upscaler.many(lrs), upscaler.notes

    def _build(self, arguments: Mapping[str, Any], scale: int | None, weights: Path | None) -> Built:
        os.chdir(self._folder)  # where names of files are meant, wherever the class went
        if weights is not None and weights not in self._weights:
            self._weights = {weights: WeightsFile(weights, read_checkpoint(weights)[0])}
        with all_on_cpu():
            if self._class is None:
                self._class = import_class(self._name)
            return build(
                self._class, self._name, arguments, scale, self._weights.get(weights) if weights else None
            )


def _placed(device: str) -> Any:
    return nullcontext() if device.startswith("cuda") else all_on_cpu()


def _let_tensors_move(module: nn.Module) -> None:
    """Make buffers of tensors that are plain attributes, so that they go to the GPU with the rest."""
    for layer in module.modules():
        for key, value in list(vars(layer).items()):
            if isinstance(value, Tensor):
                delattr(layer, key)
                layer.register_buffer(key, value, persistent=False)


def serve(name: str, pipe: int, crash: int) -> None:
    """Answer requests ``(method, arguments)`` until the pipe ends: ``"ok"`` or an error, and what it is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable(crash)
    connection = Connection(pipe)
    served = _Served(name)
    while True:
        try:
            method, arguments = connection.recv()
        except (EOFError, OSError):
            os._exit(0)  # without what the class left to be done at the end
        try:
            answer = ("ok", getattr(served, method)(*arguments))
        except SisrError as error:
            kind = next(
                base.__name__ for base in type(error).__mro__ if base.__module__ == "sisr.base.errors"
            )
            answer = (kind, str(error))
        except MemoryError as error:
            answer = ("MemoryError", str(error))
        except BaseException as error:  # SystemExit and all else that a class may raise
            of_memory = type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
            answer = ("MemoryError" if of_memory else "ModelError", told(error, name))
        connection.send(answer)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
