"""Networks of the run that a study looks at; those whose weights cannot be had are left out, and logged."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.errors import ModelError, ModelSkipped, ModelUnavailable
from sisr.models.model_entries import Model, get
from sisr.upscaling import engines
from sisr.upscaling.upscale import weight_files

if TYPE_CHECKING:
    from sisr.upscaling.networks import Network

log = logging.getLogger(__name__)


def load(weights: Mapping[str, Path | None], scale: int) -> Iterator[tuple[Model, engines.Upscaler]]:
    """Models with what they enlarge by ``scale``; ``weights`` has the manifest or file of each by its id."""
    for model, files in _usable(weights, scale):
        yield model, engines.load(model, scale, files)


def load_modules(weights: Mapping[str, Path | None], scale: int) -> Iterator[tuple[str, Network]]:
    """Label and network of PyTorch models; see :func:`load`."""
    from sisr.upscaling import networks

    for model, files in _usable(weights, scale):
        yield model.label, networks.load(model, scale, files)


def _usable(weights: Mapping[str, Path | None], scale: int) -> Iterator[tuple[Model, Mapping[str, Path]]]:
    for name, source in weights.items():
        model = get(name)
        try:
            yield model, weight_files(model, scale, source)
        except (ModelError, ModelSkipped, ModelUnavailable) as error:
            log.warning("%s x%d: left out: %s", name, scale, error)
