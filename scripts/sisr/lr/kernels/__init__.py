"""Downsampling kernels: what makes a low-resolution (LR) image of a high-resolution (HR) one.

A kernel is an entry of ``config/kernels.yaml``: the name of a function of :data:`FUNCTIONS` with its
parameters.  A new kernel of a known function is one entry; new mathematics is one function more, which the
entry names as ``module:function`` or by its name in :data:`FUNCTIONS`, or which an installed package provides
in the group ``sisr.kernels`` of its entry points.
docs/kernels.md shows them all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr.base import extensions, registry
from sisr.base.cells import GIVEN
from sisr.base.errors import ConfigError, ImageError

# What computes is imported where it does: the workflow reads this module to plan.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Functions by the name that registry entries use: "module:attribute", imported when first used.
#: ``function(hr, scale, *, border, **params) -> lr``; hr is uint8 (H, W) or (H, W, 3) whose sides are
#: multiples of the scale, lr is uint8 and smaller by the scale.  Functions of entries with ``random: true``
#: are also given ``rng``, a ``numpy.random.Generator``.
FUNCTIONS: dict[str, str] = {
    "anisotropic-gaussian": "sisr.lr.kernels.gaussian:anisotropic_subsample",
    "basicsr-imresize": "sisr.lr.kernels.resamplers:basicsr_imresize",
    "bicubic-jpeg": "sisr.lr.kernels.jpeg:bicubic_jpeg",
    "bicubic-noise": "sisr.lr.kernels.noise:bicubic_noise",
    "bsrgan": "sisr.lr.kernels.bsrgan:bsrgan",
    "gaussian-bicubic": "sisr.lr.kernels.gaussian:gaussian_bicubic",
    "gaussian-subsample": "sisr.lr.kernels.gaussian:gaussian_subsample",
    "matlab-imresize": "sisr.lr.kernels.matlab:shrink",
    "motion-bicubic": "sisr.lr.kernels.motion:motion_bicubic",
    "opencv-resize": "sisr.lr.kernels.resamplers:opencv_resize",
    "pillow-resize": "sisr.lr.kernels.resamplers:pillow_resize",
    "psf-subsample": "sisr.lr.kernels.user:psf_subsample",
    "realesrgan": "sisr.lr.kernels.realesrgan:realesrgan",
    "skimage-resize": "sisr.lr.kernels.resamplers:skimage_resize",
    "subsample": "sisr.lr.kernels.resamplers:subsample",
    "torch-resize": "sisr.lr.kernels.resamplers:torch_resize",
}


def described(kernel_id: str, config: Path = registry.CONFIG) -> Mapping[str, Any]:
    """What is said of the kernel of a cell: its entry; or, where the LR images are given, that they are."""
    if kernel_id == GIVEN:
        return {"label": "no kernel (as given)", "source": "the dataset"}
    return registry.entry("kernels", kernel_id, config)


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
    ConfigError
        Unknown kernel or function, parameter that it does not take, scale that the kernel is not defined
        at, random kernel without a key.
    ImageError : not such an image, or sides that are not multiples of the scale
    """
    from sisr.base.images import require_pixels

    entry = registry.entry("kernels", kernel_id, config)
    require_pixels(hr, f"kernel '{kernel_id}'")
    height, width = hr.shape[:2]
    if height % scale or width % scale:
        raise ImageError(
            f"kernel '{kernel_id}': expected sides that are multiples of {scale}, found {width}x{height}"
        )
    require_scale(kernel_id, entry, scale)
    function = resolve(entry["function"])
    arguments = {"border": entry["border"], **_arguments(entry, scale, config)}
    if entry.get("random", False):
        arguments["rng"] = _generator(kernel_id, rng_key)
    try:
        bound = signature(function).bind(hr, scale, **arguments)
    except TypeError as error:
        raise ConfigError(f"kernel '{kernel_id}': {entry['function']}: {error}") from None
    lr = function(*bound.args, **bound.kwargs)
    if lr.dtype != hr.dtype or lr.shape != (height // scale, width // scale, *hr.shape[2:]):
        raise AssertionError(f"kernel '{kernel_id}' made {lr.dtype} {lr.shape} of {hr.shape} at x{scale}")
    return lr


def resolve(name: str) -> Callable[..., NDArray[np.uint8]]:
    """The function of a registry entry's ``function``."""
    return extensions.load(target(name))


def target(name: str) -> str:
    """Where the function of a registry entry's ``function`` lies, as ``module:attribute``.

    >>> target("bsrgan")
    'sisr.lr.kernels.bsrgan:bsrgan'
    """
    return extensions.target("kernel function", "kernels", name, FUNCTIONS, "sisr.lr.kernels.*")


def require_scale(kernel_id: str, entry: Mapping[str, Any], scale: int) -> None:
    """Raise :class:`ConfigError` if the kernel's parameters are given by scale, and not for this one."""
    defined = entry.get("per_scale")
    if defined is not None and str(scale) not in defined:
        known = ", ".join(f"x{known}" for known in defined)
        raise ConfigError(f"kernel '{kernel_id}' is not defined at x{scale}: expected one of {known}")


def params(entry: Mapping[str, Any], scale: int) -> dict[str, Any]:
    """Arguments of a kernel's function at a scale, as the registry has them."""
    return {**entry.get("params", {}), **entry.get("per_scale", {}).get(str(scale), {})}


def file_of(entry: Mapping[str, Any], config: Path = registry.CONFIG) -> Path | None:
    """The file that a kernel is read from, if any; a relative path starts in the folder ``config``."""
    name = entry.get("params", {}).get("file")
    return None if name is None else registry.find(str(Path(name).expanduser()), config)


def phase(entry: Mapping[str, Any], scale: int, config: Path = registry.CONFIG) -> tuple[float, float]:
    """Where LR samples lie, (down, right) in HR pixels from the centre of the area they stand for.

    A kernel from a file that declares no phase has that of its centre of mass.
    """
    if "phase" not in entry:
        from sisr.lr.kernels import user

        return user.phase(scale, **_arguments(entry, scale, config))
    down, right = entry["phase"].get(str(scale), (0, 0))
    return float(down), float(right)


def _arguments(entry: Mapping[str, Any], scale: int, config: Path) -> dict[str, Any]:
    file = file_of(entry, config)
    return params(entry, scale) | ({} if file is None else {"file": str(file)})


def _generator(kernel_id: str, rng_key: str | None) -> np.random.Generator:
    if rng_key is None:
        raise ConfigError(
            f"kernel '{kernel_id}' is random: expected a key for its random numbers, found none"
        )
    from numpy.random import default_rng

    return default_rng(int.from_bytes(hashlib.sha256(rng_key.encode()).digest()))
