"""Under which licences a model is: its code, as its entry states it, and its weights, as their asset does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sisr.base import registry

UNKNOWN = "unknown"
#: Of a model without weights.
NO_WEIGHTS = "needs none"


@dataclass(frozen=True)
class Licences:
    """``also_stated``: what else somebody states of the weights, empty where nobody does."""

    code: str
    weights: str
    also_stated: str

    @property
    def text(self) -> str:
        """In one line: once where one licence holds for both, and with what contradicts it."""
        one = self.weights in (self.code, NO_WEIGHTS)
        return (self.code if one else f"{self.code}; weights {self.weights}") + (
            f" (also stated: {self.also_stated})" if self.also_stated else ""
        )


def licences_of(entry: Mapping[str, Any], config: Path = registry.CONFIG) -> Licences:
    """The licences of a complete registry entry (:func:`sisr.models.model_entries.entry_of`).

    Those of weights are read from the registry of assets alone, so that two registries cannot disagree;
    ``weights_licence`` of the entry is for weights that are no asset: trained by a recipe, or the user's own.
    """
    assets = registry.load("assets", config)
    used = dict.fromkeys(one["asset"] for one in entry.get("weights", {}).values() if "asset" in one)
    stated = [assets[name] for name in used]
    licences = list(dict.fromkeys(one["licence"] for one in stated))
    if not licences:
        without = entry.get("engine") == "interpolation"
        licences = [entry.get("weights_licence", NO_WEIGHTS if without else UNKNOWN)]
    also = dict.fromkeys(one["also_stated"] for one in stated if "also_stated" in one)
    return Licences(entry.get("licence", UNKNOWN), ", ".join(licences), "; ".join(also))
