"""Architectures of BasicSR, by name, and of spandrel, detected from the weights."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from sisr.base import extensions
from sisr.base.errors import ConfigError, ModelError, unknown
from sisr.models.architecture import Sizes, count_of
from sisr.models.compat import prepare_torchvision
from sisr.models.differences import TensorDifference

if TYPE_CHECKING:
    from spandrel import ImageModelDescriptor

#: Class of BasicSR -> its module in ``basicsr.archs`` and the name of its argument for the scale.
BASICSR = {
    "EDSR": ("edsr_arch", "upscale"),
    "MSRResNet": ("srresnet_arch", "upscale"),
    "RCAN": ("rcan_arch", "upscale"),
    "RRDBNet": ("rrdbnet_arch", "scale"),
    "SwinIR": ("swinir_arch", "upscale"),
    "SRVGGNetCompact": ("srvgg_arch", "upscale"),
}


def _edsr_sizes(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    return {
        "num_in_ch": shapes["conv_first.weight"][1],
        "num_out_ch": shapes["conv_last.weight"][0],
        "num_feat": shapes["conv_first.weight"][0],
        "num_block": count_of(shapes, "body.{}.conv1.weight"),
    }


#: Class of BasicSR that is recognised in any size -> see ``sizes`` and ``untold`` of
#: :class:`sisr.models.architecture.Architecture`.
BASICSR_SIZES: Mapping[str, tuple[Sizes, Mapping[str, tuple[Any, ...]]]] = {
    "EDSR": (_edsr_sizes, {"res_scale": (1, 0.1)}),
}


def build_basicsr(name: str, scale: int, arguments: Mapping[str, Any]) -> nn.Module:
    """An untrained network of BasicSR; ``arguments`` are those of its class beside the scale.

    Raises :class:`ConfigError` for a class or an argument that it does not have.
    """
    if name not in BASICSR:
        raise ConfigError(unknown("architecture of BasicSR", name, BASICSR))
    keyword = BASICSR[name][1]
    try:
        return _basicsr_class(name)(**{keyword: scale}, **arguments)
    except TypeError as error:
        raise ConfigError(f"architecture 'basicsr:{name}': {error}") from None


@cache
def _basicsr_class(name: str) -> type[nn.Module]:
    prepare_torchvision()
    with _without_everything_else():
        return getattr(importlib.import_module(f"basicsr.archs.{BASICSR[name][0]}"), name)


@contextmanager
def _without_everything_else() -> Iterator[None]:
    """Let one module of BasicSR be imported without the rest of it.

    ``basicsr/__init__.py`` and ``basicsr/archs/__init__.py`` import all of its models, datasets, losses and
    metrics, 650 modules in two seconds.  Bare packages stand for the two meanwhile; they are taken away
    again, so that a later ``import basicsr`` is what it always was.
    """
    if "basicsr" in sys.modules:
        yield
        return
    initial = extensions.place("basicsr")
    if initial is None:
        raise ConfigError("BasicSR is not installed; `make setup` and envs/torch.post-deploy.sh do it")
    root = initial.parent
    bare = {"basicsr": root, "basicsr.archs": root / "archs"}
    for package, folder in bare.items():
        sys.modules[package] = ModuleType(package)
        sys.modules[package].__path__ = [str(folder)]
    try:
        yield
    finally:
        for package in bare:
            del sys.modules[package]


class Misfit(ModelError):
    """Tensors do not fit what spandrel takes them for; ``nearness`` as of a :class:`TensorDifference`."""

    def __init__(self, message: str, nearness: float) -> None:
        super().__init__(message)
        self.nearness = nearness


def detect_spandrel(state: Mapping[str, Tensor], source: Path) -> ImageModelDescriptor[nn.Module]:
    """spandrel's network for a state dict, with the weights in it.

    Only spandrel's detection and classes are used; it never sees the file.

    Raises :class:`ModelError` where it knows no such network or the network is not one that maps an image to
    an image, and :class:`Misfit` where the tensors do not fit the one that they look like.
    """
    prepare_torchvision()
    from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError

    try:
        found = ModelLoader(device="cpu").load_from_state_dict(dict(state))
    except UnsupportedModelError:
        few = ", ".join(f"'{name}'" for name in list(state)[:3])
        raise ModelError(f"{source}: no architecture of spandrel has tensors like {few}") from None
    except Exception as error:  # whatever a shape that spandrel did not expect leads to
        difference = TensorDifference.told(str(error), len(state))
        lines = str(error).strip().splitlines() or [type(error).__name__]
        said = f"does not fit: {lines[-1].strip()}" if difference is None else str(difference)
        nearness = 0.25 if difference is None else difference.nearness
        raise Misfit(f"{source}: nearest {spandrel_name(state)} of spandrel: {said}", nearness) from None
    if not isinstance(found, ImageModelDescriptor):
        raise ModelError(f"{source}: {found.architecture.name} needs more than an image as input")
    return found


def spandrel_name(state: Mapping[str, Tensor]) -> str | None:
    """Name of the architecture that spandrel takes a state dict for, None if it knows none."""
    prepare_torchvision()
    from spandrel import MAIN_REGISTRY

    tensors = dict(state)
    supports = MAIN_REGISTRY.architectures("detection")
    return next((s.architecture.name for s in supports if s.detect(tensors)), None)


def spandrel_names() -> list[str]:
    """Names of all architectures that spandrel detects."""
    prepare_torchvision()
    from spandrel import MAIN_REGISTRY

    return sorted((support.architecture.name for support in MAIN_REGISTRY), key=str.lower)
