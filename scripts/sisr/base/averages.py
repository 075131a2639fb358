"""Means over images of which some are identical to what they are compared with: their PSNR is infinite.

The mean is over the finite values: one perfect image, usually an easy one, says nothing of the others, and
would hide them all behind ``inf``.  How many were left out stands beside it.  Such means are over different
images, so models are ranked by :func:`worths`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def mean(values: Iterable[float]) -> tuple[float, int]:
    """Mean of the finite values, and how many are infinite; without a finite one, what they all are.

    NaN where all are infinite and of both signs.  The sum is exact: no order of the values matters.

    >>> mean([30.0, math.inf, 32.0])
    (31.0, 1)
    >>> mean([math.inf, math.inf])
    (inf, 2)
    """
    every = list(values)
    finite = [value for value in every if math.isfinite(value)]
    infinite = len(every) - len(finite)
    if finite:
        return math.fsum(finite) / len(finite), infinite
    return (every[0] if len(set(every)) == 1 else math.nan), infinite


def mixed(values: Iterable[float]) -> bool:
    """Whether some of the values are finite and some are ``inf``.

    >>> mixed([30.0, math.inf]), mixed([math.inf, math.inf]), mixed([30.0])
    (True, False, False)
    """
    every = list(values)
    return math.inf in every and any(map(math.isfinite, every))


def worths(columns: Sequence[Sequence[float]], unit: str) -> list[float]:
    """What models are ranked by, from the values of each on the same images.

    The means; but where some model has both finite and infinite values in dB, for every model the PSNR of its
    mean squared error, to which an identical image adds 0.  So no model gains or loses by being perfect
    somewhere: one that is better on every image stays better.

    >>> perfect_once, steady = [math.inf, 28.0, 28.0], [31.0, 30.0, 30.0]
    >>> [round(value, 2) for value in worths([perfect_once, steady], "dB")]
    [29.76, 30.31]
    >>> worths([[30.0, 32.0], [math.inf, math.inf]], "dB")
    [31.0, inf]
    """
    if unit == "dB" and any(map(mixed, columns)):
        return [_of_mean_error(column) for column in columns]
    return [mean(column)[0] for column in columns]


def _of_mean_error(psnr: Sequence[float]) -> float:
    error = math.fsum(10 ** (-value / 10) for value in psnr) / len(psnr)
    return math.inf if error == 0 else -10 * math.log10(error)
