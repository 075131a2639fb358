"""Reading checkpoints without running what is inside them.

A ``.pth`` file is a pickle, and unpickling can run any code.  Nothing here unpickles anything but tensors
and the few containers around them; whatever else a file asks for is refused by name.
"""

from __future__ import annotations

import pickle
import warnings
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from sisr.errors import ModelError

#: ``safetensors``; ``state-dict`` (a pickled state dict, read by torch's own weights-only loader);
#: ``legacy-module`` (a whole pickled module in torch's pre-1.6 form).
Format = Literal["safetensors", "state-dict", "legacy-module"]

#: Keys under which trainers wrap the state dict.
_WRAPPERS = ("params_ema", "params", "state_dict", "model")


class _Inert(nn.Module):
    """Stands in for a class of the checkpoint's own code: holds parameters, has no behaviour."""


#: Classes that a legacy module may name, beyond those of its own code (which become :class:`_Inert`).
_LEGACY_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("__builtin__", "set"): set,
    ("builtins", "set"): set,
    ("torch._utils", "_rebuild_tensor"): torch._utils._rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    ("torch.nn.parameter", "Parameter"): nn.Parameter,
    ("torch.nn.backends.thnn", "_get_thnn_function_backend"): lambda: None,
    **{("torch", f"{kind}Storage"): getattr(torch, f"{kind}Storage") for kind in ("Float", "Double", "Long")},
}
_LEGACY_LAYERS = ("torch.nn.modules.activation", "torch.nn.modules.container", "torch.nn.modules.conv")
#: Top-level modules of the two repositories that published whole modules.
_LEGACY_OWN = ("vdsr", "lapsrn")


class _LegacyUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _LEGACY_ALLOWED:
            return _LEGACY_ALLOWED[module, name]
        # A dotted name would reach attributes of an allowed module, so only plain names pass.
        if module in _LEGACY_LAYERS and name.isidentifier():
            return _Inert
        if module in _LEGACY_OWN and name.isidentifier():
            return _Inert
        raise ModelError(f"refused: the pickle asks for {module}.{name}, which is not part of a network")


def read_state_dict(path: Path, form: Format) -> dict[str, Tensor]:
    """Tensors of a checkpoint by name, on the CPU.

    Raises
    ------
    ModelError
        The file is truncated, of another format, or its pickle asks for anything but tensors; one line that
        names the file and what was refused.
    """
    try:
        if form == "safetensors":
            return load_file(path)
        if form == "legacy-module":
            return _legacy_state_dict(path)
        return _unwrap(torch.load(path, map_location="cpu", weights_only=True))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except (SafetensorError, pickle.UnpicklingError, EOFError, RuntimeError, ValueError, KeyError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{path}: not a readable {form} checkpoint: {first_line}") from None


def _legacy_state_dict(path: Path) -> dict[str, Tensor]:
    pickle_module = SimpleNamespace(
        Unpickler=_LegacyUnpickler,
        load=lambda stream, **options: _LegacyUnpickler(stream, **options).load(),
        __name__="restricted pickle",
    )
    with warnings.catch_warnings():
        # torch compares the source of classes with the one in the file; ours are stand-ins on purpose.
        warnings.simplefilter("ignore", torch.serialization.SourceChangeWarning)
        content = torch.load(path, map_location="cpu", pickle_module=pickle_module, weights_only=False)
    module = content.get("model") if isinstance(content, Mapping) else content
    if not isinstance(module, nn.Module):
        raise ModelError(f"holds a {type(module).__name__}, expected a module")
    return {name: tensor.detach() for name, tensor in _walk(module, "")}


def _walk(module: nn.Module, prefix: str) -> list[tuple[str, Tensor]]:
    """Parameters and buffers by dotted name; the pickled modules predate what ``state_dict()`` needs."""
    own = [
        (prefix + name, value)
        for table in ("_parameters", "_buffers")
        for name, value in module.__dict__.get(table, {}).items()
        if isinstance(value, Tensor)
    ]
    for name, child in module.__dict__.get("_modules", {}).items():
        if child is not None:
            own += _walk(child, f"{prefix}{name}.")
    return own


def _unwrap(content: Any) -> dict[str, Tensor]:
    for key in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not all(isinstance(v, Tensor) for v in content.values()):
        raise ModelError("holds no state dict")
    return {str(name).removeprefix("module."): tensor for name, tensor in content.items()}


def load_into(network: nn.Module, state: Mapping[str, Tensor], source: Path) -> None:
    """Copy a state dict into a network of the same names and shapes.

    Raises :class:`ModelError` that names the first key that is missing, unexpected or of another shape.
    """
    own = network.state_dict()
    for name, tensor in own.items():
        # A counter of training steps, which weights from before torch 0.4.1 do not have.
        if name not in state and name.endswith(".num_batches_tracked"):
            continue
        if name not in state:
            raise ModelError(f"{source}: no tensor '{name}' for {type(network).__name__}")
        if state[name].shape != tensor.shape:
            raise ModelError(
                f"{source}: tensor '{name}' is {tuple(state[name].shape)}, "
                f"expected {tuple(tensor.shape)} for {type(network).__name__}"
            )
    extra = next((name for name in state if name not in own), None)
    if extra is not None:
        raise ModelError(f"{source}: unexpected tensor '{extra}' for {type(network).__name__}")
    network.load_state_dict(dict(state))
