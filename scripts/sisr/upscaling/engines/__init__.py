"""Inference engines behind one interface: an LR image in, an SR image out.

=============  ============================================================================================
interpolation  nearest, bilinear, bicubic, Lanczos (no weights)
opencv         TensorFlow graphs through ``cv2.dnn_superres``
torch          PyTorch networks
ncnn           networks in ncnn's ``.param``/``.bin`` form
onnx           ONNX graphs
=============  ============================================================================================

A new engine is a module with a function ``load(model, scale, files, device, threads, options)`` that returns
a :data:`RawUpscaler`, and its name in :data:`sisr.models.model_entries.ENGINES`, or in the group
``sisr.engines`` of the entry points of an installed package.  A raw upscaler maps uint8 ``(h, w)`` or
``(h, w, 3)`` RGB to ``(s*h, s*w)`` or ``(s*h, s*w, 3)``, either uint8 or floating point on [0, 255] that is
neither clipped nor rounded yet.  One that gains from several images at once, or has something to tell, also
has ``many``, ``batch``, ``side_by_side`` and ``notes``, as :class:`Upscaler` has.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sisr.base import extensions
from sisr.base.errors import ModelSkipped, ModelUnavailable
from sisr.models import modified
from sisr.models.model_entries import Model, engine_module
from sisr.models.modified import RawUpscaler as RawUpscaler
from sisr.models.modified import to_uint8 as to_uint8
from sisr.upscaling.inference.options import Options

#: What looks into files.  A table, so that sisr.base.digest can leave it out for models of the registry.
RESOLVERS = {"own": "sisr.upscaling.detection"}


@dataclass(frozen=True)
class Upscaler:
    """A model that is loaded for one scale.

    Called with uint8 ``(h, w)`` or ``(h, w, 3)`` RGB, returns uint8 ``(s*h, s*w)`` or ``(s*h, s*w, 3)``.
    ``network`` is what the engine made, and ``modified`` the same where the model has no modifiers.
    """

    network: RawUpscaler
    modified: RawUpscaler

    def __call__(self, lr: np.ndarray) -> np.ndarray:
        return to_uint8(self.modified(lr))

    @property
    def batch(self) -> int:
        """Most images of one size that :meth:`many` takes with profit."""
        return getattr(self.network, "batch", 1) if self.modified is self.network else 1

    def many(self, lrs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Enlarge images of one size and kind, together where the engine can."""
        if self.batch > 1:
            return [to_uint8(sr) for sr in self.network.many(lrs)]  # type: ignore[attr-defined]
        return [self(lr) for lr in lrs]

    def side_by_side(self, images: int) -> int:
        """In how many threads to call this for some images."""
        share = getattr(self.network, "side_by_side", None)
        return 1 if share is None else share(images)

    @property
    def notes(self) -> list[str]:
        """What was not plain about the runs so far: tiles, another precision, too little memory."""
        return list(getattr(self.network, "notes", ()))


def load(
    model: Model,
    scale: int,
    files: Mapping[str, Path],
    device: str = "cpu",
    threads: int = 1,
    options: Options | None = None,
) -> Upscaler:
    """Load a model for a scale.

    Parameters
    ----------
    files : role -> path of the weights (roles as in the registry entry; empty for models without weights)
    device : ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; engines that only know the CPU ignore it
    threads : CPU threads of the engine
    options : how PyTorch networks run; engines that only know one way ignore it

    Raises
    ------
    ModelUnavailable
        The registry says that nobody can have the weights.
    ModelSkipped
        The model has no form for this scale, or is known to fail in the precision.
    ConfigError
        An option does not exist on the device.
    ModelError
        The weights do not fit the architecture, or cannot be read safely.
    """
    if model.unavailable:
        raise ModelUnavailable(model.unavailable)
    model.weights_for(scale)
    network, link, files = resolve(model, scale, files)
    # What is code of the user's own runs in a process of its own.
    engine = _own() if model.own is not None else extensions.load(engine_module(network.engine))
    raw: RawUpscaler = engine.load(network, link, files, device, threads, options or Options())
    return Upscaler(raw, modified.apply(model.modifiers, raw, link, scale))


def resolve(model: Model, scale: int, files: Mapping[str, Path]) -> tuple[Model, int, Mapping[str, Path]]:
    """The network inside a model: what an engine is given, without modifiers.

    Returns the model with the engine, parameters and colour of its network, the scale that the network runs
    at, and its files by role.  For a model of the registry that is what it says; a file of one's own is
    opened and looked at.  Errors as for :func:`load`.
    """
    if model.outputs:
        raise ModelSkipped(f"{model.label} is known by its outputs only: its program is not run here")
    if model.own is not None:
        return _own().resolve(model, scale)
    return model, model.link(scale) or scale, files


def _own() -> Any:
    return importlib.import_module(RESOLVERS["own"])
