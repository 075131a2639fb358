"""Pixel art: sprites enlarged by interpolation, by networks that know photographs, and by Scale2x."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from sisr.lr.kernels.matlab import imresize
from sisr.models.model_entries import Model
from sisr.studies.common import StudyRow, chosen, mean, psnr
from sisr.studies.sprites import SPRITES, Labels, Pixels, Sprite
from sisr.upscaling.engines import Upscaler

SCALES = (2, 4)
#: Pixels of background around a sprite while it is enlarged, so that no network sees a border of the image.
MARGIN = 12
NEAREST, BICUBIC, SCALE2X = "nearest", "bicubic", "Scale2x"
#: Methods that every run has; networks come beside them.
CLASSICAL = (NEAREST, BICUBIC, SCALE2X)

PSNR = "PSNR (dB)"
MIXED = "pixels of no palette colour (%)"
COLOURS = "colours"
WRONG = "wrong pixels (%)"
SNAPPED = "wrong pixels after snapping (%)"


# --- Scale2x --------------------------------------------------------------------------------------------


def scale2x(labels: Labels) -> Labels:
    """EPX, or Scale2x, (h, w) -> (2h, 2w): a corner takes its two neighbours' colour where these agree.

    With B, D, F, H above, left, right and below of E: where B != H and D != F, the top left of the four
    pixels is D if D = B, the top right F if B = F, the bottom left D if D = H, the bottom right F if H = F;
    otherwise, and else, all are E (A. Mazzoleni, Scale2x, 2001, https://www.scale2x.it/algorithm; E. Johnston
    had the rule as EPX in 1992).  Beyond the border the edge is repeated.
    """
    padded = np.pad(labels, 1, mode="edge")
    above, below = padded[:-2, 1:-1], padded[2:, 1:-1]
    left, right = padded[1:-1, :-2], padded[1:-1, 2:]
    corner = (above != below) & (left != right)
    large = labels.repeat(2, axis=0).repeat(2, axis=1)
    for down, vertical in enumerate((above, below)):
        for across, horizontal in enumerate((left, right)):
            large[down::2, across::2] = np.where(corner & (horizontal == vertical), horizontal, labels)
    return large


# --- enlarging and judging ------------------------------------------------------------------------------


def enlarge(sprite: Sprite, scale: int, networks: Mapping[str, Upscaler]) -> dict[str, Pixels]:
    """The sprite enlarged by each method, uint8 (16 scale, 16 scale, 3); ``networks`` by their labels."""
    labels = np.pad(sprite.labels(), MARGIN)
    twice = labels
    for _ in range(scale.bit_length() - 1):
        twice = scale2x(twice)
    small = sprite.palette[labels]
    made: dict[str, Pixels] = {
        NEAREST: small.repeat(scale, axis=0).repeat(scale, axis=1),
        SCALE2X: sprite.palette[twice],
        **_smooth(small, scale, networks),
    }
    return {method: _inner(image, scale) for method, image in made.items()}


def photographed(sprite: Sprite, scale: int, networks: Mapping[str, Upscaler]) -> dict[str, Pixels]:
    """As :func:`enlarge`, of the large drawing shrunk like the photographs that networks are trained on."""
    drawing = sprite.palette[np.pad(sprite.labels(scale), MARGIN * scale)]
    made = _smooth(imresize(drawing, Fraction(1, scale)), scale, networks)
    return {method: _inner(image, scale) for method, image in made.items()}


def _smooth(small: Pixels, scale: int, networks: Mapping[str, Upscaler]) -> dict[str, Pixels]:
    methods: dict[str, Callable[[Pixels], Pixels]] = {BICUBIC: lambda p: imresize(p, scale), **networks}
    return {label: upscale(small) for label, upscale in methods.items()}


def _inner(image: Pixels, scale: int) -> Pixels:
    inner = slice(MARGIN * scale, -MARGIN * scale)
    return image[inner, inner]


def mixed(image: Pixels, palette: Pixels) -> float:
    """Share of pixels that are no colour of the palette."""
    same = (image[:, :, None] == palette).all(axis=-1)
    return float(1 - same.any(axis=-1).mean())


def snap(image: Pixels, palette: Pixels) -> Labels:
    """Label of the palette's colour that is nearest to each pixel in RGB."""
    distance = ((image[:, :, None].astype(np.int64) - palette) ** 2).sum(axis=-1)
    return distance.argmin(axis=-1)


def quality(truth: Pixels, found: Pixels) -> float:
    """PSNR in dB over R, G and B."""
    return psnr(truth.reshape(-1, 1) / 255, found.reshape(-1, 1) / 255)


# --- the study ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PixelArtResult:
    """``rows`` of the table; images at the largest scale by sprite and method, large drawings by sprite."""

    rows: list[StudyRow]
    images: dict[str, dict[str, Pixels]] = field(default_factory=dict)
    drawings: dict[str, Pixels] = field(default_factory=dict)

    @property
    def network(self) -> str | None:
        """Label of the network that is shown; see :func:`best_network`."""
        return best_network(self.rows, SCALES[-1])


def measure(networks: Mapping[int, Iterable[tuple[Model, Upscaler]]]) -> PixelArtResult:
    """Every sprite enlarged by every method; ``networks`` are by scale."""
    result = PixelArtResult([])
    for scale in SCALES:
        loaded = {model.label: upscale for model, upscale in networks.get(scale, ())}
        for sprite in SPRITES:
            made = enlarge(sprite, scale, loaded)
            result.rows.extend(_judged(sprite, scale, made))
            if sprite.outlined:
                drawing = sprite.palette[sprite.labels(scale)]
                for method, image in photographed(sprite, scale, loaded).items():
                    value = quality(drawing, image)
                    result.rows.append(
                        StudyRow(f"photographed x{scale}", sprite.name, method, "", "", PSNR, value)
                    )
                result.drawings[sprite.name] = drawing
            result.images[sprite.name] = made
    return result


def _judged(sprite: Sprite, scale: int, made: Mapping[str, Pixels]) -> list[StudyRow]:
    rows = []
    labels = sprite.labels(scale) if sprite.outlined else None
    for method, image in made.items():
        values = {
            MIXED: 100 * mixed(image, sprite.palette),
            COLOURS: float(len(np.unique(image.reshape(-1, 3), axis=0))),
        }
        if labels is not None:
            drawing = sprite.palette[labels]
            values |= {
                PSNR: quality(drawing, image),
                WRONG: 100 * float((image != drawing).any(axis=-1).mean()),
                SNAPPED: 100 * float((snap(image, sprite.palette) != labels).mean()),
            }
        rows += [
            StudyRow(f"x{scale}", sprite.name, method, "", "", what, value) for what, value in values.items()
        ]
    return rows


def networks_of(rows: Iterable[StudyRow], scale: int) -> list[str]:
    """Labels of the networks that enlarged by a scale."""
    names = dict.fromkeys(row.method for row in rows if row.part == f"x{scale}")
    return [name for name in names if name not in CLASSICAL]


def best_network(rows: list[StudyRow], scale: int) -> str | None:
    """The network that is best at what it was trained for, shrunk drawings; None without networks."""
    names = networks_of(rows, scale)
    return max(names, key=lambda m: mean(rows, part=f"photographed x{scale}", method=m), default=None)


def findings(result: PixelArtResult) -> list[str]:
    """What came out, with its numbers."""
    rows, scale = result.rows, SCALES[-1]
    part = f"x{scale}"

    def of(method: str, what: str, where: str = part) -> float:
        return mean(rows, part=where, method=method, measure=what)

    palette = mean(rows, part=part, method=NEAREST, measure=COLOURS)
    said = [
        f"At x{scale} {of(SCALE2X, WRONG):.1f} % of {SCALE2X}'s pixels are not as drawn, and "
        f"{of(NEAREST, WRONG):.1f} % of nearest's; neither adds a colour to the {palette:.1f} of a sprite. "
        f"Bicubic makes {of(BICUBIC, COLOURS):.0f} colours; {of(BICUBIC, MIXED):.0f} % of its pixels have "
        "none of the sprite's.",
    ]
    network = result.network
    if network is None:
        return said
    photo = f"photographed {part}"
    said.append(
        f"Of the same drawings shrunk by bicubic, as networks are trained, {network} is the best network and "
        f"{of(network, PSNR, photo) - of(BICUBIC, PSNR, photo):.1f} dB above bicubic; on the sprites the "
        f"difference is {of(network, PSNR) - of(BICUBIC, PSNR):+.1f} dB."
    )
    said.append(
        f"There it makes {of(network, COLOURS):.0f} colours; {of(network, MIXED):.0f} % of its pixels have "
        "none of the sprite's. With each set to the palette's nearest colour "
        f"{of(network, SNAPPED):.1f} % are wrong."
    )
    names = networks_of(rows, scale)
    least = min(row.value for name in names for row in chosen(rows, part=part, measure=MIXED, method=name))
    said.append(
        f"No network keeps a palette: on no sprite are fewer than {least:.0f} % of the pixels new colours."
    )
    return said
