"""Networks ready to run: an architecture with its weights, and what a caller must know of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from torch import Tensor, nn

from sisr.base.errors import ModelError
from sisr.models import archs, ncnn_weights
from sisr.models.libraries import detect_spandrel
from sisr.models.model_entries import Model
from sisr.models.weights import load_into, read_state_dict

#: ``supported``; ``discouraged``: a tile differs from the same part of the whole image, since the network
#: looks at all of it; ``internal``: the network tiles by itself and wants the whole image.
Tiling = Literal["supported", "discouraged", "internal"]
_TILING: Mapping[str, Tiling] = {
    "SUPPORTED": "supported",
    "DISCOURAGED": "discouraged",
    "INTERNAL": "internal",
}


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

    ``params.arch`` names the architecture (see :func:`sisr.models.archs.build`) and ``params.args`` its
    further arguments; ``spandrel`` detects it from the weights.  ``params.format`` is the form of the
    checkpoint (see :mod:`sisr.models.weights`), ``params.part`` which of its state dicts, and
    ``params.pre_upscale: matlab-bicubic`` says that the network refines the bicubic enlargement instead of
    enlarging itself.  Weights role ``state``; with ``params.format: ncnn`` roles ``param`` and ``bin``, the
    graph that was made from the network (see :mod:`sisr.models.ncnn_weights`).

    Raises :class:`ModelError` where the weights do not fit the architecture, are for another scale or
    colour, or cannot be read safely.
    """
    name = model.params["arch"]
    if name == "torchscript":
        from sisr.upscaling import loaders

        program = loaders.torchscript(files["state"])
        for parameter in program.parameters():  # a ScriptModule has no requires_grad_() of its own
            parameter.requires_grad_(False)
        return of_program(program.float().eval(), model, scale, name)
    channels = 1 if model.colour == "y" else 3
    if model.params["format"] == "ncnn":
        module = archs.build(name, scale, **model.params.get("args", {}))
        ncnn_weights.load_into(module, files["param"], files["bin"])
    else:
        source = files["state"]
        state = read_state_dict(source, model.params["format"], model.params.get("part", ""))
        if name == "spandrel":
            return _detected(state, source, scale, channels, model.input_peak)
        module = archs.build(name, scale, **model.params.get("args", {}))
        load_into(module, state, source)
    return Network(
        module=module.eval().requires_grad_(False),
        scale=scale,
        channels=channels,
        peak=model.input_peak,
        enlarge_first=model.params.get("pre_upscale") is not None,
        architecture=name.removeprefix("basicsr:"),
        minimum_size=getattr(module, "minimum_size", 1),
        multiple_of=getattr(module, "multiple_of", 1),
        tiling=getattr(module, "tiling", "supported"),
    )


def _detected(state: Mapping[str, Tensor], source: Path, scale: int, channels: int, peak: int) -> Network:
    """The network that spandrel sees in a state dict, with what it states of its input."""
    found = detect_spandrel(state, source)
    name = found.architecture.name
    if found.scale != scale:
        raise ModelError(f"{source}: {name} x{found.scale}, expected x{scale}")
    if (found.input_channels, found.output_channels) != (channels, channels):
        raise ModelError(
            f"{source}: {name} takes {found.input_channels} channels and gives {found.output_channels}, "
            f"expected {channels}"
        )
    size = found.size_requirements
    module = found.model.float().eval().requires_grad_(False)
    # Some of spandrel's networks (RCAN) scale their input in place; it may be a view of the caller's image.
    module.register_forward_pre_hook(lambda _, inputs: tuple(tensor.clone() for tensor in inputs))
    return Network(
        module=module,
        scale=scale,
        channels=channels,
        peak=peak,
        enlarge_first=False,
        architecture=name,
        minimum_size=max(1, size.minimum),
        # spandrel states 4 for both of Real-ESRGAN's shuffles; the authors' program pads to the shuffle's.
        multiple_of=getattr(found.model, "shuffle_factor", None) or size.multiple_of,
        tiling=_TILING[found.tiling.name],
        supports_half=found.supports_half,
        supports_bf16=found.supports_bfloat16,
    )


def of_program(module: nn.Module, model: Model, scale: int, architecture: str) -> Network:
    """A module of which nothing is known but what :mod:`sisr.upscaling.detection` saw it do."""
    return Network(
        module=module,
        scale=scale,
        channels=1 if model.colour == "y" else 3,
        peak=model.input_peak,
        enlarge_first=model.params.get("pre_upscale") is not None,
        architecture=architecture,
        minimum_size=getattr(module, "minimum_size", 1),
        multiple_of=getattr(module, "multiple_of", 1),
        tiling=getattr(module, "tiling", "discouraged"),
    )
