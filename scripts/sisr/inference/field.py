"""How far a network looks, measured: which outputs one input pixel can change."""

from __future__ import annotations

import copy
from typing import Literal

import torch
from torch import nn

#: Widths of the strip on which the reach is looked for; one that ends in none of them counts as global.
_WIDTHS = (64, 128, 256, 512, 1024)
#: Heights that are tried: some networks pad by reflection, and one row has nothing to reflect.
_HEIGHTS = (1, 16, 32)


def reach(module: nn.Module, channels: int, factor: int, multiple_of: int = 1) -> int | Literal["global"]:
    """Pixels of the input that an output pixel looks at beyond its own, on each side; ``"global"`` for all.

    Arguments are those of :func:`columns`, but the module stays as it is.  A network that takes no strip
    counts as global: nothing can be said of it.
    """
    try:
        found = columns(copy.deepcopy(module), channels, factor, multiple_of)
    except RuntimeError:
        return "global"
    return found if found == "global" else max(0, -(-max(found) // factor))


def columns(
    module: nn.Module, channels: int, factor: int, multiple_of: int = 1
) -> tuple[int, int] | Literal["global"]:
    """Columns of the output that one input pixel reaches before and after its own ``factor`` columns.

    One pixel of a strip is made NaN, which every sum over it inherits, whatever the weights: the outputs that
    become NaN tell the reach of the architecture, not of the training.  In float64, since the fast
    convolutions that compute several outputs at once would spread it.  The module stays in float64.

    Parameters
    ----------
    factor : sides of the output over those of the input (1 for networks that refine an enlarged picture)
    multiple_of : sides of the input have to be a multiple of it

    Raises RuntimeError for a network that takes no strip.
    """
    module = module.double().eval()
    for width in _WIDTHS:
        width += -width % multiple_of  # noqa: PLW2901
        first, last = _reached(module, channels, width, multiple_of)
        # A strip that is too short cuts the reach off; that of a dilated convolution has holes, and may then
        # end a few columns inside.
        if last - first + 1 <= width * factor * 7 // 8:
            own = width // 2 * factor
            return own - first, last - (own + factor - 1)
    return "global"


def _reached(module: nn.Module, channels: int, width: int, multiple_of: int) -> tuple[int, int]:
    """First and last column of the output that a NaN in the middle of a strip reaches."""
    problem = RuntimeError("no strip was tried")
    for wanted in _HEIGHTS:
        height = wanted + -wanted % multiple_of
        strip = torch.full((1, channels, height, width), 0.5, dtype=torch.float64)
        strip[:, :, height // 2, width // 2] = torch.nan
        try:
            with torch.inference_mode():
                output = module(strip)
        except (RuntimeError, AssertionError, ValueError) as error:
            problem = RuntimeError(str(error))
            continue
        reached = output.isnan().any(dim=2).any(dim=1)[0].nonzero()
        if len(reached):
            return int(reached.min()), int(reached.max())
    raise problem
