"""What fvcore's ``FlopCountAnalysis`` counts beside convolutions and matrix products.

A FLOP of fvcore is one multiply-add.  To those it adds, by its default handlers (fvcore 0.1.5,
``nn/flop_count.py`` and ``nn/jit_handles.py``):

==================================  =====================================================================
batch normalisation                 one an input value, two where it scales and shifts
layer, group, instance norm         four an input value, five where it scales and shifts
nearest, bilinear interpolation     one, four an output value; bicubic none
adaptive average pooling            one an input value
grid sampling                       four an output value
==================================  =====================================================================

Activation functions, additions, products of equal shapes, pixel shuffle and other pooling count nothing.
``scaled_dot_product_attention`` is an operation that fvcore does not know, and it counts nothing there; here
its two matrix products are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

_INTERPOLATED = {"nearest": 1, "bilinear": 4}


class Elementwise(TorchFunctionMode):
    """Sums, as ``total``, what fvcore adds for the functions that are called while it is active."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in _ADDED:
            self.total += _ADDED[func](out, *args, **(kwargs or {}))
        return out


def _norm(_out: Tensor, x: Tensor, *_args: Any, weight: Tensor | None = None, **_options: Any) -> int:
    return x.numel() * (4 if weight is None else 5)


def _batch_norm(
    out: Tensor, x: Tensor, *_args: Any, weight: Tensor | None = None, training: bool = False, **_options: Any
) -> int:
    return _norm(out, x, weight=weight) if training else x.numel() * (1 if weight is None else 2)


def _interpolate(out: Tensor, _x: Tensor, *_args: Any, mode: str = "nearest", **_options: Any) -> int:
    return _INTERPOLATED.get(mode, 0) * out.numel() if out.ndim == 4 else 0


def _grid_sample(out: Tensor, *_args: Any, **_options: Any) -> int:
    return 4 * out.numel()


def _adaptive_pool(_out: Tensor, x: Tensor, *_args: Any, **_options: Any) -> int:
    return x.numel()


#: torch hands its functions over with their options by name, however they were called.
_ADDED: Mapping[Any, Callable[..., int]] = {
    functional.batch_norm: _batch_norm,
    functional.layer_norm: _norm,
    functional.group_norm: _norm,
    functional.instance_norm: _norm,
    functional.interpolate: _interpolate,
    functional.adaptive_avg_pool2d: _adaptive_pool,
    functional.grid_sample: _grid_sample,
}
