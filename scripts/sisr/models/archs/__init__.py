"""Architectures by name: those that no library has, one module each, and those of BasicSR.

A new one is a module or a folder here with a constant ``ARCHITECTURE``
(:class:`sisr.models.architecture.Architecture`); its name is the module's, with hyphens.  Installed packages
have theirs in the group ``sisr.archs`` of entry points.  spandrel's are not named here: it detects them from
the weights (see :mod:`sisr.models.libraries`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sisr.base import extensions
from sisr.base.errors import ConfigError

if TYPE_CHECKING:
    from torch import nn

    from sisr.models.architecture import Architecture


@cache
def own() -> dict[str, str]:
    """Name -> where it lies, for the architectures in this folder."""
    return extensions.members("sisr.models.archs.*", "ARCHITECTURE")


def known() -> list[str]:
    """Names of all architectures but those of libraries.

    >>> "espcn" in known()
    True
    """
    return extensions.known("archs", own())


def target(name: str) -> str:
    """Where an architecture lies; :class:`ConfigError` for an unknown name.

    >>> target("carn-m")
    'sisr.models.archs.carn_m:ARCHITECTURE'
    """
    return extensions.target("architecture", "archs", name, own())


def get(name: str) -> Architecture:
    """The architecture of a name, see :func:`target`."""
    return extensions.load(target(name))


def build(name: str, scale: int, **arguments: Any) -> nn.Module:
    """An untrained network: an architecture's name, or ``basicsr:`` and a class of BasicSR.

    ``arguments`` are further keyword arguments of the class.  An unknown name, an argument or a scale that
    the class does not have raises :class:`ConfigError`.

    >>> sum(parameter.numel() for parameter in build("fsrcnn", 3).parameters())
    12809
    """
    library, _, cls = name.partition(":")
    if library == "basicsr":
        from sisr.models.libraries import build_basicsr

        return build_basicsr(cls, scale, arguments)
    architecture = get(name)
    try:
        return architecture.build(scale, **arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"architecture '{name}': {error}") from None
