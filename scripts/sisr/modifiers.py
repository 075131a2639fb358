"""What can be done around any model: self-ensemble, back-projection, chaining.

A modifier turns the upscaler of a network into another upscaler.  All compute on values that are neither
clipped nor rounded; only the images between the links of a chain are 8-bit, as any input of a network is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sisr.errors import ConfigError, ModelSkipped, unknown

#: As in :mod:`sisr.engines`: uint8 image in; uint8, or floating point on [0, 255], out.
RawUpscaler = Callable[[np.ndarray], np.ndarray]

#: Largest scale that a chain makes.
_LARGEST = 16


@dataclass(frozen=True)
class SelfEnsemble:
    """Mean of the outputs for the eight flips and quarter turns of the input, each turned back.

    Timofte et al., Seven ways to improve example-based single image super resolution, CVPR 2016, section 3.6;
    the "+" of Lim et al. (EDSR, CVPR Workshops 2017, section 3.4).
    """

    passes = 8

    def apply(self, upscaler: RawUpscaler, scale: int) -> RawUpscaler:
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
            return total / self.passes

        return upscale


@dataclass(frozen=True)
class BackProjection:
    """Iterative back-projection: SR += up(LR - down(SR)), so that the SR image shrinks to its LR image.

    Irani and Peleg, Improving resolution by image registration, CVGIP 1991, equation 8, as used on a single
    image by Timofte et al. (CVPR 2016, section 3.5).  ``kernel`` is a kernel of MATLAB's ``imresize`` that
    shrinks; the way back is bicubic.  It helps where the LR image was made by that kernel, and only there.
    """

    iterations: int = 10
    kernel: str = "cubic"

    def apply(self, upscaler: RawUpscaler, scale: int) -> RawUpscaler:
        """One call of ``upscaler`` an image; the result is float64."""
        from fractions import Fraction

        from sisr.kernels.matlab import imresize

        def upscale(lr: np.ndarray) -> np.ndarray:
            sr = upscaler(lr).astype(np.float64)
            source = lr if lr.ndim == sr.ndim else np.repeat(lr[..., None], 3, axis=2)
            for _ in range(self.iterations):
                sr += imresize(source - imresize(sr, Fraction(1, scale), kernel=self.kernel), scale)
            return sr

        return upscale


@dataclass(frozen=True)
class Chain:
    """The network applied to its own 8-bit output until the scale is reached: x2 twice is x4.

    ``by`` fixes the factor of a link; without it a scale that the model has is one link, and another one is
    made of equal links, as large as the model has them.
    """

    by: int | None = None

    def scales(self, own: Iterable[int]) -> dict[int, int]:
        """Scale that can be made -> factor of its links, from the scales that a model has."""
        factors = [factor for factor in sorted(own) if self.by in (None, factor) and factor > 1]
        # Larger factors come later and win; a factor itself always does.
        made = {factor**links: factor for factor in factors for links in range(1, 5)}
        made |= {factor: factor for factor in factors}
        return {scale: factor for scale, factor in sorted(made.items()) if scale <= _LARGEST}

    def links(self, factor: int, scale: int) -> int:
        """How many links of a factor make a scale; :class:`ModelSkipped` if none do."""
        count, product = 0, 1
        while product < scale and factor > 1:
            count, product = count + 1, product * factor
        if product != scale or count == 0:
            raise ModelSkipped(f"no chain of x{factor} makes x{scale}")
        return count

    def apply(self, upscaler: RawUpscaler, factor: int, scale: int) -> RawUpscaler:
        """As many calls of ``upscaler`` an image as there are links."""
        links = self.links(factor, scale)

        def upscale(lr: np.ndarray) -> np.ndarray:
            for link in range(links):
                sr = upscaler(lr)
                if link < links - 1:
                    lr = to_uint8(sr)
            return sr

        return upscale


Modifier = SelfEnsemble | BackProjection | Chain

#: Name in the registry and on the command line -> class; its options are the fields.
MODIFIERS: Mapping[str, type[Modifier]] = {
    "self-ensemble": SelfEnsemble,
    "back-projection": BackProjection,
    "chain": Chain,
}


def parse_modifiers(entries: Sequence[str | Mapping[str, Any]], source: str) -> tuple[Modifier, ...]:
    """Modifiers of an entry: names, or a name with options as in ``{back-projection: {iterations: 5}}``.

    Raises :class:`ConfigError` for an unknown name or option, and for more than one chain.
    """
    found: list[Modifier] = []
    for item in entries:
        name, options = (item, {}) if isinstance(item, str) else next(iter(item.items()))
        if name not in MODIFIERS:
            raise ConfigError(f"{source}: {unknown('modifier', name, MODIFIERS)}")
        known = MODIFIERS[name].__dataclass_fields__
        for option in options:
            if option not in known:
                raise ConfigError(f"{source}: {name}: {unknown('option', option, known)}")
        found.append(MODIFIERS[name](**options))
    if sum(isinstance(modifier, Chain) for modifier in found) > 1:
        raise ConfigError(f"{source}: more than one chain")
    return tuple(found)


def chain_of(modifiers: Iterable[Modifier]) -> Chain | None:
    """The chain among modifiers, if there is one."""
    return next((modifier for modifier in modifiers if isinstance(modifier, Chain)), None)


def apply(modifiers: Iterable[Modifier], upscaler: RawUpscaler, link: int, scale: int) -> RawUpscaler:
    """Wrap an upscaler of scale ``link``, the first modifier innermost, into one of ``scale``."""
    reached = link
    for modifier in modifiers:
        if isinstance(modifier, Chain):
            upscaler, reached = modifier.apply(upscaler, link, scale), scale
        else:
            upscaler = modifier.apply(upscaler, reached)
    return upscaler


def work(modifiers: Iterable[Modifier], link: int, scale: int) -> float:
    """Computation of the modified network for an LR image, in runs of the network on that image.

    Self-ensemble runs it eight times, and a chain on ever larger images.  Resampling is not counted.
    """
    runs = 1.0
    for modifier in modifiers:
        if isinstance(modifier, SelfEnsemble):
            runs *= modifier.passes
        elif isinstance(modifier, Chain):
            runs *= sum(link ** (2 * i) for i in range(modifier.links(link, scale)))
    return runs


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Clip to [0, 255] and round to the nearest level; uint8 passes through."""
    return values if values.dtype == np.uint8 else np.rint(np.clip(values, 0, 255)).astype(np.uint8)
