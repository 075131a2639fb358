"""Architectures that no library has, one small file each, and the table that names them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from sisr.errors import ConfigError, unknown

if TYPE_CHECKING:
    from torch import nn

#: Name in the registry -> "module:class".  A class is built with ``scale`` as its only argument.
ARCHS = {
    "espcn": "sisr.archs.espcn:ESPCN",
    "imdn": "sisr.archs.imdn:IMDN",
    "vdsr": "sisr.archs.vdsr:VDSR",
}


def build(name: str, scale: int) -> nn.Module:
    """An untrained network; an unknown name raises :class:`ConfigError`."""
    if name not in ARCHS:
        raise ConfigError(unknown("architecture", name, ARCHS))
    module, _, cls = ARCHS[name].partition(":")
    return getattr(importlib.import_module(module), cls)(scale)
