"""Training recipes: ``config/training/<name>.yaml``, checked against ``training.schema.yaml``."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sisr import registry


@dataclass(frozen=True)
class Recipe:
    """A checked training recipe; see ``workflow/schemas/training.schema.yaml`` for the keys."""

    arch: str
    data: tuple[str, ...]
    kernel: str
    patch: int
    batch: int
    iterations: int
    learning_rate: float
    loss: str
    seed: int = 0
    threads: int = 1

    @property
    def digest(self) -> str:
        """sha256 of the recipe's content; the same for any order of its keys."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def read_recipe(name: str, config: Path = registry.CONFIG) -> Recipe:
    """Recipe ``config/training/<name>.yaml``; a wrong key or value raises :class:`ConfigError` naming it."""
    path = config / "training" / f"{name}.yaml"
    document = registry.read_yaml(path)
    registry.validate(document, "training", f"config/training/{path.name}")
    return Recipe(**{**document, "data": tuple(document["data"])})
