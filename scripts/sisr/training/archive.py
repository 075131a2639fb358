"""Trained weights as ``.safetensors`` with everything that made them in the metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from sisr.atomic import replacing
from sisr.errors import ModelError

_METADATA = "sisr.training"


def write(path: Path, state: Mapping[str, Tensor], made: Mapping[str, Any]) -> None:
    """Write weights; the same tensors and ``made`` give the same bytes."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(state.items())}
    with replacing(path) as temporary:
        # One key: several would be written in random order.
        save_file(tensors, temporary, metadata={_METADATA: json.dumps(made, sort_keys=True)})


def metadata_of(weights: Path) -> dict[str, Any]:
    """What :func:`write` was told about a ``.safetensors`` file; empty for one that it did not write.

    ``recipe`` is the recipe's document and ``recipe_sha256`` its digest; ``pictures`` maps the names of the
    training pictures to the sha256 of their files.
    """
    try:
        with safe_open(weights, framework="pt") as stream:
            return json.loads((stream.metadata() or {}).get(_METADATA, "{}"))
    except Exception as error:  # safetensors has an error class of its own
        raise ModelError(f"{weights}: not a readable safetensors file: {error}") from None
