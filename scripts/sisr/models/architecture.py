"""What an architecture's module says of it: how it is built, and how its weights are recognised in a file."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import nn


#: From the shapes of a file's tensors to arguments.
Sizes = Callable[[Mapping[str, tuple[int, ...]]], Mapping[str, Any]]
#: Scales that are tried for weights that do not tell theirs.
SCALES = (2, 3, 4, 8)


@dataclass(frozen=True)
class Architecture:
    """An architecture, as ``ARCHITECTURE`` of its module; the module's docstring cites its paper.

    ``build(scale, **arguments)`` gives an untrained network, and raises ``TypeError`` or ``ValueError`` for
    arguments or a scale that it does not have.  What a caller must know beyond the network's forward pass is
    in attributes of the names that :class:`sisr.upscaling.networks.Network` has: ``minimum_size``,
    ``multiple_of``, ``tiling``.

    A file of weights is this architecture where names and shapes of its tensors are those of
    ``build(scale, **form)`` for one of the ``forms``; it is then run on ``colour`` and ``input_range``, which
    no file tells.  With ``sizes`` it is recognised in any size: a function from the shapes of the file's
    tensors to the arguments that they tell; it may raise ``KeyError`` or ``ValueError`` for a file of another
    architecture, and need not find out: what is built from its arguments has to agree in all tensors.

    ``untold`` are arguments that change what is computed and no tensor, with the values in use.  The forms
    state them; for any other file in which ``sizes`` does not find them they have to be given, and are never
    guessed.
    """

    build: Callable[..., nn.Module]
    colour: Literal["rgb", "y"] = "rgb"
    input_range: Literal["0-1", "0-255"] = "0-1"
    forms: tuple[Mapping[str, Any], ...] = ({},)
    sizes: Sizes | None = None
    untold: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


def count_of(names: Iterable[str], pattern: str, start: int = 0) -> int:
    """How many numbers from ``start`` on make a name that is there, when they are put into the pattern.

    >>> count_of(["body.0.weight", "body.1.weight", "tail.weight"], "body.{}.weight")
    2
    """
    have = set(names)
    return next(number for number in itertools.count(start) if pattern.format(number) not in have) - start
