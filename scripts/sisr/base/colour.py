"""Luma and YCbCr of 8-bit images, in float64 and without rounding unless a function says otherwise.

All images are ``uint8``: gray ``(H, W)`` or RGB ``(H, W, 3)``.  ITU-R BT.601 in the limited range is what
MATLAB's ``rgb2ycbcr`` computes and what "Y channel" means in the super-resolution literature:

    Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255,    R, G, B in [0, 255],    Y in [16, 235]
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Uint8Image = npt.NDArray[np.uint8]
Float64Plane = npt.NDArray[np.float64]

#: Rows converted at a time: the float64 copy of three channels stays in the second-level cache.
_ROWS = 32


@dataclass(frozen=True)
class Luma:
    """A linear luma ``offset + (w_R R + w_G G + w_B B) / denominator`` on the scale of 8-bit values.

    The weights are integers, so that the weighted sum of 8-bit values is exact in float64 whatever the
    order of its terms: the same plane, bit for bit, on every machine.
    """

    weights: tuple[int, int, int]
    denominator: int
    offset: float = 0.0
    rounded: bool = False

    def full_range(self) -> Luma:
        """The same weights rescaled so that gray ``g`` given as RGB ``(g, g, g)`` has luma ``g``."""
        return replace(self, denominator=sum(self.weights), offset=0.0)

    def of(self, image: Uint8Image) -> Float64Plane:
        """Luma plane, float64 ``(H, W)``; a gray image counts as the RGB image of three equal channels."""
        plane = np.empty(image.shape[:2], np.float64)
        if image.ndim == 2:
            np.multiply(image, float(sum(self.weights)), out=plane)
        else:
            import cv2

            weights = np.array([self.weights], np.float64)
            for top in range(0, image.shape[0], _ROWS):
                strip = image[top : top + _ROWS].astype(np.float64)
                cv2.transform(strip, weights, dst=plane[top : top + _ROWS])
        if self.denominator != 1:
            plane /= self.denominator
        if self.offset:
            plane += self.offset
        if self.rounded:  # MATLAB rounds halves away from zero; luma is never negative
            np.floor(np.add(plane, 0.5, out=plane), out=plane)
        return plane


BT601 = Luma((65481, 128553, 24966), 255_000, offset=16.0)
BT601_UINT8 = replace(BT601, rounded=True)
#: Full-range luma of NTSC's YIQ, also JPEG's and Pillow's ``convert("L")`` before rounding.
YIQ = Luma((299, 587, 114), 1000)

YIQ_UINT8 = replace(YIQ, rounded=True)

#: Luma by the name that ``config/protocols.yaml`` uses.
LUMAS: dict[str, Luma] = {
    "bt601": BT601,
    "bt601-uint8": BT601_UINT8,
    "yiq": YIQ,
    "yiq-uint8": YIQ_UINT8,
}

#: Rows Y, Cb, Cr of MATLAB's ``rgb2ycbcr``, to be divided by 255 for inputs in [0, 255].
_RGB_TO_YCBCR = np.array([[65.481, 128.553, 24.966], [-37.797, -74.203, 112.0], [112.0, -93.786, -18.214]])
_YCBCR_OFFSET = np.array([16.0, 128.0, 128.0])
_YCBCR_TO_RGB = np.linalg.inv(_RGB_TO_YCBCR / 255.0)


def replicate(image: Uint8Image) -> Uint8Image:
    """RGB ``(H, W, 3)`` view of a gray image with three equal channels; RGB is returned as it is.

    >>> replicate(np.array([[7]], np.uint8)).tolist()
    [[[7, 7, 7]]]
    """
    return np.broadcast_to(image[..., None], (*image.shape, 3)) if image.ndim == 2 else image


def rgb_to_y(image: Uint8Image) -> Float64Plane:
    """BT.601 limited-range luma, float64 ``(H, W)`` in [16, 235], unrounded.

    >>> rgb_to_y(np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)).tolist()
    [[16.0, 235.0]]
    """
    return BT601.of(image)


def rgb_to_ycbcr(image: npt.NDArray[np.generic]) -> Float64Plane:
    """YCbCr ``(H, W, 3)`` in float64 of an RGB image on the 8-bit scale (MATLAB's ``rgb2ycbcr``, unrounded).

    Y lies in [16, 235], Cb and Cr in [16, 240] for inputs in [0, 255].
    """
    return np.asarray(image, np.float64) @ (_RGB_TO_YCBCR.T / 255.0) + _YCBCR_OFFSET


def ycbcr_to_rgb(image: npt.NDArray[np.generic]) -> Float64Plane:
    """Inverse of :func:`rgb_to_ycbcr`; float64, neither clipped nor rounded.

    >>> ycbcr_to_rgb(rgb_to_ycbcr(np.array([[[10, 200, 30]]]))).round(9).tolist()
    [[[10.0, 200.0, 30.0]]]
    """
    return (np.asarray(image, np.float64) - _YCBCR_OFFSET) @ _YCBCR_TO_RGB.T
