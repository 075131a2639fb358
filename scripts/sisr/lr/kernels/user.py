"""Blur kernels from files: ``.mat``, ``.npy`` or an image."""

from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sisr.base.errors import ConfigError, ImageError, unknown
from sisr.lr.kernels import filtering
from sisr.lr.kernels.filtering import Floats

_CENTRES = ("mass", "middle")
#: A PSF longer than this is a mistake: an image, or a stack of kernels.
_LONGEST = 257


def psf_subsample(
    hr: NDArray[np.uint8],
    scale: int,
    *,
    border: str,
    file: str,
    variable: str | None = None,
    index: int | None = None,
    centre: str = "mass",
) -> NDArray[np.uint8]:
    """Blur with the PSF of a file, then keep one pixel of each block; see :func:`load`."""
    return filtering.sample(hr, load(Path(file), scale, variable, index, centre), scale, border)


def phase(
    scale: int, *, file: str, variable: str | None = None, index: int | None = None, centre: str = "mass"
) -> tuple[float, float]:
    """Where :func:`psf_subsample` puts LR samples, from the PSF's centre of mass."""
    return filtering.phase(load(Path(file), scale, variable, index, centre), scale)


def load(
    path: Path, scale: int, variable: str | None = None, index: int | None = None, centre: str = "mass"
) -> Floats:
    """PSF of a file, float64, divided by its sum; weights apply as they are stored (correlation).

    Parameters
    ----------
    path : ``.mat`` (MATLAB up to v7), ``.npy``, or an image, of which gray values or luma are the weights
    scale : where the PSF is to be centred
    variable : array of a ``.mat`` file; needed where it holds several
    index : which of several PSFs, where the array is (n, k, l) or a cell array
    centre
        ``mass``: the PSF is moved until its centre of mass lies on the LR sample, so that the phase is 0.
        ``middle``: its middle lies on the LR sample (half a pixel above and left of it where the PSF's side
        and the scale are not both odd or both even); the phase follows from the centre of mass.

    Raises
    ------
    ConfigError
        The file is missing or cannot be read, or is no PSF: not two-dimensional, several arrays, complex,
        NaN or infinite, a sum that is not positive, or more than 257 pixels a side.
    """
    if centre not in _CENTRES:
        raise ConfigError(unknown("centre", centre, _CENTRES))
    try:
        stamp = path.stat().st_mtime_ns
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the kernel: {error.strerror}") from None
    return _load(path, stamp, scale, variable, index, centre)


@lru_cache(maxsize=32)
def _load(
    path: Path, _stamp: int, scale: int, variable: str | None, index: int | None, centre: str
) -> Floats:
    psf = _checked(_read(path, variable), index, str(path))
    return filtering.centred(psf, scale) if centre == "mass" else psf


def _read(path: Path, variable: str | None) -> NDArray[Any]:
    suffix = path.suffix.lower()
    if variable is not None and suffix != ".mat":
        raise ConfigError(f"{path}: variable: only .mat files have named arrays, found '{variable}'")
    if suffix == ".mat":
        return _read_mat(path, variable)
    if suffix == ".npy":
        try:
            return np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise ConfigError(f"{path}: not an array of numbers: {_one_line(error)}") from None
    from sisr.base.colour import rgb_to_y
    from sisr.base.images import read_image

    try:
        pixels = read_image(path).array
    except ImageError as error:
        raise ConfigError(f"{error} (a kernel is a .mat, .npy or image file)") from None
    if pixels.ndim == 2:
        return pixels
    gray = (pixels == pixels[..., :1]).all()
    return pixels[..., 0] if gray else rgb_to_y(pixels) - 16.0


def _read_mat(path: Path, variable: str | None) -> NDArray[Any]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path)
    except NotImplementedError:
        raise ConfigError(
            f"{path}: expected a MATLAB file up to v7, found v7.3; save it with '-v7'"
        ) from None
    except (
        OSError,
        ValueError,
        TypeError,
        EOFError,
        IndexError,
        KeyError,
        MatReadError,
        zlib.error,
    ) as error:
        raise ConfigError(f"{path}: not a MATLAB file: {_one_line(error)}") from None
    arrays = {name: value for name, value in content.items() if not name.startswith("__")}
    if variable is not None:
        if variable not in arrays:
            raise ConfigError(f"{path}: {unknown('variable', variable, arrays)}")
        return arrays[variable]
    if len(arrays) != 1:
        names = ", ".join(sorted(arrays)) or "none"
        raise ConfigError(f"{path}: expected one array, or its name as 'variable', found {names}")
    return next(iter(arrays.values()))


def _checked(array: NDArray[Any], index: int | None, name: str) -> Floats:
    """The array as a PSF that sums to 1."""
    if array.dtype == object or array.ndim == 3:  # a cell array, or a stack
        stack = list(array.ravel()) if array.dtype == object else list(array)
        if index is None and len(stack) != 1:
            raise ConfigError(f"{name}: expected one kernel, or 'index', found {len(stack)} kernels")
        if not 0 <= (index or 0) < len(stack):
            raise ConfigError(f"{name}: index: expected 0 to {len(stack) - 1}, found {index}")
        array = np.asarray(stack[index or 0])
    elif index is not None:
        raise ConfigError(f"{name}: index: expected a stack of kernels, found one array {array.shape}")
    if array.ndim != 2 or array.size == 0:
        raise ConfigError(f"{name}: expected a kernel (rows, columns), found an array {array.shape}")
    if max(array.shape) > _LONGEST:
        raise ConfigError(f"{name}: expected at most {_LONGEST} pixels a side, found {array.shape}")
    if array.dtype.kind not in "biuf":
        raise ConfigError(f"{name}: expected real numbers, found {array.dtype}")
    weights = array.astype(np.float64)
    if not np.isfinite(weights).all():
        raise ConfigError(f"{name}: expected finite weights, found NaN or infinity")
    total = float(weights.sum())
    if not total > 1e-12 * float(np.abs(weights).sum()):
        raise ConfigError(f"{name}: expected weights with a positive sum, found {total:g}")
    return weights / total


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
