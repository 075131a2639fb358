"""What every metric asks of the two images that it compares."""

from __future__ import annotations

import numpy as np

from sisr.base.colour import Uint8Image
from sisr.base.errors import ScoreError


def check_pair(hr: Uint8Image, sr: Uint8Image) -> None:
    """Raise :class:`ScoreError` unless both are uint8, ``(H, W)`` or ``(H, W, 3)``, and of one size."""
    for name, image in (("HR", hr), ("SR", sr)):
        if image.dtype != np.uint8:
            raise ScoreError(f"{name} image: expected uint8, found {image.dtype}")
        if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
            raise ScoreError(f"{name} image: expected shape (H, W) or (H, W, 3), found {image.shape}")
    if hr.shape[:2] != sr.shape[:2]:
        raise ScoreError(f"HR is {size_text(hr)}, SR is {size_text(sr)}: expected one size")


def size_text(image: Uint8Image) -> str:
    """``WIDTHxHEIGHT`` of an image, as people write sizes.

    >>> size_text(np.zeros((32, 48, 3), np.uint8))
    '48x32'
    """
    return f"{image.shape[1]}x{image.shape[0]}"
