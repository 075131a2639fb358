"""The model registry: what a model is, which scales it has, and where its weights come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sisr import registry
from sisr.errors import ConfigError, ModelSkipped, unknown

Colour = Literal["rgb", "y"]


@dataclass(frozen=True)
class Weights:
    """Where the weights of one scale come from: files of an asset, or a training recipe of the DAG."""

    asset: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    recipe: str | None = None


@dataclass(frozen=True)
class Model:
    """One entry of ``config/models.yaml``.

    ``colour`` is ``rgb`` for networks that take three channels (a gray image is replicated) and ``y`` for
    networks on luma, whose chroma is enlarged bicubically as in the papers.  ``input_peak`` is what white
    is for the network: 1 or 255.
    """

    id: str
    label: str
    engine: str
    colour: Colour
    params: Mapping[str, Any]
    scales: tuple[int, ...]
    weights: Mapping[int, Weights]
    unavailable: str | None = None
    input_peak: int = 1

    def weights_for(self, scale: int) -> Weights | None:
        """Weights of a scale, None for a model without weights.

        Raises
        ------
        ModelSkipped
            The model has no form for this scale; the message lists those it has.
        """
        if self.scales and scale not in self.scales:
            have = ", ".join(f"x{s}" for s in self.scales)
            raise ModelSkipped(f"{self.label} has weights for {have} only, not for x{scale}")
        return self.weights.get(scale)


def parse(model_id: str, entry: Mapping[str, Any]) -> Model:
    """Turn a validated registry entry into a :class:`Model`."""
    weights = {int(scale): Weights(**spec) for scale, spec in entry.get("weights", {}).items()}
    scales = tuple(int(s) for s in entry.get("scales", weights))
    missing = [s for s in weights if s not in scales]
    if missing:
        raise ConfigError(f"model '{model_id}': weights for x{missing[0]}, which is not in its scales")
    return Model(
        id=model_id,
        label=entry["label"],
        engine=entry["engine"],
        colour=entry.get("colour", "rgb"),
        params=entry.get("params", {}),
        scales=scales,
        weights=weights,
        unavailable=entry.get("unavailable"),
        input_peak=255 if entry.get("input_range") == "0-255" else 1,
    )


def get(model_id: str, config: Path = registry.CONFIG) -> Model:
    """The model of that id; an unknown id raises :class:`ConfigError` with the nearest known one."""
    entries = registry.load("models", config)
    if model_id not in entries:
        raise ConfigError(unknown("model", model_id, entries))
    return parse(model_id, entries[model_id])
