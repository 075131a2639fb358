"""The code of metrics, as ``config/metrics.yaml`` names it.

``function``
    ``function(pair) -> float`` of the two planes that the protocol asks for, a
    :class:`sisr.scoring.metrics.fidelity.PreparedPair`; they are made once for all metrics.
``scorer``
    ``scorer(setting)``, made once from a :class:`Setting`, gives what is called with two uint8 images, HR
    and SR, and returns a number: what needs files, a network or the images themselves.  Where its entry
    ``asks`` for the LR image, it is called with a :class:`Given` as third.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base import extensions, registry
from sisr.base.errors import ConfigError
from sisr.scoring.metrics import files
from sisr.scoring.metrics.protocol import Measure, parse_measure

if TYPE_CHECKING:
    from sisr.base.colour import Uint8Image
    from sisr.scoring.metrics.fidelity import PreparedPair

#: Where the benchmark's own metrics lie, for :mod:`sisr.base.digest`.
MODULES = "sisr.scoring.metrics.*"

#: Value of two uint8 images of one size, HR and SR; of metrics that ask for LR, with a :class:`Given`.
Scorer = Callable[..., float]


@dataclass(frozen=True, eq=False)
class Given:
    """What an SR image was made from: the LR image, and the key from which a random kernel drew for it."""

    lr: Uint8Image
    key: str


@dataclass(frozen=True)
class Setting:
    """What a scorer is made for.

    ``files`` are the paths of the metric's and the protocol's ``files`` by their roles; ``device`` is as in
    :func:`sisr.base.device.resolve`.  ``kernel``, that of the LR images, is known to metrics that ask for it.
    """

    protocol: str
    scale: int
    files: Mapping[str, Path]
    device: str = "cpu"
    kernel: str = ""


def target(measure: Measure) -> str:
    """Where a measure's code lies, as ``module:attribute``.

    >>> target(parse_measure("ssim@rgb"))
    'sisr.scoring.metrics.fidelity:ssim_of'
    """
    return extensions.target("metric", "metrics", measure.code, folder=MODULES)


def targets(measures: Iterable[str | Measure]) -> list[str]:
    """Where the code of measures lies, each once."""
    parsed = (m if isinstance(m, Measure) else parse_measure(m) for m in measures)
    return list(dict.fromkeys(map(target, parsed)))


def function_of(measure: Measure) -> Callable[[PreparedPair], float]:
    """The function of a measure on planes."""
    return extensions.load(target(measure))


def scorer_of(
    measure: Measure,
    metric_files: Mapping[str, Path],
    scale: int,
    device: str = "cpu",
    kernel: str | None = None,
) -> Scorer:
    """What scores images by a measure on images; ``metric_files`` as of :func:`files.paths_of`.

    ``kernel``: that of the LR images, None where there are none; :class:`ConfigError` for a measure that asks
    for them.
    """
    if measure.asks and kernel is None:
        raise ConfigError(
            f"measure '{measure.id}' asks for LR images and their kernel, which only the cells of a run have"
        )
    _require_package(measure)
    setting = Setting(measure.protocol, scale, files.require(measure, metric_files), device, kernel or "")
    return extensions.load(target(measure))(setting)


def _require_package(measure: Measure) -> None:
    """Raise :class:`ConfigError` if the package of a measure's metric is not here in its version."""
    pin = registry.entry("metrics", measure.metric).get("package")
    if pin is None:
        return
    name, _, version = pin.partition("==")
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        found = "none"
    if found != version:
        raise ConfigError(
            f"measure '{measure.id}' is unavailable: it needs {pin}, found {found}; "
            "docs/protocols.md, 'Metrics with packages of their own', says how to install it"
        )
