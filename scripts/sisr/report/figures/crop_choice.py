"""Which images and windows are shown as crops: where the models disagree most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from sisr.base.errors import ImageError
from sisr.base.images import read_image
from sisr.scoring.metrics.protocol import Measure

#: HR windows whose luma has a smaller standard deviation (of 255 levels) show nothing.
_FLAT = 4.0


class Region(NamedTuple):
    """Rectangle in HR pixels."""

    x: int
    y: int
    w: int
    h: int


def pick_images(
    scores: pd.DataFrame, measures: Sequence[Measure], kernel: str, scale: int, per_dataset: int = 2
) -> dict[str, list[str]]:
    """Images of each dataset on which the models disagree most.

    Disagreement of an image is the standard deviation over the models of each measure, divided by its mean
    over the images of the dataset so that dB and LPIPS weigh the same, and summed.  Only models that scored
    every image take part, infinite values do not.  Equal images are taken in order of their names.
    """
    here = scores[(scores["kernel"] == kernel) & (scores["scale"] == scale) & np.isfinite(scores["value"])]
    keys = {measure.id for measure in measures}
    here = here[(here["metric"] + "@" + here["protocol"]).isin(keys)]
    chosen: dict[str, list[str]] = {}
    for dataset, part in here.groupby("dataset", sort=False):
        total = pd.Series(0.0, index=sorted(part["image"].unique()))
        for _, one in part.groupby(["metric", "protocol"], sort=False):
            table = one.pivot(index="image", columns="model", values="value")
            # The sum over models is taken in the order of their names, so it has the same last bit each time.
            spread = table.dropna(axis="columns").sort_index(axis="columns").std(axis="columns", ddof=0)
            if (mean := spread.mean()) > 0:
                total = total.add(spread / mean, fill_value=0.0)
        ranked = sorted(total.index, key=lambda image: (-round(float(total[image]), 9), image))
        chosen[str(dataset)] = ranked[:per_dataset]
    return chosen


def pick_region(
    hr: Path | None,
    srs: Mapping[str, Path],
    scale: int,
    size: tuple[int, int] | None = None,
    lr: Path | None = None,
) -> Region:
    """Window of the HR image in which the SR images differ most from each other.

    The measure is the variance over the models of the luma, averaged over the window, at all windows whose
    corner is a multiple of ``scale``; flat windows (standard deviation of the HR luma below 4 levels) are
    passed over as long as there are others.  With one model its squared error stands in for the variance,
    with none the variance of the HR itself.  Where ``hr`` is None, ``lr`` with its pixels
    repeated takes its place.  ``size`` is (width, height); by default an eighth of the longer
    side, 48 to 128 pixels wide, at 4:3.
    """
    truth = _luma(truth_pixels(hr, lr, scale))
    height, width = (n - n % scale for n in truth.shape)
    truth = truth[:height, :width]
    w, h = size or _window(width, height, scale)
    w, h = min(w, width), min(h, height)

    count, total, squares = 0, np.zeros((height, width)), np.zeros((height, width))
    for path in srs.values():
        luma = _luma(sr_pixels(path, (height, width)))
        count += 1
        total += luma
        squares += luma * luma
    if count > 1:
        spread = squares / count - (total / count) ** 2
    elif count == 1:
        spread = (total - truth) ** 2
    else:
        spread = (truth - truth.mean()) ** 2

    score = _window_means(spread, w, h)[::scale, ::scale]
    contrast = _window_means(truth**2, w, h) - _window_means(truth, w, h) ** 2
    detailed = contrast[::scale, ::scale] >= _FLAT**2
    if detailed.any():
        score = np.where(detailed, score, -1.0)
    # Rounded, so that the last bits of the sums do not decide between equal windows; then the first one wins.
    row, column = np.unravel_index(int(np.argmax(score.round(6))), score.shape)
    return Region(int(column) * scale, int(row) * scale, w, h)


def truth_pixels(hr: Path | None, lr: Path | None, scale: int) -> np.ndarray:
    """The HR image; without one the LR image, each pixel repeated ``scale`` times."""
    if hr is not None:
        return read_image(hr).array
    assert lr is not None
    return read_image(lr).array.repeat(scale, 0).repeat(scale, 1)


def _window(width: int, height: int, scale: int) -> tuple[int, int]:
    w = min(128, max(48, max(width, height) // 8))
    w -= w % scale
    h = w * 3 // 4
    return w, h - h % scale


def _window_means(values: np.ndarray, w: int, h: int) -> np.ndarray:
    """Mean of each w x h window, by its top left corner: (H, W) -> (H - h + 1, W - w + 1)."""
    table = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    table[1:, 1:] = values.cumsum(0).cumsum(1)
    return (table[h:, w:] - table[:-h, w:] - table[h:, :-w] + table[:-h, :-w]) / (w * h)


def _luma(array: np.ndarray) -> np.ndarray:
    """Full-range BT.601 luma as float64, only to compare images with each other."""
    if array.ndim == 2:
        return array.astype(float)
    return array @ np.array([0.299, 0.587, 0.114])


def sr_pixels(path: Path, shape: tuple[int, int]) -> np.ndarray:
    array = read_image(path).array
    if array.shape[:2] != shape:
        found, expected = (f"{s[1]}x{s[0]}" for s in (array.shape, shape))
        raise ImageError(f"{path}: size {found}, expected {expected} (the cropped HR)")
    return array


def pick_lr_region(hr: Path, lrs: Mapping[str, Path], scale: int) -> tuple[Region, float]:
    """Window of the HR image in which the LR images of several kernels differ most, and how much they do.

    The measure is the variance over the kernels of the luma, averaged over the window.  The window is 96 HR
    pixels wide, so that it holds some LR pixels, and at 4:3.
    """
    stack = np.stack([_luma(read_image(path).array) for path in lrs.values()])
    height, width = stack.shape[1:]
    w, h = min(width, -(-96 // scale)), min(height, -(-72 // scale))
    score = _window_means(stack.var(axis=0), w, h)
    row, column = np.unravel_index(int(np.argmax(score.round(6))), score.shape)
    region = Region(int(column) * scale, int(row) * scale, w * scale, h * scale)
    return region, float(score.max())
