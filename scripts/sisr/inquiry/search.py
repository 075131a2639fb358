"""All combinations of conventions at once: the numbers that they give, and which of them are printed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sisr.base import registry
from sisr.inquiry import conventions
from sisr.inquiry.components import Components, Key
from sisr.inquiry.conventions import CHANNELS, KNOWN, MOST, Departure, Variant
from sisr.scoring.metrics.protocol import FidelityProtocol, protocol

Values = NDArray[np.float64]


@dataclass(frozen=True)
class PrintedNumber:
    """A printed number: value and half a unit of its last digit.

    >>> PrintedNumber.of("32.21")
    PrintedNumber(value=32.21, half=0.005)
    """

    value: float
    half: float

    @classmethod
    def of(cls, text: str) -> PrintedNumber:
        text = text.strip()
        return cls(float(text), 0.5 * 10.0 ** -len(text.partition(".")[2]))

    def fits(self, values: Values) -> NDArray[np.bool_]:
        """Which values are printed so; the last digit rounded or cut off alike at a tie."""
        return np.abs(values - self.value) <= self.half + 1e-9


@dataclass(frozen=True)
class Combination:
    """Departures and the numbers that they give: metric -> number of the set, and by image."""

    departures: tuple[Departure, ...]
    cost: float
    numbers: Mapping[str, float]
    images: Mapping[str, Values] = field(repr=False)

    def words(self) -> str:
        return "; ".join(departure.phrase for departure in self.departures) or "the standard protocol"


class Space:
    """The combinations of conventions for a set of images."""

    def __init__(
        self,
        images: Mapping[str, Components],
        variants: Sequence[Variant],
        scale: int,
        metrics: Sequence[str],
    ) -> None:
        self.names = list(images)
        self.parts = list(images.values())
        self.variants = {variant.key: variant for variant in variants}
        self.scale, self.metrics = scale, metrics
        self.borders = conventions.borders(scale)
        self.known = _known(scale)
        self.subsets, self.weights = self._subsets()

    def _subsets(self) -> tuple[list[Departure | None], Values]:
        """All images; without each one; with each one twice."""
        count = len(self.names)
        rows = [np.ones(count)]
        found: list[Departure | None] = [None]
        for change, cost, words in ((-1, 1.8, "without"), (1, 2.2, "twice counted:")):
            if count > 1:
                for number, name in enumerate(self.names):
                    row = np.ones(count)
                    row[number] += change
                    rows.append(row)
                    found.append(Departure("images", f"{change:+d} {name}", cost, f"{words} {name}"))
        return found, np.array(rows)

    def planes(self) -> Iterator[tuple[Key, list[Departure], Departure | None]]:
        """Keys of what was computed, with their departures, but for that of the channels' mean."""
        grays = list(conventions.GRAY) if any(part.gray for part in self.parts) else ["raw"]
        for variant, luma, gray in product(self.variants.values(), conventions.LUMA, grays):
            if luma == "none" and gray != "raw":
                continue
            given = [
                variant.departure,
                conventions.departure("luma", luma, conventions.LUMA),
                conventions.departure("gray", gray, conventions.GRAY),
            ]
            yield (
                Key(variant.key, luma, gray),
                [one for one in given if one],
                CHANNELS if luma == "none" else None,
            )

    def combinations(self) -> Iterator[tuple[list[Departure], dict[str, Values]]]:
        """Departures without the subset's, and metric -> values by image.

        A metric that a departure does not touch comes with its standard form only.
        """
        for key, planes, channels in self.planes():
            for number, width in enumerate(self.borders):
                edge = conventions.border(width, self.scale)
                here = [*planes, *([edge] if edge else [])]
                if len(here) > MOST:
                    continue
                nothing: list[tuple[list[Departure], Values | None]] = [([], None)]
                psnrs = [*self._psnrs(key, number, channels)] if "psnr" in self.metrics else nothing
                ssims = [*self._ssims(key, number)] if "ssim" in self.metrics else nothing
                for (more, psnr), (others, ssim) in product(psnrs, ssims):
                    departures = [*here, *more, *others]
                    if any(one is CHANNELS for one in more):
                        departures = [one for one in departures if one.axis != "luma" or one is CHANNELS]
                    if len(departures) <= MOST:
                        given = {"psnr": psnr, "ssim": ssim}
                        yield (
                            departures,
                            {name: values for name, values in given.items() if values is not None},
                        )

    def _psnrs(
        self, key: Key, number: int, channels: Departure | None
    ) -> Iterator[tuple[list[Departure], Values | None]]:
        errors = self._errors(key, number)
        if errors is None:
            return
        for name in conventions.PEAKS:
            peak: Values | float = float(name) if name != "max" else self._largest(key)
            extra = conventions.departure("peak", name, conventions.PEAKS)
            more = [extra] if extra else []
            yield more, np.array([_decibels(error.mean(), p) for error, p in _each(errors, peak)])
            if channels:
                by_channel = [
                    float(np.mean([_decibels(one, p) for one in error])) for error, p in _each(errors, peak)
                ]
                yield [*more, channels], np.array(by_channel)

    def _errors(self, key: Key, number: int) -> list[Values] | None:
        found = []
        for part in self.parts:
            errors = part.errors.get(key if part.gray else key._replace(gray="raw"))
            if errors is None:
                return None
            found.append(errors[:, number])
        return found

    def _largest(self, key: Key) -> Values:
        return np.array([part.largest[key if part.gray else key._replace(gray="raw")] for part in self.parts])

    def _ssims(self, key: Key, number: int) -> Iterator[tuple[list[Departure], Values | None]]:
        rounded = key._replace(luma=f"{key.luma}-uint8")
        for window in conventions.WINDOWS:
            extra = conventions.departure("window", window, conventions.WINDOWS)
            for planes, more in ((key, None), (rounded, conventions.ROUNDED)):
                if more and "psnr" not in self.metrics:
                    continue
                found = [
                    part.similarity.get((planes if part.gray else planes._replace(gray="raw"), window))
                    for part in self.parts
                ]
                if all(values is not None for values in found):
                    yield (
                        [one for one in (extra, more) if one],
                        np.array([values[number] for values in found if values is not None]),
                    )

    def all(self, subsets: bool = True) -> Combinations:
        """Every combination with its numbers."""
        table = Combinations(self)
        for departures, values in self.combinations():
            kinds = list(conventions.MEANS) if "psnr" in values else ["images"]
            for kind in kinds:
                extra = conventions.departure("mean", kind, conventions.MEANS)
                all_of = [*departures, *([extra] if extra else [])]
                if len(all_of) <= MOST:
                    table.add(all_of, values, kind, subsets and len(all_of) < MOST)
        return table

    def cost(self, departures: Sequence[Departure]) -> float:
        """Sum of the departures' costs, or that of a known protocol."""
        total = sum(one.cost for one in departures)
        named = frozenset((one.axis, one.key) for one in departures)
        return min(total, KNOWN) if named in self.known else total


class Combinations:
    """Combinations and their numbers, as arrays."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.rows: list[tuple[tuple[Departure, ...], Mapping[str, Values], str]] = []
        self._row: list[NDArray[np.int64]] = []
        self._subset: list[NDArray[np.int64]] = []
        self._cost: list[Values] = []
        self._numbers: dict[str, list[Values]] = {metric: [] for metric in space.metrics}

    def add(
        self, departures: Sequence[Departure], images: Mapping[str, Values], mean: str, subsets: bool
    ) -> None:
        """A combination, with all images and, where ``subsets``, with one missing or twice."""
        weights = self.space.weights if subsets else self.space.weights[:1]
        cost = self.space.cost(departures)
        costs = np.array([cost + (one.cost if one else 0) for one in self.space.subsets[: len(weights)]])
        for metric, found in self._numbers.items():
            if metric not in images:
                return
            pooled = mean == "pooled" and metric == "psnr"
            found.append(_averages(images[metric], weights, pooled))
        self._row.append(np.full(len(weights), len(self.rows)))
        self._subset.append(np.arange(len(weights)))
        self._cost.append(costs)
        self.rows.append((tuple(departures), images, mean))

    def close(self) -> None:
        """Join what was added."""
        self.row, self.subset = np.concatenate(self._row), np.concatenate(self._subset)
        self.costs = np.concatenate(self._cost)
        self.numbers = {metric: np.concatenate(found) for metric, found in self._numbers.items()}

    def __len__(self) -> int:
        return len(self.costs)

    def at(self, index: int) -> Combination:
        """One of them."""
        departures, images, _ = self.rows[self.row[index]]
        subset = self.space.subsets[self.subset[index]]
        return Combination(
            (*departures, *([subset] if subset else [])),
            float(self.costs[index]),
            {metric: float(values[index]) for metric, values in self.numbers.items()},
            images,
        )


def _averages(values: Values, weights: Values, pooled: bool) -> Values:
    """Means by rows of weights; identical images, whose PSNR is infinite, are left out of means in dB."""
    finite = np.isfinite(values)
    if pooled:
        error = np.where(values == math.inf, 0.0, 10 ** (-values / 10))
        with np.errstate(divide="ignore"):
            return np.asarray(-10 * np.log10(weights @ error / weights.sum(axis=1)))
    if np.isnan(values).any():
        return np.full(len(weights), np.nan)
    kept = weights * finite
    total = kept.sum(axis=1)
    means = kept @ np.where(finite, values, 0.0) / np.maximum(total, 1)
    return np.where(total > 0, means, math.inf)


def _decibels(error: float, peak: float) -> float:
    if error == 0:
        return math.inf
    return math.nan if math.isnan(error) else 10 * math.log10(peak**2 / error)


def _each(errors: Sequence[Values], peak: Values | float) -> Iterator[tuple[Values, float]]:
    for number, error in enumerate(errors):
        yield error, float(peak[number]) if isinstance(peak, np.ndarray) else peak


def _known(scale: int) -> set[frozenset[tuple[str, str]]]:
    """Protocols of the registry as sets of (axis, key)."""
    standard = protocol("y-bt601")
    assert isinstance(standard, FidelityProtocol)
    found: set[frozenset[tuple[str, str]]] = set()
    for name, entry in registry.load("protocols").items():
        if entry["family"] != "fidelity":
            continue
        one = protocol(name)
        assert isinstance(one, FidelityProtocol)
        named: set[tuple[str, str]] = set()
        if one.luma != standard.luma:
            named.add(("luma", one.luma))
        if one.border(scale) != scale:
            named.add(("border", str(one.border(scale))))
        if one.ssim != standard.ssim:
            named.add(("window", one.ssim))
        if one.gray != standard.gray and one.luma != "none":
            named.add(("gray", one.gray))
        found.add(frozenset(named))
    return found


# --- which of them are printed ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Matches:
    """What fits, the likeliest first; of those with the same numbers the cheapest, with how many others.

    ``chance``: the probability that a number that has nothing to do with these images is given by some
    combination that is as simple as the first.
    """

    fitting: tuple[Combination, ...]
    equal: tuple[int, ...]
    tried: int
    chance: float


def matching(table: Combinations, printed: Mapping[str, PrintedNumber]) -> Matches:
    """The combinations that give all printed numbers of the set."""
    numbers = np.stack([table.numbers[metric] for metric in printed])
    known = np.isfinite(numbers).all(axis=0)
    fits = known.copy()
    for row, number in zip(numbers, printed.values(), strict=True):
        fits &= number.fits(np.where(np.isfinite(row), row, -1e9))
    chosen = np.flatnonzero(fits)
    gap = np.zeros(len(chosen))
    for row, number in zip(numbers[:, chosen], printed.values(), strict=True):
        gap += np.abs(row - number.value) / number.half
    order = chosen[np.lexsort((gap, table.costs[chosen]))]
    groups: dict[tuple[float, ...], list[int]] = {}
    for index in order:
        groups.setdefault(tuple(np.round(numbers[:, index], 8)), []).append(int(index))
    firsts = [members[0] for members in groups.values()]
    chance = math.nan
    if firsts:
        chance = _chance(numbers[:, known], table.costs[known], float(table.costs[firsts[0]]), printed)
    return Matches(
        tuple(table.at(index) for index in firsts),
        tuple(len(members) - 1 for members in groups.values()),
        int(known.sum()),
        chance,
    )


def _chance(numbers: Values, costs: Values, cost: float, printed: Mapping[str, PrintedNumber]) -> float:
    """How much of where numbers of this kind lie is covered by combinations of at most this cost.

    A printed number is taken for a draw from a normal distribution with the median and the spread of all
    tried numbers; the sum of its density over the cells, of the size of the last digit, that simple
    combinations fall into.
    """
    size = np.array([2 * number.half for number in printed.values()])[:, None]
    middle = np.median(numbers, axis=1, keepdims=True)
    low, high = np.quantile(numbers, [0.16, 0.84], axis=1)
    spread = np.maximum((high - low)[:, None] / 2, 10 * size)
    simple = numbers[:, costs <= cost + 1e-9]
    cells = np.unique(np.round(simple / size), axis=1) * size
    density = np.exp(-(((cells - middle) / spread) ** 2) / 2) / (spread * math.sqrt(2 * math.pi))
    return float(min(1.0, (density * size).prod(axis=0).sum()))


def matching_images(
    table: Combinations,
    by_image: Mapping[str, Mapping[str, PrintedNumber]],
    printed: Mapping[str, PrintedNumber],
    allowed: int = 0,
) -> Matches:
    """The combinations that give what is printed of every image, but for ``allowed`` of them, and of the set.

    ``by_image``: metric -> image -> number; ``printed`` is empty where nothing is known of the set.
    """
    names = table.space.names
    wrong = np.array([_wrong(images, by_image, names) for _, images, _ in table.rows])[table.row]
    fits = wrong <= allowed
    for metric, number in printed.items():
        fits &= number.fits(np.nan_to_num(table.numbers[metric], nan=-1e9))
    if not printed:  # how images are averaged is another question
        fits &= (table.subset == 0) & np.array([mean == "images" for *_, mean in table.rows])[table.row]
    chosen = np.flatnonzero(fits)
    groups: dict[tuple[float, ...], list[int]] = {}
    for index in chosen[np.argsort(table.costs[chosen] + wrong[chosen], kind="stable")]:
        images = table.rows[int(table.row[index])][1]
        values = [*images.values()]
        if printed:
            values += [numbers[index : index + 1] for numbers in table.numbers.values()]
        groups.setdefault(tuple(np.round(np.concatenate(values), 8)), []).append(int(index))
    fitting = tuple(table.at(members[0]) for members in groups.values())
    # Each image is a number by itself: all fit by chance as often as one does, to the power of their number.
    count = sum(map(len, by_image.values())) + len(printed)
    half = next(iter(next(iter(by_image.values())).values())).half
    spread = min(float(np.nanstd(table.numbers[metric])) for metric in by_image)
    one = min(1.0, 2 * half / max(spread, 2 * half))
    chance = min(1.0, len(table.rows) * one ** (count - allowed)) if fitting else math.nan
    return Matches(fitting, tuple(len(members) - 1 for members in groups.values()), len(table), chance)


def _wrong(
    images: Mapping[str, Values], by_image: Mapping[str, Mapping[str, PrintedNumber]], names: Sequence[str]
) -> int:
    """How many printed numbers of images are others."""
    return sum(
        not bool(numbers[name].fits(np.array(images[metric][place])))
        for metric, numbers in by_image.items()
        for place, name in enumerate(names)
        if name in numbers
    )
