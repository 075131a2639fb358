"""NIQE, a metric of the SR image alone (Mittal, Soundararajan, Bovik, IEEE SPL 20, 2013).

Statistics of normalised luma in blocks of 96 x 96 pixels, at two scales, are compared with those of pristine
photographs, whose mean and covariance come from the authors' release.  No HR image is involved: the value
says how natural the image looks, not whether it is the right image.  The tests compare with BasicSR.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sisr.base.colour import Float64Plane, Uint8Image
from sisr.base.errors import ModelError, ScoreError
from sisr.lr.kernels.matlab import imresize
from sisr.scoring.metrics.code import Setting
from sisr.scoring.metrics.fidelity import prepare

#: Side of a block at full scale.
_BLOCK = 96
#: Neighbours whose products are looked at: right, below, and the two diagonals.
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
_FEATURES = 36


def scorer(setting: Setting) -> NiqeScorer:
    """NIQE as the registry asks for it; its file is ``parameters``."""
    return NiqeScorer(setting.files["parameters"], setting.protocol, setting.scale)


class NiqeScorer:
    """NIQE of SR images under a fidelity protocol (luma rounded to 8 bits, border cut) at one scale.

    ``parameters``: npz with ``mu_pris_param`` (1, 36), ``cov_pris_param`` (36, 36) and ``gaussian_window``
    (7, 7).  Raises :class:`ModelError` if the file is missing or holds something else.
    """

    def __init__(self, parameters: Path, protocol: str, scale: int) -> None:
        self._protocol = protocol
        self._scale = scale
        try:
            with np.load(parameters, allow_pickle=False) as file:
                mean, covariance, window = (
                    np.asarray(file[key], np.float64)
                    for key in ("mu_pris_param", "cov_pris_param", "gaussian_window")
                )
        except OSError as error:
            raise ModelError(f"{parameters}: cannot read the parameters: {error.strerror or error}") from None
        except (KeyError, ValueError) as error:
            raise ModelError(f"{parameters}: not the parameters of NIQE: {error}") from None
        if mean.size != _FEATURES or covariance.shape != (_FEATURES, _FEATURES) or window.shape != (7, 7):
            raise ModelError(f"{parameters}: expected a mean of {_FEATURES} features and a 7x7 window")
        self._mean, self._covariance, self._window = mean.ravel(), covariance, window

    def __call__(self, hr: Uint8Image, sr: Uint8Image) -> float:
        """NIQE of ``sr``; of ``hr`` only the kind (gray or RGB) counts, which decides the luma of a gray set.

        Raises :class:`ScoreError` for less than two blocks, whose covariance would not exist.
        """
        return self.of_plane(prepare(hr, sr, self._protocol, self._scale).sr[0])

    def of_plane(self, luma: Float64Plane) -> float:
        """NIQE of a luma plane ``(H, W)`` on [0, 255]."""
        down, right = (side // _BLOCK for side in luma.shape)
        if down * right < 2:
            raise ScoreError(
                f"NIQE needs two blocks of {_BLOCK}x{_BLOCK} pixels, "
                f"found {luma.shape[1]}x{luma.shape[0]} after the crop"
            )
        plane = luma[: down * _BLOCK, : right * _BLOCK]
        halves = []
        for side in (_BLOCK, _BLOCK // 2):
            normalised = self._normalise(plane)
            halves.append(
                [
                    _features(normalised[top : top + side, left : left + side])
                    for left in range(0, right * side, side)
                    for top in range(0, down * side, side)
                ]
            )
            if side == _BLOCK:
                plane = imresize(plane / 255, 0.5) * 255
        features = np.concatenate([np.array(half) for half in halves], axis=1)
        complete = features[~np.isnan(features).any(axis=1)]
        if len(complete) < 2:
            raise ScoreError("NIQE: fewer than two blocks of the image have any structure")
        difference = self._mean - np.nanmean(features, axis=0)
        inverse = np.linalg.pinv((self._covariance + np.cov(complete, rowvar=False)) / 2)
        return float(np.sqrt(difference @ inverse @ difference))

    def _normalise(self, plane: Float64Plane) -> Float64Plane:
        """(I - local mean) / (local deviation + 1)."""
        plane = np.ascontiguousarray(plane, np.float64)

        def smooth(source: Float64Plane) -> Float64Plane:
            smoothed = cv2.filter2D(source, cv2.CV_64F, self._window, borderType=cv2.BORDER_REPLICATE)
            return np.asarray(smoothed, np.float64)

        mean = smooth(plane)
        deviation = np.sqrt(np.abs(smooth(plane * plane) - mean * mean))
        return (plane - mean) / (deviation + 1)


def _features(block: Float64Plane) -> list[float]:
    """18 features: shape and spread of the block's values, and four of each product with a neighbour."""
    from scipy.special import gamma

    shape, left, right = _scaled(block)
    values = [shape, (left + right) / 2]
    for neighbour in NEIGHBOURS:
        shape, left, right = _scaled(block * np.roll(block, neighbour, (0, 1)))
        mean = (right - left) * (gamma(2 / shape) / gamma(1 / shape))
        values += [shape, mean, left, right]
    return values


def _scaled(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Shape, left and right scale of an asymmetric generalised Gaussian; NaN if one-sided."""
    from scipy.special import gamma

    shape, left, right = asymmetric_gaussian(values)
    spread = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, float(left * spread), float(right * spread)


def asymmetric_gaussian(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Shape, left and right deviation of an asymmetric generalised Gaussian by its moments; NaN if
    one-sided.
    """
    negative, positive = values[values < 0], values[values > 0]
    if not negative.size or not positive.size:
        return np.nan, np.nan, np.nan
    left, right = np.sqrt((negative**2).mean()), np.sqrt((positive**2).mean())
    ratio = left / right
    moment = np.abs(values).mean() ** 2 / (values**2).mean()
    moment *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    shapes, moments = moment_table()
    return float(shapes[np.abs(moments - moment).argmin()]), float(left), float(right)


@cache
def moment_table() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shapes 0.2 to 10 in steps of a thousandth, and the moment ratio of each."""
    from scipy.special import gamma

    shapes = np.arange(0.2, 10.001, 0.001)
    return shapes, gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))
