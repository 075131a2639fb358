"""The state dicts in what trainers save around them.

A checkpoint may hold one network or several, bare or in a tree of dicts, beside counters, options and
optimisers, and every name may begin with what wrapped the network: ``net.``, ``generator.``,
``_orig_mod.module.``.  :func:`parts` lists what may be meant, the most likely first; whoever knows which
names a network has takes the first that fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from sisr.base.errors import ModelError

#: Keys under which trainers keep a network, the better weights first.
_USUAL = (
    "params_ema", "params-ema", "ema", "params", "model_state_dict", "state_dict", "state_dict_G", "model",
    "net", "generator", "netG", "net_g", "network", "weights",
)  # fmt: skip
#: What wrappers of networks put before every name, in any order.
_WRAPPERS = re.compile(r"^(?:(?:module|_orig_mod|netG)\.)+")
_AVERAGED = re.compile(r"(?:^|[._-])ema(?:$|[._-])|averaged", re.IGNORECASE)
#: Networks that a trainer keeps beside the one that enlarges, and the state of optimisers.
_OTHERS = re.compile(
    r"(?:^|[._-])(?:d|discriminator\w*|netd|perceptual\w*|cri\w*|vgg\w*|loss\w*|optim\w*|\w*scheduler\w*)(?:$|[._-])",
    re.IGNORECASE,
)
_DEEPEST = 6


@dataclass(frozen=True)
class Part:
    """A state dict within a checkpoint: where it was, and its tensors without that part of their names.

    ``keys`` are those of the dicts around it, ``prefix`` what every name began with.
    """

    keys: tuple[str, ...]
    prefix: str
    state: Mapping[str, Tensor]

    @property
    def name(self) -> str:
        """``state_dict/generator_ema.``; empty for a bare state dict."""
        return "".join(f"{key}/" for key in self.keys) + self.prefix

    @property
    def averaged(self) -> bool:
        """Whether its name says that the weights are averages over training (EMA)."""
        return _AVERAGED.search(self.name.replace("/", ".")) is not None


def parts(content: Any) -> list[Part]:
    """All state dicts that a checkpoint may mean, the most likely first; whole dicts before parts of them.

    Raises :class:`ModelError` where it holds none.
    """
    if isinstance(content, Tensor):
        raise ModelError("holds one tensor, expected a state dict")
    whole = sorted(_dicts(content, ()), key=lambda part: _rank(part.keys))
    if not whole:
        raise ModelError(f"holds no state dict but a {_kind_of(content)}")
    return [*whole, *(inner for part in whole for inner in _within(part))]


def _kind_of(content: Any) -> str:
    if not isinstance(content, Mapping):
        return type(content).__name__
    odd = next(iter(content.items()), None)
    return "dict without entries" if odd is None else f"dict whose '{odd[0]}' is a {type(odd[1]).__name__}"


def _dicts(content: Any, keys: tuple[str, ...]) -> Iterator[Part]:
    """Every dict with tensors in a tree of dicts; what lies beside tensors and is none is left out."""
    if not isinstance(content, Mapping) or len(keys) > _DEEPEST:
        return
    state = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    if state:
        wrapped = _WRAPPERS.match(next(iter(state)))
        prefix = wrapped[0] if wrapped and all(_WRAPPERS.match(name) for name in state) else ""
        bare = {_WRAPPERS.sub("", name) if prefix else name: tensor for name, tensor in state.items()}
        yield Part(keys, prefix if all(n.startswith(prefix) for n in state) else "", bare)
    for key, value in content.items():
        yield from _dicts(value, (*keys, str(key)))


def _rank(keys: tuple[str, ...]) -> tuple[bool, list[int]]:
    """The first is tried first; dicts of equal rank stay in the order of the file."""
    usual = [_USUAL.index(key) if key in _USUAL else len(_USUAL) for key in keys]
    return any(_OTHERS.search(key) for key in keys), [
        -1 if _AVERAGED.search(key) else place for key, place in zip(keys, usual, strict=True)
    ]


def _within(part: Part) -> Iterator[Part]:
    """Networks whose names all begin alike, where everything else in the dict is known to be something else.

    That is a second copy of the same network, a discriminator, a loss, or a counter.  So a part of a network
    is never taken for a network.
    """
    groups: dict[str, dict[str, Tensor]] = {}
    for name, tensor in part.state.items():
        first, dot, rest = name.partition(".")
        groups.setdefault(first + dot, {})[rest or first] = tensor
    found = [
        name
        for name, group in groups.items()
        if name.endswith(".")
        and not _OTHERS.search(name)
        and all(_is_beside(group, other, groups[other]) for other in groups if other != name)
    ]
    for name in sorted(found, key=lambda name: not _AVERAGED.search(name)):
        inner = Part(part.keys, part.prefix + name, groups[name])
        yield inner
        yield from _within(inner)


def _is_beside(group: Mapping[str, Tensor], name: str, other: Mapping[str, Tensor]) -> bool:
    return (
        other.keys() == group.keys()
        or _OTHERS.search(name) is not None
        or all(tensor.numel() <= 1 for tensor in other.values())
    )
