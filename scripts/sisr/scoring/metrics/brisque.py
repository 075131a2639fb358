"""BRISQUE, a metric of the SR image alone (Mittal, Moorthy, Bovik, IEEE TIP 21, 2012).

36 statistics of normalised luma, at two scales, go through a support vector machine that its authors trained
on people's opinions of the distorted images of LIVE.  The machine is that of their MATLAB release, and so is
what is computed here: zeros beyond the border, and MATLAB's ``imresize`` between the scales.  The tests
compare with piq.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sisr.base.colour import Float64Plane, Uint8Image
from sisr.base.errors import ModelError, ScoreError
from sisr.lr.kernels.matlab import imresize
from sisr.scoring.metrics.code import Setting
from sisr.scoring.metrics.fidelity import prepare
from sisr.scoring.metrics.niqe import NEIGHBOURS, asymmetric_gaussian, moment_table

_FEATURES = 36
#: Side of the window, and its deviation.
_WINDOW, _SIGMA = 7, 7 / 6
#: Normalised values below it are 0: a difference of one gray level gives thousands of times more.
_ROUNDING = 1e-9


class Brisque:
    """BRISQUE of SR images under a fidelity protocol.

    Files: ``machine``, a libsvm model of 36 features, and ``ranges``, a module of Python whose ``_scaler``
    lists -1 and 1, and then the smallest and largest value of each feature in training.  It is read, never
    run.  Raises :class:`ModelError` for something else.
    """

    def __init__(self, setting: Setting) -> None:
        self._protocol, self._scale = setting.protocol, setting.scale
        self._ranges = _read_ranges(setting.files["ranges"])
        self._gamma, self._rho, self._weights, self._vectors = _read_machine(setting.files["machine"])

    def __call__(self, hr: Uint8Image, sr: Uint8Image) -> float:
        """BRISQUE of ``sr``; of ``hr`` only the kind (gray or RGB) counts, as for NIQE."""
        return self.of_plane(prepare(hr, sr, self._protocol, self._scale).sr[0])

    def of_plane(self, luma: Float64Plane) -> float:
        """BRISQUE of a luma plane ``(H, W)`` on [0, 255]; :class:`ScoreError` for one without structure."""
        if min(luma.shape) < 2 * _WINDOW:
            size, least = f"{luma.shape[1]}x{luma.shape[0]}", f"{2 * _WINDOW}x{2 * _WINDOW}"
            raise ScoreError(f"image of {size} is too small: BRISQUE needs {least} pixels")
        features = [*_statistics(luma), *_statistics(imresize(luma / 255, 0.5) * 255)]
        if not np.isfinite(features).all():
            raise ScoreError("BRISQUE: the image has no structure")
        low, high = self._ranges.T
        scaled = 2 * (np.array(features) - low) / (high - low) - 1
        distances = ((self._vectors - scaled) ** 2).sum(axis=1)
        return float(self._weights @ np.exp(-self._gamma * distances) - self._rho)


def _statistics(plane: Float64Plane) -> list[float]:
    """18 features of a plane: shape and variance of its normalised values, four of each product of
    neighbours.
    """
    from scipy.special import gamma

    def smooth(source: Float64Plane) -> Float64Plane:
        done = cv2.GaussianBlur(source, (_WINDOW, _WINDOW), _SIGMA, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(done, np.float64)

    plane = np.ascontiguousarray(plane, np.float64)
    mean = smooth(plane)
    values = (plane - mean) / (np.sqrt(np.abs(smooth(plane * plane) - mean * mean)) + 1)
    # In flat areas only rounding is left, and its signs would decide how many values count as negative.
    values[np.abs(values) < _ROUNDING] = 0
    variance = float((values**2).mean())
    shapes, moments = moment_table()
    # The table has (E|x|)^2 / E x^2 for each shape; the release looks for the nearest of the inverse.
    size = np.abs(values).mean()
    found = [float(shapes[np.abs(1 / moments - variance / size**2).argmin()]) if size else np.nan, variance]
    for neighbour in NEIGHBOURS:
        shape, left, right = asymmetric_gaussian(values * np.roll(values, neighbour, (0, 1)))
        middle = (right - left) * gamma(2 / shape) / np.sqrt(gamma(1 / shape) * gamma(3 / shape))
        found += [shape, float(middle), left**2, right**2]
    return found


def _read_ranges(path: Path) -> NDArray[np.float64]:
    """Smallest and largest value of each feature, (36, 2)."""
    try:
        text = path.read_text(encoding="utf-8")
        listed = re.search(r"_scaler = np\.array\((\[.*?\]\s*\])\)", text, re.DOTALL)
        ranges = np.array(ast.literal_eval(listed[1]) if listed else [], np.float64)
    except OSError as error:
        raise ModelError(f"{path}: cannot read the ranges: {error.strerror}") from None
    except (ValueError, SyntaxError):
        ranges = np.empty(0)
    if ranges.shape != (1 + _FEATURES, 2):
        raise ModelError(f"{path}: expected ranges of {_FEATURES} features")
    return ranges[1:]


def _read_machine(path: Path) -> tuple[float, float, NDArray[np.float64], NDArray[np.float64]]:
    """gamma, rho, weights (n,) and support vectors (n, 36) of a libsvm model for regression by an RBF."""
    try:
        head, _, body = path.read_text(encoding="ascii").partition("\nSV\n")
        facts = dict(line.split(maxsplit=1) for line in head.splitlines())
        if (facts["svm_type"], facts["kernel_type"]) != ("epsilon_svr", "rbf"):
            raise ValueError(f"svm_type {facts['svm_type']}, kernel_type {facts['kernel_type']}")
        lines = [line.split() for line in body.splitlines()]
        weights, vectors = np.array([float(line[0]) for line in lines]), np.zeros((len(lines), _FEATURES))
        for vector, line in zip(vectors, lines, strict=True):
            for part in line[1:]:  # a feature that is left out is 0
                index, _, value = part.partition(":")
                vector[int(index) - 1] = float(value)
        return float(facts["gamma"]), float(facts["rho"]), weights, vectors
    except OSError as error:
        raise ModelError(f"{path}: cannot read the machine: {error.strerror}") from None
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(f"{path}: not a machine of BRISQUE: {error}") from None
