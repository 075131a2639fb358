"""Full-reference fidelity: PSNR, SSIM, MS-SSIM and registration under a named protocol.

All start from the same planes, so a pair is prepared once and handed to every metric:

>>> hr = np.arange(24 * 24, dtype=np.uint8).reshape(24, 24)
>>> pair = prepare(hr, hr ^ 1, "y-bt601", scale=4)
>>> f"{psnr_of(pair):.2f} dB, SSIM {ssim_of(pair):.4f}"
'48.13 dB, SSIM 0.9999'
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sisr.base.colour import LUMAS, Float64Plane, Uint8Image, replicate
from sisr.base.errors import ScoreError
from sisr.scoring.metrics import structural
from sisr.scoring.metrics.pairs import check_pair, size_text
from sisr.scoring.metrics.protocol import FidelityProtocol, fidelity_protocol

#: Values summed at a time for the squared error (rows are grouped up to it): half of a first-level cache.
_CHUNK = 1 << 14


@dataclass(frozen=True, eq=False)
class PreparedPair:
    """Two images as float64 planes ``(C, H, W)``: luma taken, border cut; C is 1, or 3 for RGB."""

    hr: Float64Plane
    sr: Float64Plane
    protocol: FidelityProtocol


def prepare(hr: Uint8Image, sr: Uint8Image, protocol: str | FidelityProtocol, scale: int) -> PreparedPair:
    """Cut the border and take the luma of two uint8 images of one size.

    The gray rule: under ``raw`` a gray HR is compared on [0, 255] itself, and an RGB result for it is
    brought back with the luma weights scaled to sum 1; else every gray image counts as three equal
    channels.  Raises :class:`ScoreError` for wrong types, different sizes, or nothing left after the crop.
    """
    rules = fidelity_protocol(protocol)
    check_pair(hr, sr)
    border = rules.border(scale)
    if min(hr.shape[:2]) <= 2 * border:
        raise ScoreError(
            f"image of {size_text(hr)} is too small: {rules.id} cuts {border} pixels from each border"
        )
    inner = slice(border, -border or None)
    return PreparedPair(*_planes(hr[inner, inner], sr[inner, inner], rules), protocol=rules)


def _planes(hr: Uint8Image, sr: Uint8Image, rules: FidelityProtocol) -> tuple[Float64Plane, Float64Plane]:
    if rules.luma == "none":
        if hr.ndim == 2 and sr.ndim == 2:  # three equal channels score as one does
            return hr[None].astype(np.float64), sr[None].astype(np.float64)
        planar = (np.moveaxis(replicate(image), 2, 0).astype(np.float64, order="C") for image in (hr, sr))
        return next(planar), next(planar)
    luma = LUMAS[rules.luma]
    if hr.ndim == 2 and rules.gray == "raw":
        luma = luma.full_range()
    return luma.of(hr)[None], luma.of(sr)[None]


def psnr(
    hr: Uint8Image, sr: Uint8Image, protocol: str | FidelityProtocol = "y-bt601", scale: int = 1
) -> float:
    """Peak signal-to-noise ratio in dB of two uint8 images; ``inf`` for identical planes.

    >>> black = np.zeros((8, 8, 3), np.uint8)
    >>> round(psnr(black, black + 1, "rgb"), 4)  # 20 log10(255)
    48.1308
    >>> psnr(black, black)
    inf
    """
    return psnr_of(prepare(hr, sr, protocol, scale))


def ssim(
    hr: Uint8Image, sr: Uint8Image, protocol: str | FidelityProtocol = "y-bt601", scale: int = 1
) -> float:
    """Mean structural similarity in [-1, 1] of two uint8 images.

    >>> flat = np.full((16, 16), 100, np.uint8)
    >>> ssim(flat, flat)
    1.0
    """
    return ssim_of(prepare(hr, sr, protocol, scale))


def psnr_of(pair: PreparedPair) -> float:
    """10 log10(peak^2 / MSE) in dB, the MSE over all values of all planes; ``inf`` where it is 0."""
    channels, height, width = pair.hr.shape
    rows = max(1, _CHUNK // width)
    buffer = np.empty((rows, width))
    sums = []
    for x, y in zip(pair.hr, pair.sr, strict=True):
        for top in range(0, height, rows):
            strip = x[top : top + rows]
            difference = np.subtract(strip, y[top : top + rows], out=buffer[: len(strip)])
            difference *= difference
            sums.append(float(difference.sum()))
    mse = math.fsum(sums) / (channels * height * width)
    return math.inf if mse == 0 else 10 * math.log10(pair.protocol.peak**2 / mse)


def ssim_of(pair: PreparedPair, threads: int = 1) -> float:
    """Mean SSIM with the protocol's window, averaged over the planes; the same value for any ``threads``."""
    kind, peak = pair.protocol.ssim, pair.protocol.peak
    values = []
    for x, y in zip(pair.hr, pair.sr, strict=True):
        if kind == "matlab-downsampled":
            x, y = structural.downsample(x), structural.downsample(y)  # noqa: PLW2901
        values.append(structural.mean_ssim(x, y, structural.WINDOWS[kind], peak, threads))
    return math.fsum(values) / len(values)


def ms_ssim_of(pair: PreparedPair) -> float:
    """MS-SSIM with the protocol's window, averaged over the planes."""
    window, peak = structural.WINDOWS[pair.protocol.ssim], pair.protocol.peak
    values = [structural.multi_scale_ssim(x, y, window, peak) for x, y in zip(pair.hr, pair.sr, strict=True)]
    return math.fsum(values) / len(values)


def shift_of(pair: PreparedPair) -> float:
    """How far SR lies from HR on the first plane, in HR pixels."""
    return math.hypot(*_displacement(pair))


def shift_down_of(pair: PreparedPair) -> float:
    """How far SR lies below HR, in HR pixels."""
    return _displacement(pair)[0]


def shift_right_of(pair: PreparedPair) -> float:
    """How far SR lies to the right of HR, in HR pixels."""
    return _displacement(pair)[1]


def _displacement(pair: PreparedPair) -> tuple[float, float]:
    from sisr.scoring.metrics.registration import displacement

    return displacement(pair.hr[0], pair.sr[0])
