"""Protocols and measures: the settings a score depends on, and the names by which people ask for one.

A *measure* is a metric under a protocol, written ``metric@protocol``: ``psnr@y-bt601``, ``lpips@alex-v0.1``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sisr.base import registry
from sisr.base.errors import ConfigError, unknown


@dataclass(frozen=True)
class FidelityProtocol:
    """How two images become the planes that PSNR and SSIM compare, in terms of ``config/protocols.yaml``."""

    id: str
    luma: Literal["bt601", "bt601-uint8", "yiq", "yiq-uint8", "none"]
    crop: Literal["none", "scale", "scale+6"]
    ssim: Literal["gaussian-valid", "matlab-downsampled", "skimage-default"]
    gray: Literal["raw", "replicate"]
    peak: float

    def border(self, scale: int) -> int:
        """Pixels cut from each of the four borders at this scale."""
        return {"none": 0, "scale": scale, "scale+6": scale + 6}[self.crop]


@dataclass(frozen=True)
class NetworkProtocol:
    """RGB images for a network; backbone and release of its weights where a metric has several.

    ``crops`` is how many parts of the image it looks at, None for all of it, and ``seed`` what random numbers
    it draws.
    """

    id: str
    net: str | None = None
    version: str | None = None
    crops: int | None = None
    seed: int | None = None


Protocol = FidelityProtocol | NetworkProtocol


@dataclass(frozen=True)
class Measure:
    """A metric under a protocol, with what tables and plots need to show it.

    ``digits`` is the number of decimals printed, ``decimals`` the number kept in the score table.  ``code``
    names what computes it: a function of planes where ``on_planes``, else a scorer of images, see
    :mod:`sisr.scoring.metrics.code`, which ``asks`` for more than HR and SR.
    """

    metric: str
    protocol: str
    label: str
    unit: str
    direction: Literal["higher", "lower", "closer to 0"]
    digits: int
    decimals: int
    code: str
    on_planes: bool
    asks: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.metric}@{self.protocol}"

    def format(self, value: float) -> str:
        """The value as the score table writes it: a fixed number of decimals, or ``inf``."""
        return format(value, f".{self.decimals}f")


def protocol(key: str, config: Path = registry.CONFIG) -> Protocol:
    """The protocol of this id; an unknown id is a :class:`ConfigError` with the nearest known one.

    >>> protocol("y-bt601").border(scale=4)
    4
    >>> protocol("vgg-v0.1")
    NetworkProtocol(id='vgg-v0.1', net='vgg', version='0.1', crops=None, seed=None)
    """
    entry = registry.entry("protocols", key, config)
    fields: dict[str, Any]
    if entry["family"] != "fidelity":
        return NetworkProtocol(key, *(entry.get(name) for name in ("net", "version", "crops", "seed")))
    fields = {name: entry[name] for name in ("luma", "crop", "ssim", "gray", "peak")}
    return FidelityProtocol(key, **fields)


def fidelity_protocol(key: str | FidelityProtocol) -> FidelityProtocol:
    """Like :func:`protocol`, but refuses protocols that PSNR and SSIM do not have."""
    found = protocol(key) if isinstance(key, str) else key
    if not isinstance(found, FidelityProtocol):
        raise ConfigError(f"protocol '{found.id}' is of family network; expected one of family fidelity")
    return found


def parse_measure(text: str, config: Path = registry.CONFIG) -> Measure:
    """``"psnr@y-bt601"`` -> :class:`Measure`.

    >>> measure = parse_measure("psnr@y-bt601")
    >>> measure.label, measure.unit, measure.direction, measure.format(30.5)
    ('PSNR-Y', 'dB', 'higher', '30.500000')

    Raises :class:`ConfigError`, with the nearest known name, if there is no such metric or protocol or if
    the metric is not defined under the protocol, and with the registry's reason if it is unavailable.
    """
    metric, at, protocol_id = text.partition("@")
    if not at:
        raise ConfigError(f"measure '{text}': expected METRIC@PROTOCOL, for example psnr@y-bt601")
    metrics = registry.load("metrics", config)
    protocols = registry.load("protocols", config)
    if metric not in metrics:
        raise ConfigError(f"measure '{text}': {unknown('metric', metric, metrics)}")
    if protocol_id not in protocols:
        raise ConfigError(f"measure '{text}': {unknown('protocol', protocol_id, protocols)}")
    entry = metrics[metric]
    if "unavailable" in entry:
        raise ConfigError(f"measure '{text}': {metric} is unavailable: {entry['unavailable']}")
    if protocol_id not in entry["protocols"]:
        raise ConfigError(
            f"measure '{text}': {metric} is not defined under {protocol_id}; "
            f"its protocols: {', '.join(entry['protocols'])}"
        )
    return Measure(
        metric=metric,
        protocol=protocol_id,
        label="-".join(filter(None, (entry["label"], protocols[protocol_id]["suffix"]))),
        code=entry["function"] if "function" in entry else entry["scorer"],
        on_planes="function" in entry,
        asks=tuple(entry.get("asks", ())),
        **{key: entry[key] for key in ("unit", "direction", "digits", "decimals")},
    )


def parse_measures(texts: Iterable[str | Measure], config: Path = registry.CONFIG) -> tuple[Measure, ...]:
    """Every measure of a list, in its order; one given twice is a :class:`ConfigError`."""
    measures: list[Measure] = []
    for text in texts:
        measure = text if isinstance(text, Measure) else parse_measure(text, config)
        if measure in measures:
            raise ConfigError(f"measure '{measure.id}' twice")
        measures.append(measure)
    if not measures:
        raise ConfigError("no measure given; expected at least one METRIC@PROTOCOL")
    return tuple(measures)


#: Metrics that compare planes, and so have values under every fidelity protocol.
FIDELITY_METRICS = ("psnr", "ssim")


def fidelity_measures() -> list[str]:
    """PSNR and SSIM under every fidelity protocol for which they are defined, in the registry's order."""
    entries = registry.load("metrics")
    return [
        f"{metric}@{protocol}"
        for protocol in registry.load("protocols")
        for metric in FIDELITY_METRICS
        if protocol in entries[metric]["protocols"]
    ]
