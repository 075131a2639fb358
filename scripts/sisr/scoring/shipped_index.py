"""Scores that come with the project: which there are, and what each was made from.

``config/baselines/index.json`` says of each LR set the digests of its HR and LR images and the models that
were scored on it, of each model and scale that of its entry and weights, and of each measure that of its
rules.  The scores of an LR set lie beside it, one row a model and measure, one column an image.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sisr.base import registry
from sisr.base.cells import Cell
from sisr.base.errors import ConfigError

FOLDER = registry.CONFIG / "baselines"


@dataclass(frozen=True)
class ShippedSet:
    """An LR set: digests of its HR and LR images; model -> commit that it was computed at, and when."""

    hr: str
    lr: str
    models: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class ShippedIndex:
    """``sets`` by ``dataset/kernel/xSCALE``; ``models`` by id and ``xSCALE``; ``measures`` by id."""

    measures: Mapping[str, str]
    models: Mapping[str, Mapping[str, str]]
    sets: Mapping[str, ShippedSet]

    @classmethod
    def read(cls, folder: Path = FOLDER) -> ShippedIndex:
        """The index of a folder, empty where there is none; :class:`ConfigError` for what is no index."""
        path = folder / "index.json"
        if not path.is_file():
            return cls({}, {}, {})
        try:
            found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            sets = {name: ShippedSet(**one) for name, one in found["sets"].items()}
            return cls(found["measures"], found["models"], sets)
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise ConfigError(f"{path}: not an index of scores: {error}") from None

    def models_of(self, dataset: str, kernel: str, scale: int) -> list[str]:
        """Models that were scored on an LR set."""
        found = self.sets.get(set_name(dataset, kernel, scale))
        return list(found.models) if found else []


@cache
def index() -> ShippedIndex:
    """The project's own."""
    return ShippedIndex.read()


def set_name(dataset: str, kernel: str, scale: int) -> str:
    """What the index calls an LR set."""
    return f"{dataset}/{kernel}/x{scale}"


def table_of(name: str, folder: Path = FOLDER) -> Path:
    """The scores of an LR set."""
    return folder / f"{name.replace('/', '_')}.csv"


def shipped_cells(
    asked: list[str], sets: list[tuple[str, str, int]], run: set[str], found: ShippedIndex | None = None
) -> list[Cell]:
    """Cells that come from the table, on the LR sets of a run, in the order of the models.

    ``asked`` are ids, or ``all``; models that the ``run`` computes itself are left out.  :class:`ConfigError`
    for a model that was scored on none of the sets.
    """
    found = found or index()
    have = {one: found.models_of(*one) for one in sets}
    known = list(dict.fromkeys(model for models in have.values() for model in models))
    for model in asked:
        if model not in ("all", *known):
            where = ", ".join(set_name(*one) for one in sets)
            shipped = ", ".join(known) or "none"
            raise ConfigError(f"no scores of '{model}' come with the project on {where}; known: {shipped}")
    chosen = [m for m in (known if "all" in asked else dict.fromkeys(asked)) if m not in run]
    return [Cell(*one, model) for model in chosen for one in sets if model in have[one]]
