"""Receptive fields, measured: which outputs one input pixel can change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import nn

#: Widths of the strip on which a field is looked for; a field that ends in none of them counts as global.
_WIDTHS = (64, 128, 256, 512, 1024)
#: Heights that are tried: some networks pad by reflection, and one row has nothing to reflect.
_HEIGHTS = (1, 16)
#: LR samples that the bicubic enlargement reads for one HR sample.
_CUBIC = 4


def receptive_field(module: nn.Module, channels: int, scale: int, enlarged: bool) -> int | Literal["global"]:
    """Side, in LR pixels, of the part of the input that one output pixel depends on.

    One pixel of a strip is made NaN, which every sum over it inherits, whatever the weights: the number of
    columns that become NaN is the field of the architecture, not of the training.  In float64, which the fast
    convolutions that compute several outputs at once do not know.  ``enlarged``: the network's input is the
    bicubic enlargement, and the field includes what that reads.

    The module stays in float64.  Raises RuntimeError for a network that takes no strip.
    """
    module = module.double().eval()
    for width in _WIDTHS:
        changed = _changed_columns(module, channels, width)
        columns = width if enlarged else width * scale
        # A strip that is too short cuts the field off; that of a dilated convolution has holes, and may then
        # end a few columns inside.
        if changed <= columns * 7 // 8:
            return (changed - 1) // scale + _CUBIC if enlarged else -(-changed // scale)
    return "global"


def _changed_columns(module: nn.Module, channels: int, width: int) -> int:
    """Columns of the output that a NaN in the middle of a strip reaches, from the first to the last."""
    import torch

    last: RuntimeError | None = None
    for height in _HEIGHTS:
        strip = torch.full((1, channels, height, width), 0.5, dtype=torch.float64)
        strip[:, :, height // 2, width // 2] = torch.nan
        try:
            with torch.inference_mode():
                output = module(strip)
        except RuntimeError as error:
            last = error
            continue
        reached = output.isnan().any(dim=2).any(dim=1)[0].nonzero()
        return int(reached.max() - reached.min()) + 1
    raise last or RuntimeError("no strip was tried")
