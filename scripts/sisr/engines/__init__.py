"""Inference engines behind one interface: an LR image in, an SR image out.

=============  ============================================================================================
interpolation  nearest, bilinear, bicubic, Lanczos (no weights)
opencv         TensorFlow graphs through ``cv2.dnn_superres``
torch          PyTorch networks
ncnn           networks in ncnn's ``.param``/``.bin`` form
=============  ============================================================================================

A new engine is a module with a function ``load(model, scale, files, device, threads)`` and its name in
:data:`ENGINES` and in the enum of ``workflow/schemas/models.schema.yaml``.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from sisr.errors import ModelUnavailable
from sisr.models import Model

ENGINES = {
    "interpolation": "sisr.engines.interpolation",
    "opencv": "sisr.engines.opencv",
    "torch": "sisr.engines.pytorch",
    "ncnn": "sisr.engines.ncnn_cpu",
}


class Upscaler(Protocol):
    """A model that is loaded for one scale.

    Called with uint8 ``(h, w)`` or ``(h, w, 3)`` RGB, returns uint8 ``(s*h, s*w)`` or ``(s*h, s*w, 3)``.
    """

    def __call__(self, lr: np.ndarray) -> np.ndarray: ...


def load(
    model: Model, scale: int, files: Mapping[str, Path], device: str = "cpu", threads: int = 1
) -> Upscaler:
    """Load a model for a scale.

    Parameters
    ----------
    files : role -> path of the weights (roles as in the registry entry; empty for models without weights)
    device : ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; engines that only know the CPU ignore it
    threads : CPU threads of the engine

    Raises
    ------
    ModelUnavailable
        The registry says that nobody can have the weights.
    ModelSkipped
        The model has no form for this scale.
    ModelError
        The weights do not fit the architecture, or cannot be read safely.
    """
    if model.unavailable:
        raise ModelUnavailable(model.unavailable)
    model.weights_for(scale)
    engine = importlib.import_module(ENGINES[model.engine])
    return engine.load(model, scale, files, device, threads)
