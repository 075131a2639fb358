"""JPEG compression of the LR image."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from sisr.base.errors import ConfigError
from sisr.lr.kernels import matlab


def bicubic_jpeg(hr: NDArray[np.uint8], scale: int, *, border: str, quality: int) -> NDArray[np.uint8]:
    """MATLAB bicubic, then :func:`compressed`."""
    if not 1 <= quality <= 95:
        raise ConfigError(f"bicubic-jpeg: quality: expected 1 to 95, found {quality}")
    return compressed(matlab.shrink(hr, scale, border=border), quality)


def compressed(image: NDArray[np.uint8], quality: int, subsampling: str = "4:2:0") -> NDArray[np.uint8]:
    """What Pillow decodes of what it encoded as JPEG with ``quality``; uint8 (h, w) or (h, w, 3) in and out.

    Colour is subsampled 4:2:0, Pillow's default, or as said.  libjpeg-turbo, which Pillow holds, computes in
    integers: the result is the same on every processor, and may change with its version.
    """
    from PIL import Image

    stream = io.BytesIO()
    kind = subsampling if image.ndim == 3 else -1  # gray has nothing to be subsampled
    Image.fromarray(image).save(stream, format="JPEG", quality=quality, subsampling=kind)
    return np.asarray(Image.open(stream))
