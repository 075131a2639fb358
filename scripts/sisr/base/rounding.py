"""How a number becomes the text that is shown: once, from full precision, halves away from zero."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

#: Below this many decimals a float is noise of its arithmetic.  Scores have at most six, so that a mean over
#: up to two million images is never so close to half of a digit that is shown without being that half.
EXACT = 12
#: As many digits as any float has at that many decimals.
_ROUNDING = Context(prec=400, rounding=ROUND_HALF_UP)


def fixed(value: float, digits: int, *, commas: bool = False) -> str:
    """``value`` with that many digits after the point; ``inf``, ``-inf`` or ``nan`` as they are.

    Halves are rounded away from zero, as by hand, and are those of the decimal number: 2.675 in binary is a
    little less, and 0.125 would go to the even digit in Python and up in a browser.  Zero has no sign.
    ``digits`` below 0 rounds to tens, hundreds, …  The site has the same rule in ``core.js``.

    >>> fixed(2.675, 2), fixed(0.125, 2), fixed(-0.125, 2), fixed(-0.001, 2)
    ('2.68', '0.13', '-0.13', '0.00')
    >>> fixed(0.1 + 0.2 + 0.005, 2), fixed(1234567.0, -4, commas=True)
    ('0.31', '1,230,000')
    """
    if not math.isfinite(value):
        return str(float(value))
    rounded = Decimal(f"{value:.{EXACT}f}").quantize(Decimal(1).scaleb(-digits), context=_ROUNDING)
    return f"{rounded or abs(rounded):{',' if commas else ''}f}"
