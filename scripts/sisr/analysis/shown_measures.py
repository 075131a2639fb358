"""How the numbers of a measure are printed, in tables, figures and sentences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
from typing import TYPE_CHECKING

from sisr.base.errors import ConfigError

if TYPE_CHECKING:
    from sisr.scoring import metrics


_ARROWS = {"higher": "↑", "lower": "↓", "closer to 0": "→0"}


MISSING = "—"


@dataclass(frozen=True)
class ShownMeasure:
    """One column of the tables: a metric under a protocol, and how to print it.

    ``direction`` is what is better: ``"higher"``, ``"lower"`` or ``"closer to 0"``; ``digits`` are those
    after the point.
    """

    metric: str
    protocol: str
    label: str
    unit: str = ""
    direction: str = "higher"
    digits: int = 4

    def __post_init__(self) -> None:
        if self.direction not in _ARROWS:
            raise ConfigError(
                f"measure {self.key}: direction '{self.direction}' is not one of {', '.join(_ARROWS)}"
            )

    @classmethod
    def of(cls, measure: metrics.Measure) -> ShownMeasure:
        """How the tables print what the metric registry knows."""
        m = measure
        return cls(m.metric, m.protocol, m.label, m.unit, m.direction, m.digits)

    @property
    def key(self) -> str:
        """Id of the measure, for example ``psnr@y-bt601``."""
        return f"{self.metric}@{self.protocol}"

    @property
    def arrow(self) -> str:
        """``↑`` where higher is better, ``↓`` where lower is, ``→0`` where closer to 0 is."""
        return _ARROWS[self.direction]

    @property
    def heading(self) -> str:
        """Label with its direction, for example ``PSNR-Y ↑``."""
        return f"{self.label} {self.arrow}"

    def show(self, value: float) -> str:
        """``value`` as printed in a table: fixed digits, ``inf``, or a dash for a missing (NaN) one."""
        if math.isnan(value):
            return MISSING
        return str(value) if math.isinf(value) else f"{value:.{self.digits}f}"


def signed(value: float, measure: ShownMeasure) -> str:
    """A difference with its sign and one digit more than the mean has; a dash where it is not defined."""
    if math.isnan(value):
        return "—"
    text = f"{value:+.{measure.digits + 1}f}"
    return ("0" + text[2:] if not float(text) else text).replace("-", "−")


def show_p(p: float) -> str:
    """A p-value for reading: ``= 0.031``, or ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
