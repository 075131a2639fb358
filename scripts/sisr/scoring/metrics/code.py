"""The code of metrics, as ``config/metrics.yaml`` names it.

``function``
    ``function(pair) -> float`` of the two planes that the protocol asks for, a
    :class:`sisr.scoring.metrics.fidelity.PreparedPair`; they are made once for all metrics.
``scorer``
    ``scorer(setting)``, made once from a :class:`Setting`, gives what is called with two uint8 images, HR
    and SR, and returns a number: what needs files, a network or the images themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base import extensions
from sisr.scoring.metrics import files
from sisr.scoring.metrics.protocol import Measure, parse_measure

if TYPE_CHECKING:
    from sisr.base.colour import Uint8Image
    from sisr.scoring.metrics.fidelity import PreparedPair

#: Where the benchmark's own metrics lie, for :mod:`sisr.base.digest`.
MODULES = "sisr.scoring.metrics.*"

#: Value of two uint8 images of one size, HR and SR.
Scorer = Callable[["Uint8Image", "Uint8Image"], float]


@dataclass(frozen=True)
class Setting:
    """What a scorer is made for.

    ``files`` are the paths of the metric's and the protocol's ``files`` by their roles; ``device`` is as in
    :func:`sisr.base.device.resolve`.
    """

    protocol: str
    scale: int
    files: Mapping[str, Path]
    device: str = "cpu"


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


def scorer_of(measure: Measure, metric_files: Mapping[str, Path], scale: int, device: str = "cpu") -> Scorer:
    """What scores images by a measure on images; ``metric_files`` as of :func:`files.paths_of`."""
    setting = Setting(measure.protocol, scale, files.require(measure, metric_files), device)
    return extensions.load(target(measure))(setting)
