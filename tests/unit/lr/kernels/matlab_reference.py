"""MATLAB's ``imresize`` written out as slow loops, to test the fast implementation against.

Follows ``imresize.m`` of MATLAB R2019 line by line in float64 and shares no code with ``sisr``: weights by
scalar arithmetic, positions through MATLAB's ``aux`` table, one sum at a time.
"""

from __future__ import annotations

import math

import numpy as np


def kernel_cubic(x: float) -> float:
    a = abs(x)
    if a <= 1:
        return 1.5 * (a * a * a) - 2.5 * (a * a) + 1
    if a <= 2:
        return -0.5 * (a * a * a) + 2.5 * (a * a) - 4 * a + 2
    return 0.0


def kernel_linear(x: float) -> float:
    return max(0.0, 1 + x if x < 0 else 1 - x)


def kernel_box(x: float) -> float:
    return 1.0 if -0.5 <= x < 0.5 else 0.0


def kernel_lanczos3(x: float) -> float:
    eps = 2.0**-52
    if abs(x) >= 3:
        return 0.0
    return float((np.sin(np.pi * x) * np.sin(np.pi * x / 3) + eps) / ((np.pi**2 * x**2 / 3) + eps))


#: Weight function and width, as in imresize's getMethodInfo.
KERNELS = {
    "cubic": (kernel_cubic, 4.0),
    "linear": (kernel_linear, 2.0),
    "box": (kernel_box, 1.0),
    "lanczos3": (kernel_lanczos3, 6.0),
}


def _round_half_away(value: float) -> float:
    return math.copysign(math.floor(abs(value) + 0.5), value)


def _taps(n: int, out: int, scale: float, border: str, kernel: str) -> list[list[tuple[int, float]]]:
    """For each output sample, the (0-based position, weight) pairs in order."""
    function, width = KERNELS[kernel]
    width = width / scale if scale < 1 else width
    stretch = scale if scale < 1 else 1.0
    aux = [*range(1, n + 1), *range(n, 0, -1)]
    table = []
    for x in range(1, out + 1):
        u = x / scale + 0.5 * (1 - 1 / scale)
        left = math.floor(u - width / 2)
        positions = [left + k for k in range(math.ceil(width) + 2)]
        weights = [stretch * function(stretch * (u - p)) for p in positions]
        total = float(np.sum(np.array(weights)))
        weights = [w / total for w in weights]
        if border == "mirror":
            positions = [aux[(p - 1) % len(aux)] for p in positions]
        else:
            positions = [min(max(p, 1), n) for p in positions]
        table.append([(p - 1, w) for p, w in zip(positions, weights, strict=True)])
    return table


def _along_rows(image: np.ndarray, scale: float, out: int, border: str, kernel: str) -> np.ndarray:
    result = np.empty((out, *image.shape[1:]), image.dtype)
    for i, taps in enumerate(_taps(image.shape[0], out, scale, border, kernel)):
        for where in np.ndindex(*image.shape[1:]):
            total = 0.0
            for position, weight in taps:
                total += weight * float(image[(position, *where)])
            if image.dtype == np.uint8:
                total = min(max(_round_half_away(total), 0.0), 255.0)
            result[(i, *where)] = total
    return result


def imresize(
    image: np.ndarray, numerator: int, denominator: int = 1, border: str = "mirror", kernel: str = "cubic"
) -> np.ndarray:
    """Resize uint8 or float64 ``(h, w[, c])`` by ``numerator / denominator``."""
    scale = numerator / denominator
    height = -(-image.shape[0] * numerator // denominator)
    width = -(-image.shape[1] * numerator // denominator)
    once = _along_rows(image, scale, height, border, kernel)
    return _along_rows(once.swapaxes(0, 1), scale, width, border, kernel).swapaxes(0, 1)
