"""Counting networks that are graphs in files: ncnn's ``.param`` and TensorFlow's ``.pb`` through OpenCV."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from sisr.analysis.cost.counts import Count
from sisr.base.errors import ModelError

#: ncnn layers whose output has the height and width of their first input, and which multiply nothing.
_SAME_SIZE = frozenset({
    "BinaryOp", "Clip", "Concat", "Eltwise", "GELU", "HardSigmoid", "HardSwish", "Input", "Mish", "Noop",
    "PReLU", "ReLU", "Scale", "Sigmoid", "Slice", "Split", "Swish", "TanH", "UnaryOp",
})  # fmt: skip
_CONVOLUTIONS = ("Convolution", "ConvolutionDepthWise")
#: What fvcore adds for an output value of ncnn's kinds of interpolation: 1 is nearest, 2 bilinear.
_INTERPOLATED = {1: 1, 2: 4}


def count_ncnn(param: Path, size: tuple[int, int]) -> Count:
    """Cost of an ncnn graph for an input of ``(width, height)``.

    Weights, biases and PReLU slopes are parameters; constants (``MemoryData``, such as a mean colour) are
    not, as buffers are not in PyTorch.  A layer that this function does not know leaves the multiply-adds
    and activations uncounted, with its name as the reason.  ``ntire_multiply_adds`` has what fvcore adds for
    interpolation, for this input, or None where the channels of an interpolated blob are not known; of the
    input they are three.  Raises :class:`ModelError` for another format.

    Keys of the layers: https://github.com/Tencent/ncnn/wiki/operation-param-weight-table
    """
    lines = param.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines or lines[0].strip() != "7767517":
        raise ModelError(f"{param}: not an ncnn .param text; its first line is not 7767517")
    parameters = multiply_adds = activations = 0
    interpolated = 0.0
    sizes: dict[str, tuple[int, int]] = {}
    channels: dict[str, float] = {}
    reason = ""
    for line in lines[2:]:
        words = line.split()
        if len(words) < 4:
            continue
        kind, inputs, outputs = words[0], int(words[2]), int(words[3])
        blobs = words[4 : 4 + inputs + outputs]
        options = _options(words[4 + inputs + outputs :])
        weights = int(options.get(6, 0)) if kind in (*_CONVOLUTIONS, "Deconvolution") else 0
        if weights:
            parameters += weights + (int(options[0]) if options.get(5) else 0)
        elif kind == "PReLU":
            parameters += int(options.get(0, 0))
        if reason or kind == "MemoryData":
            continue
        width, height = sizes.get(blobs[0], size) if inputs else size
        depth = _channels(kind, options, [channels.get(blob, math.nan) for blob in blobs[:inputs]])
        if kind in _CONVOLUTIONS:
            # Weights of a depth-wise or grouped convolution are already those of one output position.
            width, height = _convolved((width, height), options)
            multiply_adds += weights * width * height
            activations += int(options[0]) * width * height
        elif kind == "PixelShuffle":
            width, height = (side * int(options.get(0, 1)) for side in (width, height))
        elif kind == "Interp":
            height, width = round(height * options.get(1, 1.0)), round(width * options.get(2, 1.0))
            interpolated += _INTERPOLATED.get(int(options.get(0, 0)), 0) * depth * width * height
        elif kind not in _SAME_SIZE:
            reason = f"layer {kind} of the graph is not one that is counted"
            continue
        sizes.update(dict.fromkeys(blobs[inputs:], (width, height)))
        channels.update(dict.fromkeys(blobs[inputs:], depth))
    if reason:
        return Count(parameters, reason=reason)
    ntire = None if math.isnan(interpolated) else multiply_adds + round(interpolated)
    return Count(parameters, multiply_adds, activations, ntire)


def _options(words: list[str]) -> dict[int, float]:
    """``0=64 1=3`` by number; arrays, whose keys are below -23300, are left out."""
    pairs = (word.partition("=") for word in words)
    return {int(key): float(value) for key, _, value in pairs if int(key) > -23300}


def _channels(kind: str, options: Mapping[int, float], given: Sequence[float]) -> float:
    """Channels of a layer's output, from those of its inputs; NaN where they are not known."""
    if kind in _CONVOLUTIONS:
        return options[0]
    if kind == "PixelShuffle":
        return given[0] / options.get(0, 1) ** 2
    if kind in ("Concat", "Slice"):
        return sum(given) if kind == "Concat" else math.nan
    return given[0] if given else 3


def _convolved(size: tuple[int, int], options: Mapping[int, float]) -> tuple[int, int]:
    """Output size of a convolution.

    Options by number: kernel 1 and 11, dilation 2 and 12, stride 3 and 13, padding 4 and 14 to 16; the second
    is the height's, where it differs.
    """
    found = []
    for side, kernel, dilation, stride, before, after in (
        (size[0], (1, 1), (2, 2), (3, 3), (4, 4), (15, 4)),
        (size[1], (11, 1), (12, 2), (13, 3), (14, 4), (16, 14)),
    ):

        def value(keys: tuple[int, int], default: float) -> int:
            return int(options.get(keys[0], options.get(keys[1], default)))

        low = value(before, 0)
        if low in (-233, -234):  # ncnn's names for TensorFlow's and ONNX's SAME padding
            found.append(math.ceil(side / value(stride, 1)))
            continue
        high = int(options.get(after[0], low))
        reach = (value(kernel, 1) - 1) * value(dilation, 1)
        found.append((side + low + high - reach - 1) // value(stride, 1) + 1)
    return found[0], found[1]


#: Input side on which OpenCV is asked for the shapes inside a graph.
_PROBE = 24


def count_opencv(graph: Path, channels: int, size: tuple[int, int]) -> Count:
    """Cost of a TensorFlow graph, as OpenCV reads it, for an input of ``(width, height)``.

    OpenCV's Python interface does not tell shapes without computing, so a small input is run, and the
    positions of each convolution are scaled up: all are multiples of the input's.  Parameters are the values
    that OpenCV's layers hold.  Raises :class:`ModelError` where OpenCV cannot read the graph.
    """
    import cv2
    import numpy as np

    dnn = cv2.dnn
    # Making one registers the layer DepthToSpace as TensorFlow means it, which all of these graphs have.
    cv2.dnn_superres.DnnSuperResImpl_create()  # type: ignore[attr-defined]  # not in cv2's stubs
    try:
        # The engine that dnn_superres falls back to, and the only one that has that layer.
        network = dnn.readNetFromTensorflow(str(graph), engine=dnn.ENGINE_CLASSIC)
    except cv2.error as error:
        raise ModelError(f"{graph}: OpenCV cannot read it: {error.err}") from None
    # Fused layers would hand out the result of the last of them.
    network.enableFusion(False)
    parameters = 0
    weights: dict[str, int] = {}
    for name in network.getLayerNames():
        layer = network.getLayer(network.getLayerId(name))
        parameters += sum(blob.size for blob in layer.blobs)
        if layer.type == "Convolution":
            weights[name] = layer.blobs[0].size
        elif layer.type == "Deconvolution":
            return Count(parameters, reason="OpenCV's layer Deconvolution is not counted")
    network.setInput(np.zeros((1, channels, _PROBE, _PROBE), np.float32))
    positions = size[0] * size[1] / _PROBE**2
    multiply_adds = activations = 0.0
    for (_, held), output in zip(weights.items(), network.forward(list(weights)), strict=True):
        multiply_adds += held * output.shape[2] * output.shape[3] * positions
        activations += output.size * positions
    return Count(parameters, round(multiply_adds), round(activations), round(multiply_adds))
