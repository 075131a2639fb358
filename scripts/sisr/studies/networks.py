"""Networks of the run that a study looks at; those whose weights cannot be had are left out, and logged."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

from sisr import engines
from sisr.errors import ModelError, ModelSkipped, ModelUnavailable
from sisr.models import Model, get
from sisr.upscale import weight_files

log = logging.getLogger(__name__)


def load(weights: Mapping[str, Path], scale: int) -> Iterator[tuple[Model, engines.Upscaler]]:
    """Models with what they enlarge by ``scale``; ``weights`` has the manifest or file of each by its id."""
    for name, source in weights.items():
        model = get(name)
        try:
            yield model, engines.load(model, scale, weight_files(model, scale, source))
        except (ModelError, ModelSkipped, ModelUnavailable) as error:
            log.warning("%s x%d: left out: %s", name, scale, error)
