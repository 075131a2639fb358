"""Inference engines behind one interface: an LR image in, an SR image out.

=============  ============================================================================================
interpolation  nearest, bilinear, bicubic, Lanczos (no weights)
opencv         TensorFlow graphs through ``cv2.dnn_superres``
torch          PyTorch networks
ncnn           networks in ncnn's ``.param``/``.bin`` form
=============  ============================================================================================

A new engine is a module with a function ``load(model, scale, files, device, threads)`` that returns a
:data:`RawUpscaler`, and its name in :data:`ENGINES` and in the enum of
``workflow/schemas/models.schema.yaml``.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
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

#: What an engine makes: uint8 ``(h, w)`` or ``(h, w, 3)`` RGB to ``(s*h, s*w)`` or ``(s*h, s*w, 3)``, either
#: uint8 or floating point on [0, 255] that is neither clipped nor rounded yet.
RawUpscaler = Callable[[np.ndarray], np.ndarray]


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
    raw: RawUpscaler = engine.load(model, scale, files, device, threads)
    return lambda lr: to_uint8(raw(lr))


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Clip to [0, 255] and round to the nearest level; uint8 passes through."""
    return values if values.dtype == np.uint8 else np.rint(np.clip(values, 0, 255)).astype(np.uint8)
