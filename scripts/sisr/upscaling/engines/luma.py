"""Networks on luma inside a colour image, as in the papers: Y by the network, Cb and Cr by bicubic.

Y, Cb and Cr are BT.601 limited range on [0, 255] in floating point (MATLAB ``rgb2ycbcr`` without its
rounding).  A gray image is the network's input itself, on the full range, as MATLAB evaluation scripts do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sisr.base.colour import rgb_to_ycbcr, ycbcr_to_rgb
from sisr.lr.kernels.matlab import imresize

#: Enlarges one plane: float32 (h, w) in [0, 1] -> float32 (s*h, s*w).
PlaneUpscaler = Callable[[np.ndarray], np.ndarray]


def upscale_luma(lr: np.ndarray, scale: int, network: PlaneUpscaler) -> np.ndarray:
    """Enlarge uint8 ``(h, w)`` or ``(h, w, 3)`` with a network that maps an LR plane to an SR plane.

    The result is floating point on [0, 255], neither clipped nor rounded.
    """
    return with_chroma(lr, scale, network(luma_plane(lr)))


def luma_plane(lr: np.ndarray) -> np.ndarray:
    """What the network gets of uint8 ``(h, w)`` or ``(h, w, 3)``: float32 ``(h, w)`` in [0, 1]."""
    return ((lr if lr.ndim == 2 else rgb_to_ycbcr(lr)[..., 0]) / 255).astype(np.float32)


def with_chroma(lr: np.ndarray, scale: int, plane: np.ndarray) -> np.ndarray:
    """The image of an enlarged plane in [0, 1]: as it is for gray ``lr``, else with bicubic chroma."""
    luma = 255.0 * plane
    if lr.ndim == 2:
        return luma
    chroma = imresize(rgb_to_ycbcr(lr)[..., 1:], scale)
    return ycbcr_to_rgb(np.dstack([luma, chroma]))
