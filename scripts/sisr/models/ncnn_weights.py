"""Weights of ncnn's ``.param`` and ``.bin`` for the network that the graph was made from.

The text names the layers in the order in which they run; the values are the buffers of these layers, one
after the other, each padded to four bytes.  Before the weights of a convolution or a product stands a flag,
how they are stored; biases, slopes and constants are float32 and have none.

Format: https://github.com/Tencent/ncnn/wiki/param-and-model-file-structure and, for the options,
https://github.com/Tencent/ncnn/wiki/operation-param-weight-table
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from sisr.base.errors import ModelError
from sisr.models.ncnn_form import MAGIC

_FLOAT32, _FLOAT16, _BFLOAT16 = 0, 0x01306B47, 0x01348B83

Options = Mapping[int, int]


@dataclass(frozen=True)
class Buffer:
    """Values of one kind that a layer holds; ``constant`` for those that no parameter of a network is."""

    layer: str
    size: int
    flagged: bool = False
    constant: bool = False


def _convolution(name: str, options: Options) -> list[Buffer]:
    bias = [Buffer(name, options[0])] if options.get(5) else []
    return [Buffer(name, options[6], flagged=True), *bias]


def _product(name: str, options: Options) -> list[Buffer]:
    bias = [Buffer(name, options[0])] if options.get(1) else []
    return [Buffer(name, options[2], flagged=True), *bias]


def _constant(name: str, options: Options) -> list[Buffer]:
    return [Buffer(name, math.prod(options[key] for key in (0, 1, 2) if options.get(key)), constant=True)]


#: What layers hold, in the order of the file.  A kind that is not here holds nothing; if it does, bytes are
#: left over or run out, which is an error.
_HOLDERS: Mapping[str, Callable[[str, Options], list[Buffer]]] = {
    "Convolution": _convolution,
    "ConvolutionDepthWise": _convolution,
    "InnerProduct": _product,
    "PReLU": lambda name, options: [Buffer(name, options[0])],
    "MemoryData": _constant,
}


def load_into(network: nn.Module, param: Path, values: Path) -> None:
    """Copy the weights of a graph into a network whose layers run in the order in which it defines them.

    Raises :class:`ModelError` where the files are not ncnn's, hold something that this reader does not know,
    or the network has other tensors.
    """
    own = network.state_dict()
    found = list(_read(param, values))
    if len(found) != len(own):
        raise ModelError(f"{values}: {len(found)} tensors, expected {len(own)} for {type(network).__name__}")
    for (name, tensor), (layer, array) in zip(own.items(), found, strict=True):
        if tensor.numel() != array.size:
            raise ModelError(
                f"{values}: layer {layer} has {array.size} values, expected {tensor.numel()} for '{name}'"
            )
    network.load_state_dict(
        {
            name: torch.from_numpy(array).reshape(tensor.shape)
            for (name, tensor), (_, array) in zip(own.items(), found, strict=True)
        }
    )


def _read(param: Path, values: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Layer and float32 values of each buffer that is a parameter."""
    try:
        content = values.read_bytes()
    except OSError as error:
        raise ModelError(f"{values}: cannot read: {error.strerror}") from None
    at = 0

    def take(bytes_: int) -> bytes:
        nonlocal at
        start, at = at, at + bytes_ + -bytes_ % 4
        if at > len(content):
            raise ModelError(f"{values}: shorter than {param.name} says")
        return content[start : start + bytes_]

    for buffer in _buffers(param):
        flag = int.from_bytes(take(4), "little") if buffer.flagged else _FLOAT32
        if flag == _FLOAT32:
            array = np.frombuffer(take(4 * buffer.size), "<f4")
        elif flag == _FLOAT16:
            array = np.frombuffer(take(2 * buffer.size), "<f2")
        elif flag == _BFLOAT16:
            array = (np.frombuffer(take(2 * buffer.size), "<u2").astype("<u4") << 16).view("<f4")
        else:
            raise ModelError(f"{values}: layer {buffer.layer} is quantised (flag {flag:#010x})")
        if not buffer.constant:
            yield buffer.layer, array.astype(np.float32)
    if at != len(content):
        raise ModelError(f"{values}: {len(content) - at} bytes more than {param.name} says")


def _buffers(param: Path) -> list[Buffer]:
    """What the layers of a graph hold, in the order of the file."""
    found: list[Buffer] = []
    try:
        lines = param.read_text(encoding="ascii").splitlines()
        if not lines or lines[0].strip() != MAGIC:
            raise ValueError(f"the first line is not {MAGIC}")
        for kind, name, inputs, outputs, *rest in (line.split() for line in lines[2:] if line.strip()):
            if kind in _HOLDERS:
                pairs = (word.partition("=") for word in rest[int(inputs) + int(outputs) :])
                options = {int(key): value for key, _, value in pairs}
                # Keys below zero are arrays, of which no size is one.
                sizes = {key: int(float(value)) for key, value in options.items() if key >= 0}
                found += _HOLDERS[kind](name, sizes)
    except OSError as error:
        raise ModelError(f"{param}: cannot read: {error.strerror}") from None
    except (UnicodeDecodeError, ValueError, KeyError) as error:
        raise ModelError(f"{param}: not an ncnn graph in text form: {error}") from None
    return found
