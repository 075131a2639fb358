"""Trained weights as ``.safetensors`` with everything that made them in the metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr.base.atomic import replacing
from sisr.base.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

_METADATA = "sisr.training"


def write(path: Path, state: Mapping[str, Tensor], made: Mapping[str, Any]) -> None:
    """Write weights; the same tensors and ``made`` give the same bytes."""
    from safetensors.torch import save_file

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in sorted(state.items())}
    with replacing(path) as temporary:
        # One key: several would be written in random order.
        save_file(tensors, temporary, metadata={_METADATA: json.dumps(made, sort_keys=True)})


def metadata_of(weights: Path) -> dict[str, Any]:
    """What :func:`write` was told about a ``.safetensors`` file; empty for one that it did not write.

    ``recipe`` is the recipe's document and ``recipe_sha256`` its digest; ``images`` maps the names of the
    training images to the sha256 of their files.
    """
    try:
        with weights.open("rb") as stream:
            # Eight bytes of length, then JSON: without safetensors, which is not in every rule's environment.
            content = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        return json.loads(content.get("__metadata__", {}).get(_METADATA, "{}"))
    except (OSError, ValueError, MemoryError, OverflowError) as error:
        raise ModelError(f"{weights}: not a readable safetensors file: {error}") from None
