"""The receptive field as papers state it: a side in LR pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import nn

#: LR samples that the bicubic enlargement reads for one HR sample.
_CUBIC = 4


def receptive_field(module: nn.Module, channels: int, scale: int, enlarged: bool) -> int | Literal["global"]:
    """Side, in LR pixels, of the part of the input that one output pixel depends on.

    Measured by :func:`sisr.upscaling.inference.field.columns`.  ``enlarged``: the network's input is the
    bicubic enlargement, and the field includes what that reads.

    The module stays in float64.  Raises RuntimeError for a network that takes no strip.
    """
    from sisr.upscaling.inference.field import columns

    factor = 1 if enlarged else scale
    found = columns(module, channels, factor)
    if found == "global":
        return found
    changed = sum(found) + factor
    return (changed - 1) // scale + _CUBIC if enlarged else -(-changed // scale)
