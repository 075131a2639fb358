"""``.cuda()`` and ``torch.cuda`` in somebody's code, where the network runs on the CPU."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

_CUDA = re.compile(r"cuda(?::\d+)?")
_TYPES = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")


class _Nothing:
    """A stream, or an event, of no device: all that it is asked for does nothing."""

    def __init__(self, *_args: object, **_options: object) -> None: ...

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_args, **_options: 0

    def __enter__(self) -> None: ...

    def __exit__(self, *_error: object) -> None: ...


def _giving(answer: Any) -> Callable[..., Any]:
    """A new function each time: torch's compiler takes none under two names."""
    return lambda *_args, **_options: answer


_PROPERTIES = SimpleNamespace(name="cpu", major=0, minor=0, total_memory=0, multi_processor_count=1)
#: What stands for the functions of ``torch.cuda`` that fail without a GPU.
_STANDINS: dict[str, Any] = {
    **{name: _giving(None) for name in ("init", "synchronize", "empty_cache", "set_device", "set_stream")},
    **{name: _giving(0) for name in ("current_device", "device_count")},
    "is_available": _giving(False),
    "get_device_name": _giving("cpu"),
    "get_device_capability": _giving((0, 0)),
    "get_device_properties": _giving(_PROPERTIES),
    "mem_get_info": _giving((0, 0)),
    **{name: _giving(nullcontext()) for name in ("device", "stream")},
    **{name: type(name, (_Nothing,), {}) for name in ("current_stream", "default_stream", "Stream", "Event")},
    **{f"{kind}Tensor": getattr(torch, f"{kind}Tensor") for kind in _TYPES},
}
_module_to = nn.Module.to


def _to(module: nn.Module, *args: Any, **kwargs: Any) -> nn.Module:
    """``Module.to``, which reads its arguments before any function of torch is called."""
    kwargs = {key: _moved(value, key == "device") for key, value in kwargs.items()}
    return _module_to(module, *(_moved(value, place == 0) for place, value in enumerate(args)), **kwargs)


class _ToCpu(TorchFunctionMode):
    """Puts on the CPU what a function of torch is to put on a GPU."""

    def __torch_function__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (Tensor.cuda, Tensor.pin_memory):
            return args[0]
        kwargs = {key: _moved(value, key == "device") for key, value in (kwargs or {}).items()}
        return func(
            *(_moved(value, place == 1 and func is Tensor.to) for place, value in enumerate(args)), **kwargs
        )


def _moved(value: Any, is_device: bool) -> Any:
    if isinstance(value, torch.device):
        return torch.device("cpu") if value.type == "cuda" else value
    if isinstance(value, str):
        return "cpu" if _CUDA.fullmatch(value) else value.replace("torch.cuda.", "torch.", 1)
    return "cpu" if is_device and type(value) is int else value


@contextmanager
def all_on_cpu() -> Iterator[None]:
    """Within the block nothing is put on a GPU, whether there is one or not."""
    with patch.multiple(torch.cuda, **_STANDINS), patch.object(nn.Module, "to", _to), _ToCpu():
        yield
