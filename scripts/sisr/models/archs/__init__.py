"""Architectures by name: those that no library has, one small file each, and those of BasicSR.

spandrel's are not named here: it detects them from the weights (see :mod:`sisr.models.archs.libraries`).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sisr.base.errors import ConfigError, unknown

if TYPE_CHECKING:
    from torch import nn

#: Name in the registry -> "module:class".  A class is built with ``scale`` and, if it has any, its own
#: keyword arguments.  What a caller must know beyond its forward pass is in attributes of the names that
#: :class:`sisr.upscaling.networks.Network` has: ``minimum_size``, ``multiple_of``, ``tiling``.
ARCHS = {
    "carn-m": "sisr.models.archs.carn_m:CARNM",
    "edge-informed": "sisr.models.archs.edge_informed:EdgeInformedSR",
    "espcn": "sisr.models.archs.espcn:ESPCN",
    "fsrcnn": "sisr.models.archs.fsrcnn:FSRCNN",
    "imdn": "sisr.models.archs.imdn:IMDN",
    "lapsrn": "sisr.models.archs.lapsrn:LapSRN",
    "rlfn": "sisr.models.archs.rlfn:RLFN",
    "spsr": "sisr.models.archs.spsr:SPSR",
    "srcnn": "sisr.models.archs.srcnn:SRCNN",
    "srgan": "sisr.models.archs.srgan:SRGAN",
    "srresnet": "sisr.models.archs.srresnet:SRResNet",
    "vdsr": "sisr.models.archs.vdsr:VDSR",
}


def build(name: str, scale: int, **arguments: Any) -> nn.Module:
    """An untrained network: a name of :data:`ARCHS`, or ``basicsr:`` and a class of BasicSR.

    ``arguments`` are further keyword arguments of the class.  An unknown name, an argument or a scale that
    the class does not have raises :class:`ConfigError`.
    """
    library, _, cls = name.partition(":")
    if library == "basicsr":
        from sisr.models.archs.libraries import build_basicsr

        return build_basicsr(cls, scale, arguments)
    if name not in ARCHS:
        raise ConfigError(unknown("architecture", name, ARCHS))
    module, _, cls = ARCHS[name].partition(":")
    try:
        return getattr(importlib.import_module(module), cls)(scale, **arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"architecture '{name}': {error}") from None
