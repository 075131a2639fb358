"""Which conventions give a printed PSNR or SSIM of two folders of images."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sisr.base.cells import Cell
from sisr.base.colour import Uint8Image
from sisr.base.errors import ImageError, ScoreError
from sisr.base.image_files import list_images
from sisr.base.images import modcrop, read_image
from sisr.base.manifest import Manifest, SrManifest
from sisr.base.matching import references
from sisr.base.ordered import map_ordered
from sisr.inquiry import conventions, placement
from sisr.inquiry.components import Components, compute
from sisr.inquiry.search import (
    Combination,
    Combinations,
    Matches,
    PrintedNumber,
    Space,
    matching,
    matching_images,
)
from sisr.scoring.folders import match_folders
from sisr.scoring.metrics.pairs import size_text
from sisr.scoring.score import Pair, pairs_of

#: A fit by chance that is rarer than this is no chance; than that is told as likely.
SURE, LIKELY = 0.0003, 0.05
#: SR images this far from HR are also compared where they lie on it, in HR pixels.
_OFF = 0.1
#: Shown of what fits.
_SHOWN = 8
METRICS = ("psnr", "ssim")
#: With which papers print them.
DECIMALS = {"psnr": 2, "ssim": 4}


@dataclass(frozen=True)
class Explanation:
    """What the numbers of a set are under the standard and other conventions, and which give the printed one.

    ``verdict``: ``standard``, ``sure``, ``likely``, ``unsure`` or ``none``; ``numbers`` where nothing was
    printed.
    """

    images: int
    scale: int
    standard: Mapping[str, float]
    single: tuple[Combination, ...]
    printed: Mapping[str, PrintedNumber]
    fitting: tuple[Combination, ...]
    equal: tuple[int, ...]
    tried: int
    chance: float
    verdict: str
    notes: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The answer in one or two sentences."""
        standard = _shown(self.standard)
        if self.verdict == "numbers":
            return f"Under the standard protocol this set of {self.images} images is {standard}."
        said = "/".join(_as_printed(number) for number in self.printed.values())
        if self.verdict == "standard":
            return f"{said} is this set under the standard protocol: {standard}."
        if self.verdict == "none":
            return (
                f"None of the {self.tried} combinations tried gives {said}; under the standard protocol this "
                f"set is {standard}."
            )
        first = self.fitting[0]
        text = f"{said} is this set with {first.words()}; under the standard protocol it is {standard}."
        if self.verdict == "sure":
            return text
        how = (
            f"of {self.tried} combinations tried {len(self.fitting)} fit with different numbers, and one as "
            f"simple as this fits by chance in {100 * self.chance:.2g} of 100 cases"
        )
        if self.verdict == "likely":
            return f"{text} Likely, not sure: {how}."
        return (
            f"{said} may be this set with {first.words()}, but nothing is sure: {how}. Standard: {standard}."
        )

    def table(self) -> list[tuple[str, str, str]]:
        """Rows (cost, numbers, conventions): what fits, or each single departure where nothing is printed."""
        if not self.printed:
            return [("", _shown(one.numbers, 4), one.words()) for one in self.single]
        rows = []
        for one, others in list(zip(self.fitting, self.equal, strict=True))[:_SHOWN]:
            more = f" (and {others} more with the same numbers)" if others else ""
            rows.append((f"{one.cost:.1f}", _shown(one.numbers, 4), one.words() + more))
        return rows

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""

        def one(combination: Combination) -> dict[str, Any]:
            return {
                "departures": [
                    {"axis": d.axis, "key": d.key, "words": d.phrase} for d in combination.departures
                ],
                "cost": round(combination.cost, 3),
                **{metric: round(value, 6) for metric, value in combination.numbers.items()},
            }

        return {
            "sentence": self.sentence(),
            "verdict": self.verdict,
            "images": self.images,
            "scale": self.scale,
            "standard": {metric: round(value, 6) for metric, value in self.standard.items()},
            "printed": {metric: number.value for metric, number in self.printed.items()},
            "tried": self.tried,
            "chance": None if math.isnan(self.chance) else float(f"{self.chance:.4g}"),
            "fitting": [one(combination) for combination in self.fitting[:_SHOWN]],
            "fitting_number": len(self.fitting),
            "single": [one(combination) for combination in self.single],
            "notes": list(self.notes),
        }


@dataclass(frozen=True, eq=False)
class Evidence:
    """What was computed of a set: all that any question about its numbers needs."""

    table: Combinations
    scale: int
    notes: tuple[str, ...]

    def answer(
        self,
        printed: Mapping[str, PrintedNumber] | None = None,
        per_image: Mapping[str, Mapping[str, PrintedNumber]] | None = None,
    ) -> Explanation:
        """Which combinations give what is printed of the set, or of its images."""
        table = self.table
        standard = table.at(0)
        single = tuple(
            table.at(int(index))
            for index in np.flatnonzero(table.subset == 0)
            if len(table.rows[table.row[index]][0]) <= 1
        )
        notes = list(self.notes)
        given = dict(printed or {})
        if per_image:
            found = matching_images(table, per_image, given)
            if not found.fitting:
                count = len(next(iter(per_image.values())))
                found = matching_images(table, per_image, given, allowed=max(1, count // 5))
                if found.fitting:
                    notes.append("not all images fit")
            given = given or {metric: _mean_of(numbers) for metric, numbers in per_image.items()}
        else:
            found = matching(table, given) if given else Matches((), (), len(table), math.nan)
        return Explanation(
            images=len(table.space.names),
            scale=self.scale,
            standard={m: v for m, v in standard.numbers.items() if not given or m in given},
            single=single,
            printed=given,
            fitting=found.fitting,
            equal=found.equal,
            tried=found.tried,
            chance=found.chance,
            verdict=_verdict(found) if given else "numbers",
            notes=tuple(notes),
        )


def explain(
    hr_dir: Path,
    sr_dir: Path,
    scale: int,
    printed: str | None = None,
    metric: str = "psnr",
    *,
    per_image: Path | None = None,
    threads: int = 2,
) -> Explanation:
    """Why the number of two folders is another than the printed one.

    ``printed``: as it is printed, for its digits count: ``"32.21"``, or ``"32.21/.8948"`` for PSNR and SSIM.
    ``per_image``: CSV of names and values by image.  Without either the numbers under each single departure
    are told.  Raises :class:`ScoreError` for text that is no number, and for images that cannot be compared.
    """
    numbers = parse_printed(printed, metric) if printed else {}
    metrics = [m for m in METRICS if m in numbers] if numbers else list(METRICS)
    pairs, notes = _paired(Path(hr_dir), Path(sr_dir), scale)
    by_image = {}
    if per_image is not None:
        by_image = read_per_image(per_image, [pair.image for pair in pairs], metric)
        metrics = [m for m in METRICS if m in {*numbers, *by_image}]
    found = evidence(pairs, scale, metrics, threads=threads)
    return replace(found, notes=(*notes, *found.notes)).answer(numbers, by_image)


def _paired(hr_dir: Path, sr_dir: Path, scale: int) -> tuple[list[Pair], tuple[str, ...]]:
    """SR images with the HR images that they show, in the order of HR; notes where names do not say so."""
    notes = []
    try:
        pairs = match_folders(hr_dir, sr_dir, scale)
    except ImageError:
        names, files = references(list_images(hr_dir), scale), list_images(sr_dir)
        if len(names) != len(files):
            raise
        notes.append("names do not match: paired in their order")
        pairs = [Pair(name, hr, sr) for (name, hr), sr in zip(names.items(), files, strict=True)]
    shown = placement.owners(pairs)
    if shown and set(shown) == set(shown.values()):
        sr_of = {shown.get(pair.image, pair.image): pair.sr_path for pair in pairs}
        pairs = [replace(pair, sr_path=sr_of[pair.image]) for pair in pairs]
        notes.append(
            f"SR images are in another order ({len(shown)} of {len(pairs)}): paired by what they show"
        )
    else:
        notes += [f"SR of {image} shows {of}" for image, of in shown.items()]
    return pairs, tuple(notes)


def explain_cell(results: Path, cell: Cell, printed: Mapping[str, PrintedNumber]) -> Explanation | None:
    """The same for the SR images of a cell in a run's folder; None where it has none.

    ``printed``: metric -> number.
    """
    shards = sorted(
        (results / "sr" / cell.dataset / cell.kernel / f"x{cell.scale}" / cell.model).glob("*.json")
    )
    done = [shard for shard in map(SrManifest.read, shards) if shard.status == "ok"]
    if not done or len(done) < len(shards):
        return None
    pairs = pairs_of(Manifest.read(results / "hr" / f"{cell.dataset}.json"), done)
    return evidence(pairs, cell.scale, [m for m in METRICS if m in printed]).answer(printed)


def evidence(
    pairs: Sequence[Pair],
    scale: int,
    metrics: Sequence[str] = METRICS,
    *,
    threads: int = 2,
    progress: Callable[[str], object] | None = None,
) -> Evidence:
    """Compute the components of each image once, and from them every combination of conventions."""
    first = pairs[len(pairs) // 2]
    notes: list[str] = []
    hr, sr = read_image(first.hr_path).array, read_image(first.sr_path).array
    bicubic = conventions.is_bicubic(hr, sr, scale)
    chosen = [conventions.standard(), *conventions.variants()]
    shift = _shift(pairs, scale)
    if max(map(abs, shift)) > _OFF:
        chosen.append(conventions.aligned(shift))
        notes.append(f"SR lies {shift[0]:+.2f} pixels below and {shift[1]:+.2f} right of HR")
    if any(conventions.cut_at_all_sides(pair.hr_path, scale) for pair in pairs):
        chosen.append(conventions.centred())
    if bicubic:
        chosen += conventions.of_bicubic()
        notes.append("SR is MATLAB's bicubic, which was also made in other ways")

    def work(pair: Pair) -> tuple[str, Components, str]:
        sr = read_image(pair.sr_path).array
        whole = read_image(pair.hr_path).array
        hr, note = fitted(whole, sr, scale)
        sr = sr[: hr.shape[0], : hr.shape[1]]
        here = [conventions.centred(whole) if one.key == conventions.CENTRED else one for one in chosen]
        return pair.image, compute(hr, sr, scale, here, metrics), note

    images = {}
    for name, parts, note in map_ordered(work, pairs, threads):
        images[name] = parts
        if note:
            notes.append(f"{name}: {note}")
        if progress is not None:
            progress(name)
    table = Space(images, chosen, scale, metrics).all()
    table.close()
    return Evidence(table, scale, tuple(notes))


def fitted(hr: Uint8Image, sr: Uint8Image, scale: int) -> tuple[Uint8Image, str]:
    """HR of the SR's size: cropped to the scale, whole, or both cut at bottom and right, which is noted."""
    cut = modcrop(hr, scale)
    if cut.shape[:2] == sr.shape[:2]:
        return cut, ""
    if hr.shape[:2] == sr.shape[:2]:
        return hr, ""
    gap = [abs(a - b) for a, b in zip(hr.shape[:2], sr.shape[:2], strict=True)]
    if max(gap) > 4 * scale:
        raise ScoreError(f"HR of {size_text(hr)} and SR of {size_text(sr)} are not of one image")
    height, width = (min(a, b) for a, b in zip(hr.shape[:2], sr.shape[:2], strict=True))
    return hr[
        :height, :width
    ], f"SR of {size_text(sr)} and HR of {size_text(hr)}: both cut to {width}x{height}"


def _shift(pairs: Sequence[Pair], scale: int) -> tuple[float, float]:
    """Median shift of a few SR images against HR, (down, right) in pixels."""
    from sisr.base.colour import BT601
    from sisr.scoring.metrics.registration import displacement

    found = []
    for pair in pairs[:: max(1, len(pairs) // 3)][:3]:
        sr = read_image(pair.sr_path).array
        hr, _ = fitted(read_image(pair.hr_path).array, sr, scale)
        try:
            found.append(displacement(BT601.of(hr), BT601.of(sr[: hr.shape[0], : hr.shape[1]])))
        except ScoreError:  # flat
            continue
    if not found:
        return 0.0, 0.0
    down, right = np.median(np.array(found), axis=0)
    return float(down), float(right)


def parse_printed(text: str, metric: str) -> dict[str, PrintedNumber]:
    """``"32.21"`` of a metric, or ``"32.21/.8948"`` of PSNR and SSIM."""
    parts = text.split("/")
    names = METRICS if len(parts) == 2 else (metric,)
    try:
        if len(parts) > 2 or metric not in METRICS:
            raise ValueError
        return {name: PrintedNumber.of(part) for name, part in zip(names, parts, strict=True)}
    except ValueError:
        raise ScoreError(
            f"'{text}' of {metric}: expected a number, as 32.21, or PSNR/SSIM, as 32.21/.8948"
        ) from None


def read_per_image(path: Path, names: Sequence[str], metric: str) -> dict[str, dict[str, PrintedNumber]]:
    """Numbers by image from a CSV of name and value, matched by name, or in order where no name is known.

    Columns called ``psnr`` and ``ssim`` are taken where there are such; else the first of numbers.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream) if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError) as error:
        raise ScoreError(f"{path}: cannot read the values: {error}") from None
    header = [cell.strip().casefold() for cell in rows[0]] if rows else []
    columns = {m: header.index(m) for m in METRICS if m in header}
    body = rows[1:] if columns or (rows and not any(map(_number, rows[0]))) else rows
    if not columns and body:
        columns = {metric: next((n for n, cell in enumerate(body[0]) if n and _number(cell)), 0)}
    by_stem = {Path(name).stem.casefold(): name for name in names}
    known = [by_stem.get(Path(row[0].strip()).stem.casefold()) for row in body]
    if not any(known) and len(body) == len(names):
        known = list(names)
    found: dict[str, dict[str, PrintedNumber]] = {}
    for name, row in zip(known, body, strict=True):
        for which, column in columns.items():
            if name is not None and column < len(row) and _number(row[column]):
                found.setdefault(which, {})[name] = PrintedNumber.of(row[column])
    if not found:
        raise ScoreError(f"{path}: expected rows of an image's name and a number, found none of these images")
    return found


def _number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def _mean_of(numbers: Mapping[str, PrintedNumber]) -> PrintedNumber:
    values = [number.value for number in numbers.values()]
    return replace(next(iter(numbers.values())), value=math.fsum(values) / len(values))


def _verdict(found: Matches) -> str:
    if not found.fitting:
        return "none"
    if not found.fitting[0].departures:
        return "standard"
    rivals = [one for one in found.fitting[1:] if one.cost < found.fitting[0].cost + 0.5]
    if found.chance <= SURE and not rivals:
        return "sure"
    return "likely" if found.chance <= LIKELY else "unsure"


def _shown(numbers: Mapping[str, float], more: int = 2) -> str:
    return "/".join(f"{value:.{max(DECIMALS[m], more)}f}" for m, value in numbers.items())


def _as_printed(number: PrintedNumber) -> str:
    return f"{number.value:.{max(0, round(-math.log10(2 * number.half)))}f}"
