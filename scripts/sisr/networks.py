"""Networks ready to run: an architecture with its weights, and what a caller must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from sisr import archs
from sisr.models import Model
from sisr.weights import load_into, read_state_dict


@dataclass(frozen=True)
class Network:
    """A network in evaluation mode on the CPU, without gradients.

    ``module`` maps float ``(n, channels, h, w)`` on [0, ``peak``] to ``(n, channels, s*h, s*w)``;
    with ``enlarge_first`` its input is the bicubic enlargement and its output has that size.

    ``channels`` is 3 for RGB and 1 for luma; ``architecture`` is its name for people.
    """

    module: nn.Module
    scale: int
    channels: int
    peak: int
    enlarge_first: bool
    architecture: str


def load(model: Model, scale: int, files: Mapping[str, Path]) -> Network:
    """The network of a registry entry at a scale.

    ``params.arch`` names the architecture, ``params.format`` the form of the checkpoint (see
    :mod:`sisr.weights`), and ``params.pre_upscale: matlab-bicubic`` says that the network refines the bicubic
    enlargement instead of enlarging itself.  Weights role ``state``.

    Raises :class:`ModelError` where the weights do not fit the architecture or cannot be read safely.
    """
    name = model.params["arch"]
    module = archs.build(name, scale)
    load_into(module, read_state_dict(files["state"], model.params["format"]), files["state"])
    return Network(
        module=module.eval().requires_grad_(False),
        scale=scale,
        channels=1 if model.colour == "y" else 3,
        peak=model.input_peak,
        enlarge_first=model.params.get("pre_upscale") is not None,
        architecture=name,
    )
