"""What can be done around any model, as registry entries name it: self-ensemble, back-projection, chaining.

What they compute is in :mod:`sisr.models.modified`, so that reading a registry needs no array library.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sisr.base.errors import ConfigError, ModelSkipped, unknown

#: Largest scale that a chain makes.
_LARGEST = 16
#: Most passes of a network over an image that self-ensembles make: of one around another.
_MOST_PASSES = 64


@dataclass(frozen=True)
class SelfEnsemble:
    """Mean of the outputs for the eight flips and quarter turns of the input, each turned back.

    Timofte et al., Seven ways to improve example-based single image super resolution, CVPR 2016, section 3.6;
    the "+" of Lim et al. (EDSR, CVPR Workshops 2017, section 3.4).
    """

    passes = 8


@dataclass(frozen=True)
class BackProjection:
    """Iterative back-projection: SR += up(LR - down(SR)), so that the SR image shrinks to its LR image.

    Irani and Peleg, Improving resolution by image registration, CVGIP 1991, equation 8, as used on a single
    image by Timofte et al. (CVPR 2016, section 3.5).  ``kernel`` is a kernel of MATLAB's ``imresize`` that
    shrinks; the way back is bicubic.  It helps where the LR image was made by that kernel, and only there.
    """

    iterations: int = 10
    kernel: str = "cubic"


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

    >>> parse_modifiers(["self-ensemble"], "model 'mine'")
    (SelfEnsemble(),)
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
    ensembles = [modifier for modifier in found if isinstance(modifier, SelfEnsemble)]
    passes = math.prod(modifier.passes for modifier in ensembles)
    if passes > _MOST_PASSES:
        times = f"self-ensemble {len(ensembles)} times"
        raise ConfigError(f"{source}: {times} is {passes} passes of the network; at most {_MOST_PASSES}")
    return tuple(found)


def chain_of(modifiers: Iterable[Modifier]) -> Chain | None:
    """The chain among modifiers, if there is one."""
    return next((modifier for modifier in modifiers if isinstance(modifier, Chain)), None)


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
