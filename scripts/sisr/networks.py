"""Networks ready to run: an architecture with its weights, and what a caller must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import nn

from sisr import archs
from sisr.models import Model
from sisr.weights import load_into, read_state_dict

#: ``supported``; ``discouraged``: a tile differs from the same part of the whole picture, since the network
#: looks at all of it; ``internal``: the network tiles by itself and wants the whole picture.
Tiling = Literal["supported", "discouraged", "internal"]


@dataclass(frozen=True)
class Network:
    """A network in evaluation mode on the CPU, without gradients.

    ``module`` maps float ``(n, channels, h, w)`` on [0, ``peak``] to ``(n, channels, s*h, s*w)``;
    with ``enlarge_first`` its input is the bicubic enlargement and its output has that size.

    ``channels`` is 3 for RGB and 1 for luma; ``architecture`` is its name for people.  Sides of the input
    have to be at least ``minimum_size`` and a multiple of ``multiple_of``.  ``supports_half`` and
    ``supports_bf16`` say whether fp16 and bf16 are known to work.
    """

    module: nn.Module
    scale: int
    channels: int
    peak: int
    enlarge_first: bool
    architecture: str
    minimum_size: int = 1
    multiple_of: int = 1
    tiling: Tiling = "supported"
    supports_half: bool = True
    supports_bf16: bool = True


def load(model: Model, scale: int, files: Mapping[str, Path]) -> Network:
    """The network of a registry entry at a scale.

    ``params.arch`` names the architecture and ``params.args`` its further arguments, ``params.format`` the
    form of the checkpoint (see :mod:`sisr.weights`), and ``params.pre_upscale: matlab-bicubic`` says that
    the network refines the bicubic enlargement instead of enlarging itself.  Weights role ``state``.

    Raises :class:`ModelError` where the weights do not fit the architecture or cannot be read safely.
    """
    name = model.params["arch"]
    module = archs.build(name, scale, **model.params.get("args", {}))
    load_into(module, read_state_dict(files["state"], model.params["format"]), files["state"])
    cls = type(module)
    return Network(
        module=module.eval().requires_grad_(False),
        scale=scale,
        channels=1 if model.colour == "y" else 3,
        peak=model.input_peak,
        enlarge_first=model.params.get("pre_upscale") is not None,
        architecture=name,
        minimum_size=getattr(cls, "minimum_size", 1),
        multiple_of=getattr(cls, "multiple_of", 1),
        tiling=getattr(cls, "tiling", "supported"),
    )
