"""Which files a measure reads beside the two images: ``files`` of its metric and of its protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base import registry
from sisr.base.errors import ConfigError
from sisr.scoring.metrics.protocol import Measure, parse_measure

if TYPE_CHECKING:
    from sisr.data.assets.fetched_asset import FetchedAsset


def files_of(measure: Measure) -> dict[str, str]:
    """Role -> ``asset/file`` of what a measure needs; empty for those computed from the pixels alone.

    >>> files_of(parse_measure("lpips@alex-v0.1"))
    {'backbone': 'lpips-backbones/alexnet.ckpt'}
    """
    entries = registry.entry("metrics", measure.metric), registry.entry("protocols", measure.protocol)
    return {role: name for entry in entries for role, name in entry.get("files", {}).items()}


def assets_of(measures: Iterable[str]) -> list[str]:
    """Assets that these measures need, each once."""
    names = (name for text in measures for name in files_of(parse_measure(text)).values())
    return list(dict.fromkeys(name.partition("/")[0] for name in names))


def paths_of(fetched: Iterable[FetchedAsset]) -> dict[str, Path]:
    """``asset/file`` -> path, for every file of fetched assets."""
    return {f"{asset.asset}/{name}": asset.path(name) for asset in fetched for name in asset.files}


def require(measure: Measure, paths: Mapping[str, Path]) -> dict[str, Path]:
    """Role -> path of a measure's files; a missing one is a :class:`ConfigError` that names its asset."""
    needed = files_of(measure)
    for role, name in needed.items():
        if name not in paths:
            asset, _, file = name.partition("/")
            raise ConfigError(f"measure '{measure.id}': no file for its {role}: '{file}' of asset '{asset}'")
    return {role: paths[name] for role, name in needed.items()}
