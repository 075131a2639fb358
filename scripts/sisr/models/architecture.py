"""What an architecture's module says of it: how it is built, and how its weights are recognised in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Architecture:
    """An architecture, as ``ARCHITECTURE`` of its module; the module's docstring cites its paper.

    ``build(scale, **arguments)`` gives an untrained network, and raises ``TypeError`` or ``ValueError`` for
    arguments or a scale that it does not have.  What a caller must know beyond the network's forward pass is
    in attributes of the names that :class:`sisr.upscaling.networks.Network` has: ``minimum_size``,
    ``multiple_of``, ``tiling``.

    A file of weights is this architecture where names and shapes of its tensors are those of
    ``build(scale, **form)`` for one of the ``forms``; it is then run on ``colour`` and ``input_range``, which
    no file tells.
    """

    build: Callable[..., nn.Module]
    colour: Literal["rgb", "y"] = "rgb"
    input_range: Literal["0-1", "0-255"] = "0-1"
    forms: tuple[Mapping[str, Any], ...] = ({},)
