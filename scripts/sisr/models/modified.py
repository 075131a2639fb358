"""The upscaler of a network with its modifiers around it (:mod:`sisr.models.modifiers` says which there are).

All compute on values that are neither clipped nor rounded; only the images between the links of a chain are
8-bit, as any input of a network is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction

import numpy as np

from sisr.lr.kernels.matlab import imresize
from sisr.models.modifiers import BackProjection, Modifier, SelfEnsemble

#: As in :mod:`sisr.upscaling.engines`: uint8 image in; uint8, or floating point on [0, 255], out.
RawUpscaler = Callable[[np.ndarray], np.ndarray]


def apply(modifiers: Iterable[Modifier], upscaler: RawUpscaler, link: int, scale: int) -> RawUpscaler:
    """Wrap an upscaler of scale ``link``, the first modifier innermost, into one of ``scale``."""
    reached = link
    for modifier in modifiers:
        if isinstance(modifier, SelfEnsemble):
            upscaler = self_ensemble(upscaler)
        elif isinstance(modifier, BackProjection):
            upscaler = back_projection(upscaler, reached, modifier)
        else:
            upscaler, reached = chain(upscaler, modifier.links(link, scale)), scale
    return upscaler


def self_ensemble(upscaler: RawUpscaler) -> RawUpscaler:
    """Eight calls of ``upscaler`` an image; the mean is float64."""

    def upscale(lr: np.ndarray) -> np.ndarray:
        total: np.ndarray | None = None
        for turns in range(4):
            for flipped in (False, True):
                view = np.rot90(lr, turns)
                sr = upscaler(np.ascontiguousarray(view[:, ::-1] if flipped else view))
                sr = np.rot90(sr[:, ::-1] if flipped else sr, -turns).astype(np.float64)
                total = sr if total is None else np.add(total, sr, out=total)
        assert total is not None
        return total / SelfEnsemble.passes

    return upscale


def back_projection(upscaler: RawUpscaler, scale: int, modifier: BackProjection) -> RawUpscaler:
    """One call of ``upscaler`` an image; the result is float64."""

    def upscale(lr: np.ndarray) -> np.ndarray:
        sr = upscaler(lr).astype(np.float64)
        source = lr if lr.ndim == sr.ndim else np.repeat(lr[..., None], 3, axis=2)
        for _ in range(modifier.iterations):
            sr += imresize(source - imresize(sr, Fraction(1, scale), kernel=modifier.kernel), scale)
        return sr

    return upscale


def chain(upscaler: RawUpscaler, links: int) -> RawUpscaler:
    """As many calls of ``upscaler`` an image as there are links."""

    def upscale(lr: np.ndarray) -> np.ndarray:
        for link in range(links):
            sr = upscaler(lr)
            if link < links - 1:
                lr = to_uint8(sr)
        return sr

    return upscale


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Clip to [0, 255] and round to the nearest level; uint8 passes through."""
    return values if values.dtype == np.uint8 else np.rint(np.clip(values, 0, 255)).astype(np.uint8)
