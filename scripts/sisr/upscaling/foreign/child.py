"""The child process that a stranger's network runs in: requests from a pipe, one answer each.

Run by :mod:`sisr.upscaling.foreign.process`.  What the network prints goes nowhere, an interruption of the
program is the parent's to handle, and the process ends with the pipe.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import signal
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from sisr.base.errors import SisrError, is_out_of_memory
from sisr.models.model_entries import Model
from sisr.models.modified import RawUpscaler
from sisr.upscaling.inference.options import Options


class Served:
    """What one child has: a source of networks, and the upscalers of it that were asked for.

    Heirs also have ``look``, whose answer is what :mod:`sisr.upscaling.foreign.process` gives to its caller.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._upscalers: list[RawUpscaler] = []

    def upscaler(
        self,
        model: Model,
        scale: int,
        files: Mapping[str, Path],
        device: str,
        threads: int,
        options: Options,
    ) -> RawUpscaler:
        """See :func:`sisr.upscaling.engines.load`."""
        raise NotImplementedError

    def told(self, error: BaseException) -> str:
        """What the network raised, in one line."""
        raise NotImplementedError

    def load(self, *arguments: Any) -> tuple[int, int]:
        """Number of a new upscaler, and the most images that it takes together."""
        self._upscalers.append(self.upscaler(*arguments))
        return len(self._upscalers) - 1, getattr(self._upscalers[-1], "batch", 1)

    def many(self, number: int, lrs: Sequence[np.ndarray]) -> tuple[list[np.ndarray], list[str]]:
        """Enlarged images, and what was not plain about the runs so far."""
        upscaler = self._upscalers[number]
        together = getattr(upscaler, "many", None)
        srs = together(lrs) if together else [upscaler(lr) for lr in lrs]
        return srs, list(getattr(upscaler, "notes", ()))


def serve(server: str, name: str, pipe: int, crash: int) -> None:
    """Answer requests ``(method, arguments)`` until the pipe ends: ``"ok"`` or an error, and what it is.

    ``server`` is the heir of :class:`Served`, as ``module:Class``.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable(crash)
    connection = Connection(pipe)
    module, _, heir = server.partition(":")
    served: Served = getattr(importlib.import_module(module), heir)(name)
    while True:
        try:
            method, arguments = connection.recv()
        except (EOFError, OSError):
            os._exit(0)  # without what the network left to be done at the end
        try:
            answer = ("ok", getattr(served, method)(*arguments))
        except SisrError as error:
            kind = next(
                base.__name__ for base in type(error).__mro__ if base.__module__ == "sisr.base.errors"
            )
            answer = (kind, str(error))
        except BaseException as error:  # SystemExit and all else that a class may raise
            of_memory = is_out_of_memory(error)
            said = str(error) if isinstance(error, MemoryError) else served.told(error)
            answer = ("MemoryError" if of_memory else "ModelError", said)
        connection.send(answer)
