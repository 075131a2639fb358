"""Classical interpolation, the baselines of every table.

``params.method`` is ``matlab-bicubic`` (MATLAB ``imresize``, the bicubic of the papers) or
``pillow-nearest|bilinear|lanczos``.  Pillow and MATLAB agree on the sampling grid (pixel centres), so no
method is half a pixel off.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from sisr.base.errors import ConfigError, unknown
from sisr.lr.kernels.matlab import imresize
from sisr.models.model_entries import Model
from sisr.upscaling.engines import RawUpscaler
from sisr.upscaling.inference.options import Options

_PILLOW = {
    "pillow-nearest": Image.Resampling.NEAREST,
    "pillow-bilinear": Image.Resampling.BILINEAR,
    "pillow-lanczos": Image.Resampling.LANCZOS,
}


def load(
    model: Model, scale: int, files: Mapping[str, Path], device: str, threads: int, options: Options
) -> RawUpscaler:
    """See :func:`sisr.upscaling.engines.load`; uses nothing but the model."""
    method = model.params["method"]
    if method == "matlab-bicubic":
        return lambda lr: imresize(lr, scale)
    if method not in _PILLOW:
        raise ConfigError(unknown("interpolation method", method, [*_PILLOW, "matlab-bicubic"]))

    def upscale(lr: np.ndarray) -> np.ndarray:
        size = (lr.shape[1] * scale, lr.shape[0] * scale)
        return np.asarray(Image.fromarray(lr).resize(size, _PILLOW[method]))

    return upscale
