"""What made a number, beside its protocol: the weights with their checksums, and the device that ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sisr.base.digest import file_digest
from sisr.base.manifest import SrManifest
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.models.model_entries import Model


@dataclass(frozen=True)
class WeightsOrigin:
    """Weights of one model and scale: what they came from, and the sha256 of each file by its name.

    ``source`` is for reading, for example ``asset vdsr``; ``files`` is empty where they could not be had.
    """

    source: str
    files: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Origins:
    """Where a run's numbers come from.

    ``weights`` are of (model, scale), ``devices`` of each cell (``dataset/kernel/xSCALE/model``), ``facts``
    the complete registry entries of the models.
    """

    weights: Mapping[tuple[str, int], WeightsOrigin] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def weights(model: Model, scale: int, source: Path | None, own: Sequence[Path] = ()) -> WeightsOrigin | None:
    """Weights that a model ran with at a scale; None for one that has none.

    Parameters
    ----------
    source : what the workflow made of them: the manifest of a fetched asset, or trained ``.safetensors``
    own : files of the user's own that the model is made of
    """
    if own:
        return WeightsOrigin("own files", {path.name: file_digest(path) for path in own})
    spec = model.weights.get(scale)
    if spec is None or source is None:
        return None
    if spec.recipe:
        return WeightsOrigin(f"trained in this run, recipe {spec.recipe}", {source.name: file_digest(source)})
    manifest = FetchedAsset.read(source)
    used = {name: manifest.files[name].sha256 for name in spec.files.values() if name in manifest.files}
    return WeightsOrigin(f"asset {spec.asset}", used if manifest.status == "ok" else {})


def devices(statuses: Iterable[tuple[str, Path]]) -> dict[str, str]:
    """What each cell ran on, for example ``cpu, 1 thread``, from the status files of its shards.

    ``statuses`` are pairs of a cell and a file of :func:`sisr.upscaling.upscale.upscale_cell`; cells that
    did not run have no device.
    """
    found: dict[str, dict[str, None]] = {}
    for cell, path in statuses:
        done = SrManifest.read(path)
        if done.status == "ok":
            threads = f", {done.threads} thread{'s' * (done.threads != 1)}" if done.threads else ""
            text = f"{done.device}{threads}"
            found.setdefault(cell, {})[text] = None
    return {cell: "; ".join(texts) for cell, texts in found.items()}
