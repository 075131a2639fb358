"""Sprites of 16 x 16 pixels, drawn here: some as outlines, which can be drawn larger, some pixel by pixel.

A sprite is labels, int (h, w), and a palette, uint8 (colours, 3) RGB; label 0 is the background.  Every pixel
has exactly one colour of the palette: an outline covers a pixel's centre or it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Pixels = NDArray[np.uint8]
#: Positions (x right, y down) in pixels of the small sprite -> whether they are inside.
Shape = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]

SIDE = 16


@dataclass(frozen=True, eq=False)
class Sprite:
    """``layers``, each painted over those before, of a shape and its label; or a ``grid`` of digits."""

    name: str
    palette: Pixels
    layers: tuple[tuple[Shape, int], ...] = ()
    grid: tuple[str, ...] = ()

    @property
    def outlined(self) -> bool:
        """Whether it can be drawn larger, so that there is a truth to compare with."""
        return bool(self.layers)

    def labels(self, times: int = 1) -> Labels:
        """The sprite drawn ``times`` as large, (16 times, 16 times).

        Raises :class:`ValueError` for a grid that is to be drawn larger.
        """
        if self.grid:
            if times != 1:
                raise ValueError(f"{self.name}: drawn pixel by pixel, there is no larger one")
            return np.array([[int(digit) for digit in line] for line in self.grid])
        centres = (np.arange(SIDE * times) + 0.5) / times
        x, y = np.meshgrid(centres, centres)
        drawn = np.zeros(x.shape, np.int64)
        for shape, label in self.layers:
            drawn[shape(x, y)] = label
        return drawn


# --- shapes ---------------------------------------------------------------------------------------------


def ellipse(x: float, y: float, across: float, down: float | None = None) -> Shape:
    """With its middle and its half axes; a disc without ``down``."""
    down = across if down is None else down
    return lambda u, v: ((u - x) / across) ** 2 + ((v - y) / down) ** 2 < 1


def polygon(*corners: tuple[float, float]) -> Shape:
    """Inside by the even-odd rule: a ray to the right crosses an odd number of sides."""

    def inside(u: NDArray[np.float64], v: NDArray[np.float64]) -> NDArray[np.bool_]:
        odd = np.zeros(u.shape, bool)
        for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
            if y0 != y1:
                odd ^= ((y0 > v) != (y1 > v)) & (u < x0 + (v - y0) * (x1 - x0) / (y1 - y0))
        return odd

    return inside


def _box(left: float, top: float, right: float, bottom: float) -> Shape:
    return lambda u, v: (left <= u) & (u < right) & (top <= v) & (v < bottom)


def _palette(colours: Sequence[str]) -> Pixels:
    return np.array([[int(colour[i : i + 2], 16) for i in (0, 2, 4)] for colour in colours], np.uint8)


# --- the sprites ----------------------------------------------------------------------------------------

_COIN = Sprite(
    "coin",
    _palette(["20304a", "7a4a10", "e8a820", "fff0a0"]),
    (
        (ellipse(8, 8, 7.2), 1),
        (ellipse(8, 8, 6), 2),
        (ellipse(8, 8, 2.6, 4.4), 1),
        (ellipse(8.6, 8, 2, 3.8), 3),
        (polygon((3.2, 6), (5.8, 3), (6.6, 3.6), (4.1, 7)), 3),
    ),
)
_POTION = Sprite(
    "potion",
    _palette(["302038", "e8f0f8", "c02050", "f080a0", "a07040"]),
    (
        (polygon((6, 3), (10, 3), (10, 7), (15, 13), (13, 15.2), (3, 15.2), (1, 13), (6, 7)), 1),
        (polygon((5, 9.5), (11, 9.5), (13.8, 13), (12.6, 14.2), (3.4, 14.2), (2.2, 13)), 2),
        (ellipse(6.2, 12, 1.5, 1.1), 3),
        (ellipse(10, 11.3, 0.9), 3),
        (_box(6, 1, 10, 3.5), 4),
    ),
)
_GHOST = Sprite(
    "ghost",
    _palette(["101820", "58c0e0", "ffffff", "182878"]),
    (
        (ellipse(8, 7.5, 6.4, 6.6), 1),
        (polygon((1.6, 7.5), (14.4, 7.5), (14.4, 15.3), (12.2, 13), (10.1, 15.3), (8, 13), (5.9, 15.3),
                 (3.8, 13), (1.6, 15.3)), 1),
        (ellipse(5.6, 6.6, 1.9, 2.3), 2),
        (ellipse(10.6, 6.6, 1.9, 2.3), 2),
        (ellipse(6.2, 7.1, 0.9, 1.2), 3),
        (ellipse(11.2, 7.1, 0.9, 1.2), 3),
    ),
)  # fmt: skip
_SWORD = Sprite(
    "sword",
    _palette(["284028", "e0e8f0", "8898a8", "6a3c1c", "e0b030"]),
    (
        (polygon((14.8, 1.2), (14.2, 3.9), (6.9, 11.2), (4.8, 9.1), (12.1, 1.8)), 1),
        (polygon((14.8, 1.2), (14.2, 3.9), (6.9, 11.2), (5.85, 10.15)), 2),
        (polygon((2.9, 8.4), (4.3, 7), (9, 11.7), (7.6, 13.1)), 4),
        (polygon((4.2, 10.2), (5.8, 11.8), (3.2, 14.4), (1.6, 12.8)), 3),
    ),
)
_INVADER = Sprite(
    "invader",
    _palette(["0c0c14", "70e050", "f0e040"]),
    grid=(
        "0000000000000000",
        "0001000000001000",
        "0000100000010000",
        "0001111111111000",
        "0011111111111100",
        "0112221111222110",
        "0112021111202110",
        "1112221111222111",
        "1111111111111111",
        "1011111111111101",
        "1010111001110101",
        "1010010000100101",
        "0000110000110000",
        "0001100000011000",
        "0011000000001100",
        "0000000000000000",
    ),
)
_KNIGHT = Sprite(
    "knight",
    _palette(["385878", "18181c", "b0bcc8", "f0c8a0", "c03028", "f0d040", "704828"]),
    grid=(
        "0000000044000000",
        "0000011444410000",
        "0000122221441000",
        "0001222222140000",
        "0001222222210000",
        "0001211111210050",
        "0001313313210050",
        "0001333333210050",
        "0000133331100050",
        "0011244442110050",
        "0122244442221555",
        "0124224422431660",
        "0113244444111060",
        "0000122122100000",
        "0001221012210000",
        "0001110001110000",
    ),
)

SPRITES = (_COIN, _POTION, _GHOST, _SWORD, _INVADER, _KNIGHT)
