"""Total variation: the regulariser of two studies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sisr.studies.common import Floats


def total_variation(
    gradient: Callable[[Floats], Floats], start: Floats, weight: float, steps: int, pace: float = 1.0
) -> Floats:
    """Least ``f(x) + weight TV(x)`` by FISTA (Beck and Teboulle, SIAM J. Imaging Sciences 2, 2009).

    ``gradient`` is that of f, whose Lipschitz constant is at most ``1 / pace``.  The proximal step is
    scikit-image's ``denoise_tv_chambolle``.
    """
    from skimage.restoration import denoise_tv_chambolle

    found = momentum = start
    t = 1.0
    for _ in range(steps):
        moved = denoise_tv_chambolle(
            momentum - pace * gradient(momentum), weight=weight * pace, max_num_iter=20
        )
        faster = (1 + np.sqrt(1 + 4 * t**2)) / 2
        momentum = moved + (t - 1) / faster * (moved - found)
        found, t = moved, faster
    return found
