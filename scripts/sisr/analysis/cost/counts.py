"""Counted cost: parameters, multiply-adds and activations of one model under two protocols.

The first has an output of 1280x720, that of the papers' tables (introduced by Ahn et al., CARN, ECCV 2018,
section 4.3).  The second is that of the NTIRE challenges on efficient super-resolution since 2024: an LR
image of 256x256, and what fvcore counts (:mod:`sisr.analysis.cost.fvcore_rules`).  Nothing is computed:
PyTorch networks run on meta tensors, which have shapes and no values, and graphs of the other engines are
read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sisr.base.errors import ModelUnavailable, first_line
from sisr.models.model_entries import Model

if TYPE_CHECKING:
    from torch import nn

#: Gives role -> path of a model's weights, or raises :class:`ModelUnavailable` where they could not be had.
WeightFiles = Callable[[], Mapping[str, Path]]

#: Output of the counts: width, height in pixels.
OUTPUT = (1280, 720)
#: LR image of the counts under NTIRE's protocol: width and height in pixels.
NTIRE_INPUT = 256


@dataclass(frozen=True)
class Count:
    """``None`` is a quantity that could not be counted; ``reason`` says why.

    ``multiply_adds``: one is two floating-point operations; those of convolutions and matrix products.
    ``activations``: values in the outputs of all convolutions, the definition of the NTIRE challenges on
    efficient super-resolution.
    ``ntire_multiply_adds``, ``ntire_activations``: the same under NTIRE's protocol, which has operations of
    normalisation, interpolation and pooling among the multiply-adds.
    ``receptive_field``: side in LR pixels, measured; ``global`` where it is the whole image.
    """

    parameters: int | None
    multiply_adds: int | None = None
    activations: int | None = None
    ntire_multiply_adds: int | None = None
    ntire_activations: int | None = None
    receptive_field: int | Literal["global"] | None = None
    reason: str = ""


def input_size(scale: int, enlarged: bool = False) -> tuple[int, int]:
    """Width and height that a network is given for :data:`OUTPUT`; ``enlarged`` networks get the whole size.

    Scales that do not divide the output have the next smaller input.
    """
    return OUTPUT if enlarged else (OUTPUT[0] // scale, OUTPUT[1] // scale)


def count(model: Model, scale: int, weights: WeightFiles) -> Count:
    """Count a model's cost at a scale.

    A network on luma is counted for its one channel, without the bicubic enlargement of the chroma.  An
    architecture that the registry names is counted without its weights, so that a model whose weights cannot
    be had has counts all the same.

    Raises
    ------
    ModelSkipped, ModelUnavailable, ModelError
        As :func:`sisr.upscaling.engines.load`, where the weights are needed.
    """
    model.weights_for(scale)
    if model.modifiers:
        return Count(None, reason=f"not counted: {model.label} runs its network several times")
    if model.own is not None or model.outputs:
        from sisr.upscaling.engines import resolve

        model, scale, own = resolve(model, scale, {})

        def weights() -> Mapping[str, Path]:
            return own

    if model.engine not in _COUNTERS or model.params.get("arch") in _PROGRAMS:
        return Count(None, reason=f"not counted: {model.label} is a program that only runs as it is")
    return _COUNTERS[model.engine](model, scale, weights)


#: Kinds of networks of the user's own of which the layers are not known: a class, and TorchScript.
_PROGRAMS = ("python", "torchscript")


def count_module(
    module: nn.Module, shape: tuple[int, int, int], ntire_shape: tuple[int, int, int] | None = None
) -> Count:
    """Cost of a network for one input of ``(channels, height, width)``; the network ends on the meta device.

    ``ntire_shape``: that of its input under NTIRE's protocol; without it the two counts of that are None.
    Counted by :class:`torch.utils.flop_counter.FlopCounterMode`, which sees the operations and not the
    layers, so that functional convolutions and attention are in.
    """
    parameters = sum(parameter.numel() for parameter in module.parameters())
    try:
        multiply_adds, activations, _ = _operations(module, shape)
        found = Count(parameters, multiply_adds, activations)
        if ntire_shape is not None:
            multiply_adds, activations, added = _operations(module, ntire_shape)
            found = replace(found, ntire_multiply_adds=multiply_adds + added, ntire_activations=activations)
    except (NotImplementedError, RuntimeError) as error:
        return Count(parameters, reason=f"needs values to run: {first_line(error)}")
    return found


def _operations(module: nn.Module, shape: tuple[int, int, int]) -> tuple[int, int, int]:
    """Multiply-adds of convolutions and matrix products, activations, and what fvcore would add to the first.

    Raises NotImplementedError or RuntimeError for a network that needs values.
    """
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from sisr.analysis.cost.fvcore_rules import Elementwise

    convolution = torch.ops.aten.convolution
    dtype = next((parameter.dtype for parameter in module.parameters()), torch.float32)
    module = module.eval().to("meta")
    operations = FlopCounterMode(display=False)
    outputs = FlopCounterMode(display=False, custom_mapping={convolution: _elements})
    with torch.no_grad(), operations, outputs, Elementwise() as elementwise:
        module(torch.empty(1, *shape, device="meta", dtype=dtype))
    activations = outputs.get_flop_counts().get("Global", {}).get(convolution, 0)
    return operations.get_total_flops() // 2, activations, elementwise.total


def _elements(*_inputs: object, out_shape: tuple[int, ...], **_options: object) -> int:
    total = 1
    for side in out_shape:
        total *= side
    return total


def _torch(model: Model, scale: int, weights: WeightFiles) -> Count:
    from sisr.analysis.cost.receptive_field import receptive_field
    from sisr.models import archs
    from sisr.upscaling import networks

    name = model.params["arch"]
    if name == "spandrel":
        module = networks.load(model, scale, weights()).module
    else:
        module = archs.build(name, scale, **model.params.get("args", {}))
    channels = 1 if model.colour == "y" else 3
    enlarged = model.params.get("pre_upscale") is not None
    try:
        field = receptive_field(module, channels, scale, enlarged)
    except RuntimeError as error:
        field, reason = None, f"receptive field: {first_line(error)}"
    else:
        reason = ""
    multiple = getattr(module, "multiple_of", 1)

    def shape(width: int, height: int) -> tuple[int, int, int]:
        rows, columns = (-(-side // multiple) * multiple for side in (height, width))
        return channels, rows, columns

    side = NTIRE_INPUT * (scale if enlarged else 1)
    found = count_module(module, shape(*input_size(scale, enlarged)), shape(side, side))
    return replace(found, receptive_field=field, reason=found.reason or reason)


def _ncnn(model: Model, scale: int, weights: WeightFiles) -> Count:
    from sisr.analysis.cost.graphs import count_ncnn

    param = _files(model, weights)["param"]
    return _both(lambda size: count_ncnn(param, size), scale)


def _opencv(model: Model, scale: int, weights: WeightFiles) -> Count:
    from sisr.analysis.cost.graphs import count_opencv

    channels = 1 if model.colour == "y" else 3
    graph = _files(model, weights)["graph"]
    return _both(lambda size: count_opencv(graph, channels, size), scale)


def _both(count_at: Callable[[tuple[int, int]], Count], scale: int) -> Count:
    """Counts of a graph under both protocols, from its count for an input of ``(width, height)``."""
    other = count_at((NTIRE_INPUT, NTIRE_INPUT))
    return replace(
        count_at(input_size(scale)),
        ntire_multiply_adds=other.ntire_multiply_adds,
        ntire_activations=other.activations,
    )


def _interpolation(model: Model, scale: int, weights: WeightFiles) -> Count:
    return Count(0, reason="no network")


def _files(model: Model, weights: WeightFiles) -> Mapping[str, Path]:
    if model.unavailable:
        raise ModelUnavailable(model.unavailable)
    return weights()


_COUNTERS: Mapping[str, Callable[[Model, int, WeightFiles], Count]] = {
    "interpolation": _interpolation,
    "ncnn": _ncnn,
    "opencv": _opencv,
    "torch": _torch,
}
