"""Which files a measure reads beside the two images, and from which assets they come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from sisr.base.errors import ConfigError
from sisr.scoring.metrics.protocol import LpipsProtocol, Measure, parse_measure, protocol

#: Key -> (asset id, file name in the asset): the nets of LPIPS by their names, and what other metrics read.
ASSETS: dict[str, tuple[str, str]] = {
    "alex": ("lpips-backbones", "alexnet.ckpt"),
    "vgg": ("lpips-backbones", "vgg16.ckpt"),
    "squeeze": ("lpips-squeeze-backbone", "squeeze.backbone.pth"),
    "dists": ("dists-weights", "weights.pt"),
    "niqe": ("niqe-parameters", "niqe_pris_params.npz"),
}


def keys_of(measure: Measure) -> tuple[str, ...]:
    """Keys of the files that a measure needs; none for those that are computed from the pixels alone."""
    rules = protocol(measure.protocol)
    if isinstance(rules, LpipsProtocol):
        return (rules.net,)
    return {"dists": ("vgg", "dists"), "niqe": ("niqe",)}.get(measure.family, ())


def assets_of(measures: Iterable[str]) -> list[str]:
    """Assets that these measures need, each once."""
    return list(dict.fromkeys(ASSETS[key][0] for text in measures for key in keys_of(parse_measure(text))))


def by_key(files: Mapping[str, Path]) -> dict[str, Path]:
    """Key -> path for the file names of these assets; other names are left out."""
    keys = {name: key for key, (_, name) in ASSETS.items()}
    return {keys[name]: path for name, path in files.items() if name in keys}


def require(measure: Measure, files: Mapping[str, Path]) -> list[Path]:
    """Paths of a measure's files, in the order of :func:`keys_of`.

    A missing one is a :class:`ConfigError` that names its asset.
    """
    for key in keys_of(measure):
        if key not in files:
            raise ConfigError(
                f"measure '{measure.id}': no file for '{key}'; it is in asset '{ASSETS[key][0]}'"
            )
    return [files[key] for key in keys_of(measure)]
