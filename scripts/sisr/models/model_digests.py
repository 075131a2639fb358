"""What makes a model what it is: the code that runs it, its registry entry, and its weights.

Needs only the standard library, PyYAML and jsonschema: planning a run reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from sisr.base import registry
from sisr.base.digest import file_digest, reach
from sisr.models import archs
from sisr.models.model_entries import Model, engine_module

#: What assets state of the content of a file, the strongest first.
_CHECKS = ("sha256", "sha256_prefix", "git_blob")
#: What is at work while a model runs, of all that its engine can reach: errors and registries are not.
_AT_WORK = ("sisr.upscaling.", "sisr.models.archs", "sisr.models.modified.", "sisr.lr.kernels.")


def code_choices(models: Iterable[Model]) -> dict[str, list[str]]:
    """Of engines and architectures, the code of those that models run: ``only`` of
    :func:`sisr.base.digest.code_digest`; nothing is narrowed where only a model's files tell.
    """
    models = list(models)
    if any(model.own or model.outputs for model in models):
        return {}
    return {
        "sisr.models.model_entries.ENGINES": [f"{engine_module(model.engine)}:" for model in models],
        "sisr.upscaling.engines.RESOLVERS": [],
        **arch_choices(model.params.get("arch", "") for model in models if model.engine == "torch"),
    }


def arch_choices(names: Iterable[str]) -> dict[str, list[str]]:
    """Of the architectures, the code of some; libraries have no code of ours."""
    ours = [name for name in names if name and name != "spandrel" and ":" not in name]
    return {"sisr.models.archs.*": [archs.target(name) for name in ours]}


def code_of(model: Model, scale: int) -> str:
    """Digest (16 hex digits) of the code that runs a model, and of what its entry says of how it runs."""
    reached = reach(["sisr.upscaling.engines.load"], code_choices([model]))
    of_packages = (name for name in reached if not name.startswith("sisr"))
    names = sorted({*(name for name in reached if name.startswith(_AT_WORK)), *of_packages})
    code = [(name, reached[name]) for name in names]
    said = (model.engine, model.colour, sorted(model.params.items()), model.input_peak, model.modifiers)
    return hashlib.sha256(f"{code} {said!r} {model.link(scale)}".encode()).hexdigest()[:16]


def weights_of(model: Model, scale: int) -> dict[str, str]:
    """Role -> checksum of its file as the registry states it, which a fetch has verified: ``sha256:...``.

    For weights that a recipe trains ``recipe:`` and the digest of the recipe.
    """
    weights = model.weights_for(scale)
    if weights is None:
        return {}
    if weights.recipe:
        return {"state": f"recipe:{file_digest(registry.find(f'training/{weights.recipe}.yaml'))}"}
    files = {one["name"]: one for one in registry.entry("assets", str(weights.asset))["files"]}
    return {role: _check(files[name]) for role, name in weights.files.items()}


def _check(file: Mapping[str, Any]) -> str:
    return next(f"{kind}:{file[kind]}" for kind in _CHECKS if kind in file)
