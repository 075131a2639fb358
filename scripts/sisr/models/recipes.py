"""Training recipes: ``config/training/<name>.yaml``, checked against ``training.schema.yaml``."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sisr.base import registry
from sisr.base.errors import ConfigError

#: Sides of HR that BasicSR's SRGAN discriminator was built for.
_VGG_SIDES = (128, 256)


@dataclass(frozen=True)
class Recipe:
    """A checked training recipe; see ``workflow/schemas/training.schema.yaml`` for the keys.

    ``document`` is the recipe as it was written, without defaults, and what :attr:`digest` is made of: a new
    optional key leaves the digests of older recipes as they are.
    """

    name: str
    arch: str
    kernel: str
    patch: int
    batch: int
    iterations: int
    learning_rate: float
    loss: str
    args: Mapping[str, Any] = field(default_factory=dict)
    colour: str = "y"
    pre_upscale: str | None = None
    data: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    final_rate: float = 1e-7
    loss_weight: float = 1.0
    perceptual: Mapping[str, Any] | None = None
    adversarial: Mapping[str, Any] | None = None
    edges: float | None = None
    ema: float = 0.0
    start: str | None = None
    start_scale: int | None = None
    validation: Mapping[str, Any] = field(default_factory=dict)
    interval: int | None = None
    leakage: str = "stop"
    precision: str = "fp32"
    deterministic: bool = True
    seed: int = 0
    threads: int = 1
    workers: int = 0
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def digest(self) -> str:
        """sha256 of the recipe's content; the same for any order of its keys."""
        return hashlib.sha256(json.dumps(self.document, sort_keys=True).encode()).hexdigest()

    @property
    def channels(self) -> int:
        """Channels of the network: 1 for luma, 3 for RGB."""
        return 1 if self.colour == "y" else 3

    @property
    def every(self) -> int:
        """Iterations between two checkpoints, validations, samples and points of the curves."""
        return self.interval or max(1, min(1000, self.iterations // 20))

    @property
    def assets(self) -> tuple[str, ...]:
        """Assets that training reads: images to train and validate on, and features of losses."""
        features = ("lpips-backbones",) if self.perceptual else ()
        return tuple(dict.fromkeys((*self.data, *self.validation.get("data", ()), *features)))


_NAME = re.compile(r"[\w-][\w.-]*")


def parse_recipe(name: str, document: Mapping[str, Any], source: str) -> Recipe:
    """A recipe from its document; :class:`ConfigError` names ``source`` and the key that is wrong."""
    registry.validate(document, "training", source)
    tuples = {key: tuple(document[key]) for key in ("data", "folders", "exclude") if key in document}
    recipe = Recipe(**{**document, **tuples, "name": name, "document": document})
    if not (recipe.data or recipe.folders):
        raise ConfigError(f"{source}: expected data or folders to train on, found neither")
    if recipe.start_scale is not None and recipe.start is None:
        raise ConfigError(f"{source}: start_scale: expected start beside it")
    if recipe.start == name:
        raise ConfigError(f"{source}: start: a recipe cannot start from itself")
    both = {*recipe.validation.get("data", ())} & {*recipe.data}
    if both:
        raise ConfigError(f"{source}: validation.data: '{min(both)}' is also trained on")
    if recipe.pre_upscale and recipe.colour != "y":
        raise ConfigError(f"{source}: pre_upscale: expected colour y, found {recipe.colour}")
    if recipe.edges is not None and recipe.arch != "edge-informed":
        raise ConfigError(f"{source}: edges: only arch edge-informed has edges, found {recipe.arch}")
    return recipe


def read_recipe(name: str, config: Path = registry.CONFIG) -> Recipe:
    """Recipe ``config/training/<name>.yaml``; a wrong key or value raises :class:`ConfigError` naming it."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"recipe '{name}': expected the name of a file in config/training without its ending"
        )
    path = registry.find(f"training/{name}.yaml", config)
    return parse_recipe(name, registry.read_yaml(path), f"config/training/{path.name}")


def start_of(recipe: Recipe, config: Path = registry.CONFIG) -> Recipe | None:
    """The recipe whose weights a recipe starts from, None for one that starts from random weights.

    Raises :class:`ConfigError` where their networks are not the same, or recipes start in a circle.
    """
    if recipe.start is None:
        return None
    seen = [recipe.name]
    first = current = read_recipe(recipe.start, config)
    while True:
        if current.name in seen:
            circle = " -> ".join([*seen, current.name])
            raise ConfigError(f"config/training/{recipe.name}.yaml: start: goes round in a circle: {circle}")
        seen.append(current.name)
        if current.start is None:
            break
        current = read_recipe(current.start, config)
    if (first.arch, first.args, first.colour) != (recipe.arch, recipe.args, recipe.colour):
        raise ConfigError(
            f"config/training/{recipe.name}.yaml: start: '{first.name}' trains another network "
            f"({first.arch} {dict(first.args)}, expected {recipe.arch} {dict(recipe.args)})"
        )
    return first


def discriminator_of(recipe: Recipe, scale: int) -> dict[str, Any]:
    """BasicSR's options of a recipe's discriminator.

    Raises :class:`ConfigError` for a patch that it cannot judge.
    """
    assert recipe.adversarial is not None
    kind = recipe.adversarial.get("discriminator", "unet")
    side = recipe.patch * scale
    width = recipe.adversarial.get("width", 64)
    where = f"config/training/{recipe.name}.yaml: adversarial.discriminator"
    if kind == "vgg":
        if side not in _VGG_SIDES:
            raise ConfigError(f"{where}: vgg judges HR patches of 128 or 256 pixels, found {side}")
        return {
            "type": "VGGStyleDiscriminator",
            "num_in_ch": recipe.channels,
            "num_feat": width,
            "input_size": side,
        }
    if side % 8:
        raise ConfigError(f"{where}: unet judges HR patches of a multiple of 8 pixels, found {side}")
    return {"type": "UNetDiscriminatorSN_basicsr", "num_in_ch": recipe.channels, "num_feat": width}
