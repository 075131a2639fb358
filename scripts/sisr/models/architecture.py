"""What an architecture's module says of it: how it is built, and how its weights are recognised in a file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import nn

#: Names of a file's tensors, and their shapes.
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Architecture:
    """An architecture, as ``ARCHITECTURE`` of its module; the module's docstring cites its paper.

    ``build(scale, **arguments)`` gives an untrained network, and raises ``TypeError`` or ``ValueError`` for
    arguments or a scale that it does not have.  What a caller must know beyond the network's forward pass is
    in attributes of the names that :class:`sisr.upscaling.networks.Network` has: ``minimum_size``,
    ``multiple_of``, ``tiling``.

    A file of weights is this architecture where names and shapes of its tensors are those of
    ``build(scale, **form)`` for one of the ``forms``: those that there are, or a function that reads widths
    and numbers of blocks from the shapes (a ``KeyError`` of it: this is another architecture).  The network
    is then run on ``colour`` and ``input_range``, which no file tells.
    """

    build: Callable[..., nn.Module]
    colour: Literal["rgb", "y"] = "rgb"
    input_range: Literal["0-1", "0-255"] = "0-1"
    forms: tuple[Mapping[str, Any], ...] | Callable[[Shapes], Iterable[Mapping[str, Any]]] = ({},)

    def forms_of(self, shapes: Shapes) -> tuple[Mapping[str, Any], ...]:
        """The arguments under which a file may be this architecture."""
        if not callable(self.forms):
            return self.forms
        try:
            return tuple(self.forms(shapes))
        except KeyError:
            return ({},)


def numbered(shapes: Shapes, prefix: str) -> int:
    """How many different numbers follow a prefix in the names of a file's tensors.

    >>> numbered({"body.0.weight": (1,), "body.0.bias": (1,), "body.7.bias": (1,), "tail.1.bias": (1,)}, "body.")
    2
    """
    pattern = re.compile(re.escape(prefix) + r"(\d+)")
    return len({found[1] for name in shapes if (found := pattern.match(name))})
