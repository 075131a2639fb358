"""Downsampling kernels: what makes a low-resolution (LR) image of a high-resolution (HR) one.

A kernel is an entry of ``config/kernels.yaml``: the name of a function of :data:`FUNCTIONS` with its
parameters.  A new kernel of a known function is one entry; new mathematics is one function more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sisr import registry
from sisr.errors import ConfigError, ImageError, unknown

#: Functions by the name that registry entries use: "module:attribute", imported when first used.
#: ``function(hr, scale, *, border, **params) -> lr``; hr is uint8 (H, W) or (H, W, 3) whose sides are
#: multiples of the scale, lr is uint8 and smaller by the scale.  Functions of entries with ``random: true``
#: are also given ``rng``, a ``numpy.random.Generator``.
FUNCTIONS: dict[str, str] = {
    "matlab-imresize": "sisr.kernels.matlab:shrink",
    "opencv-resize": "sisr.kernels.libraries:opencv_resize",
    "pillow-resize": "sisr.kernels.libraries:pillow_resize",
}


def apply(
    kernel_id: str,
    hr: NDArray[np.uint8],
    scale: int,
    rng_key: str | None = None,
    config: Path = registry.CONFIG,
) -> NDArray[np.uint8]:
    """Downsample an image.

    Parameters
    ----------
    kernel_id : id in ``config/kernels.yaml``
    hr : uint8 (H, W) or (H, W, 3), sides multiples of ``scale``
    scale : 1 or more
    rng_key : what a random kernel draws its numbers from (say, dataset, image and scale): the same key gives
        the same LR image in any order and process.  Other kernels ignore it.

    Returns
    -------
    uint8 (H/scale, W/scale[, 3])

    Raises
    ------
    ConfigError : unknown kernel or function, parameter that it does not take, random kernel without a key
    ImageError : sides that are not multiples of the scale
    """
    entry = registry.entry("kernels", kernel_id, config)
    height, width = hr.shape[:2]
    if height % scale or width % scale or hr.size == 0:
        raise ImageError(
            f"kernel '{kernel_id}': expected sides that are multiples of {scale}, found {width}x{height}"
        )
    function = resolve(entry["function"])
    arguments = {"border": entry["border"], **entry.get("params", {})}
    if entry.get("random", False):
        arguments["rng"] = _generator(kernel_id, rng_key)
    try:
        bound = signature(function).bind(hr, scale, **arguments)
    except TypeError as error:
        raise ConfigError(f"kernel '{kernel_id}': {entry['function']}: {error}") from None
    lr = function(*bound.args, **bound.kwargs)
    if lr.dtype != np.uint8 or lr.shape != (height // scale, width // scale, *hr.shape[2:]):
        raise AssertionError(f"kernel '{kernel_id}' made {lr.dtype} {lr.shape} of {hr.shape} at x{scale}")
    return lr


def resolve(name: str) -> Callable[..., NDArray[np.uint8]]:
    """The function of a registry entry's ``function``."""
    if name not in FUNCTIONS:
        raise ConfigError(unknown("kernel function", name, FUNCTIONS))
    module, _, attribute = FUNCTIONS[name].partition(":")
    return getattr(import_module(module), attribute)


def phase(entry: Mapping[str, Any], scale: int) -> tuple[float, float]:
    """Where LR samples lie, (down, right) in HR pixels from the centre of the area they stand for."""
    down, right = entry["phase"].get(str(scale), (0, 0))
    return float(down), float(right)


def _generator(kernel_id: str, rng_key: str | None) -> np.random.Generator:
    if rng_key is None:
        raise ConfigError(
            f"kernel '{kernel_id}' is random: expected a key for its random numbers, found none"
        )
    return np.random.default_rng(int.from_bytes(hashlib.sha256(rng_key.encode()).digest()))
