"""How the numbers of a measure are printed, in tables, figures and sentences.

Functions, and no part of :class:`sisr.scoring.metrics.Measure`: scoring does not print, so that a change here
makes no score again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sisr.base.rounding import fixed

if TYPE_CHECKING:
    from sisr.scoring.metrics.protocol import Measure

_ARROWS = {"higher": "↑", "lower": "↓", "closer to 0": "→0"}
MISSING = "—"


def arrow(measure: Measure) -> str:
    """``↑`` where higher is better, ``↓`` where lower is, ``→0`` where closer to 0 is."""
    return _ARROWS[measure.direction]


def heading(measure: Measure) -> str:
    """Label with its direction, for example ``PSNR-Y ↑``."""
    return f"{measure.label} {arrow(measure)}"


def show(value: float, measure: Measure) -> str:
    """``value`` as printed in a table: fixed digits, ``inf``, or a dash for a missing (NaN) one."""
    if math.isnan(value):
        return MISSING
    return fixed(value, measure.digits)


def show_mean(mean: float, identical: int, measure: Measure) -> str:
    """A mean, and how many identical images it leaves out, where it leaves out some and not all."""
    text = show(mean, measure)
    return f"{text} (without {identical} identical)" if identical and math.isfinite(mean) else text


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign and a true minus; a dash for NaN, and no sign for what prints as zero."""
    if math.isnan(value):
        return MISSING
    text = fixed(value, digits)
    return text if float(text) == 0 else ("+" + text if value > 0 else text.replace("-", "−"))


def show_gap(value: float, measure: Measure) -> str:
    """A difference of two means, with one digit more than they have."""
    return signed(value, measure.digits + 1)


def letters(index: int) -> str:
    """a, b, ..., z, aa, ab, ..."""
    head, last = divmod(index, 26)
    return (letters(head - 1) if head else "") + chr(ord("a") + last)


def show_p(p: float) -> str:
    """A p-value for reading: ``= 0.031``, or ``< 0.001``."""
    return "< 0.001" if p < 0.001 else f"= {fixed(p, 3)}"
