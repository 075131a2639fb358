"""How far a network looks, measured: which outputs one input pixel can change.

One pixel of a strip is made NaN, which every sum over it inherits, whatever the weights: the outputs that
become NaN tell the reach of the architecture, not of the training.  Of convolutions and matrix products,
nearly all of the work, only that is computed: whether a sum has a NaN in it.  All else runs as it is.

A strip shorter than the reach cuts it off.  Mostly that shows, since NaN fills the strip; but what a dilated
convolution reaches has holes, and in a strip that ends in a hole nothing is seen of what lies behind.  So the
convolutions and poolings of the run are watched as well, and a strip counts only if what was reached keeps
a distance to its ends that none of them can jump.  A mean over the whole width needs no wider strip.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

#: Widths of the strip on which the reach is looked for; one that ends in none of them counts as global.
_WIDTHS = (64, 128, 256, 512, 1024, 2048)
#: Heights that are tried: some networks pad by reflection, and one row has nothing to reflect.
_HEIGHTS = (1, 16, 32)
#: Pixels that an operation may jump that is not watched: resampling reads up to four.
_LEAST_JUMP = 4


def reach(module: nn.Module, channels: int, factor: int, multiple_of: int = 1) -> int | Literal["global"]:
    """Pixels of the input that an output pixel looks at beyond its own, on each side; ``"global"`` for all.

    Arguments are those of :func:`columns`, but the module stays as it is.  Where an operation is not as high
    as it is wide, rows are measured as well.  A network that takes no strip counts as global: nothing can be
    said of it.
    """
    copied = copy.deepcopy(module).cpu()
    try:
        jumps = _Jumps()
        found = _columns(copied, channels, factor, multiple_of, jumps)
        if found != "global" and not jumps.square:
            rows = _columns(_Turned(copied), channels, factor, multiple_of, _Jumps(axis=-2))
            found = "global" if rows == "global" else (max(found[0], rows[0]), max(found[1], rows[1]))
    except RuntimeError:
        return "global"
    return found if found == "global" else max(0, -(-max(found) // factor))


def columns(
    module: nn.Module, channels: int, factor: int, multiple_of: int = 1
) -> tuple[int, int] | Literal["global"]:
    """Columns of the output that one input pixel reaches before and after its own ``factor`` columns.

    Parameters
    ----------
    module : on the CPU; stays in float64
    factor : sides of the output over those of the input (1 for networks that refine an enlarged image)
    multiple_of : sides of the input have to be a multiple of it

    Raises RuntimeError for a network that takes no strip.
    """
    return _columns(module, channels, factor, multiple_of, _Jumps())


def _columns(
    module: nn.Module, channels: int, factor: int, multiple_of: int, jumps: _Jumps
) -> tuple[int, int] | Literal["global"]:
    module = module.double().eval()
    for width in _WIDTHS:
        width += -width % multiple_of  # noqa: PLW2901
        first, last = _reached(module, channels, width, multiple_of, jumps)
        after = width * factor - 1 - last
        if min(first, after) >= jumps.longest * factor:
            own = width // 2 * factor
            return own - first, last - (own + factor - 1)
        if jumps.pooled and first == after == 0:
            break
    return "global"


def _reached(
    module: nn.Module, channels: int, width: int, multiple_of: int, jumps: _Jumps
) -> tuple[int, int]:
    """First and last column of the output that a NaN in the middle of a strip reaches."""
    problem = RuntimeError("no strip was tried")
    for wanted in _HEIGHTS:
        height = wanted + -wanted % multiple_of
        strip = torch.full((1, channels, height, width), 0.5, dtype=torch.float64)
        strip[:, :, height // 2, width // 2] = torch.nan
        jumps.width = width
        try:
            with torch.no_grad(), jumps:
                output = module(strip)
        except (RuntimeError, AssertionError, ValueError) as error:
            problem = RuntimeError(str(error))
            continue
        reached = output.isnan().any(dim=2).any(dim=1)[0].nonzero()
        if len(reached):
            return int(reached.min()), int(reached.max())
    raise problem


def _filled(hit: Tensor, like: Tensor) -> Tensor:
    """NaN where ``hit``, else values of no meaning, which differ so that no variance is 0."""
    values = torch.linspace(0.1, 0.9, hit.numel(), dtype=like.dtype).view(hit.shape)
    return values.masked_fill_(hit, torch.nan)


def _convolution(x: Tensor, weight: Tensor, _bias: Tensor | None, *geometry: Any) -> Tensor:
    """Where a convolution has NaN: its windows are the same for all channels of a group.

    ``geometry`` are the further arguments of ``torch.convolution``, from the stride to the number of groups.
    """
    transposed, groups = geometry[3], geometry[5]
    of_group = x.unflatten(-3, (groups, -1)).isnan().any(-3)
    window = torch.ones((groups, 1, *weight.shape[2:]), dtype=x.dtype)
    hit = torch.ops.aten.convolution(of_group.to(x.dtype), window, None, *geometry) > 0
    each = weight.shape[1] if transposed else weight.shape[0] // groups
    if bool(weight.isnan().any()):
        hit = torch.ones_like(hit)
    return _filled(hit.repeat_interleave(each, dim=-3), x)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Where a matrix product has NaN: in rows of the first and columns of the second that have."""
    return _filled(a.isnan().any(-1, keepdim=True) | b.isnan().any(-2, keepdim=True), a)


def _sum_and_product(c: Tensor, a: Tensor, b: Tensor) -> Tensor:
    return _product(a, b) + c


_SPREADS: dict[Any, Callable[..., Tensor]] = {
    torch.ops.aten.convolution: _convolution,
    torch.ops.aten.mm: _product,
    torch.ops.aten.bmm: _product,
    torch.ops.aten.addmm: _sum_and_product,
    torch.ops.aten.baddbmm: _sum_and_product,
}


class _Turned(nn.Module):
    """A network whose columns are the rows of another."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x.mT).mT


class _Jumps(TorchDispatchMode):
    """How many pixels of the input the kernels of the operations span.

    ``longest`` is the largest along the strip, which lies along ``axis``, and ``square`` whether all are as
    high as they are wide; ``pooled`` is whether there was a mean over the whole strip.  ``width`` is that of
    the network's input, by which the pixels of inner layers are scaled.
    """

    def __init__(self, axis: int = -1) -> None:
        super().__init__()
        self.axis = axis
        self.longest = _LEAST_JUMP
        self.square = True
        self.pooled = False
        self.width = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        spread = _SPREADS.get(func.overloadpacket)
        result = func(*args, **(kwargs or {})) if spread is None or kwargs else spread(*args)
        names = [argument.name for argument in func._schema.arguments]
        given = {**dict(zip(names, args, strict=False)), **(kwargs or {})}
        if func.overloadpacket is torch.ops.aten.mean and args[0].ndim == 4:
            axes = given.get("dim") or range(4)
            self.pooled = self.pooled or self.axis % 4 in (one % 4 for one in axes)
        kernel = given.get("kernel_size")
        if kernel is None and "dilation" in given:
            kernel = given["weight"].shape[2:]
        if kernel is not None:
            self._add(kernel, given.get("dilation") or [1], args[0], result)
        return result

    def _add(self, kernel: Any, dilation: Any, source: Tensor, result: Any) -> None:
        spans = [(size - 1) * dilation[min(axis, len(dilation) - 1)] for axis, size in enumerate(kernel)]
        self.square = self.square and len(set(spans)) == 1
        made = result[0] if isinstance(result, tuple) else result
        # A transposed convolution spans pixels of its output.
        finer = max(source.shape[self.axis], made.shape[self.axis] if made.ndim == 4 else 0)
        self.longest = max(self.longest, -(-spans[self.axis] * self.width // max(1, finer)))
