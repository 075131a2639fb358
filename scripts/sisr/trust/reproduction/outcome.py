"""How a new run compares with the crate of the first: its inputs, then its scores."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sisr.base.digest import file_digest
from sisr.base.errors import ReproductionError
from sisr.base.manifest import HrManifest
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.scoring.metrics import parse_measure
from sisr.trust.reproduction.described import CrateOfRun

#: Dataset, image, kernel, scale, model, metric, protocol.
Key = tuple[str, ...]


class Difference(NamedTuple):
    """Two values of one score that are not the same; ``shown`` if also not by the digits that tables show."""

    key: Key
    before: float
    now: float
    shown: bool

    @property
    def size(self) -> float:
        return abs(self.now - self.before)

    def __str__(self) -> str:
        dataset, image, kernel, scale, model, metric, protocol = self.key
        return (
            f"{metric}@{protocol} of {image} ({dataset}, {kernel} x{scale}, {model}) is {self.before:g} "
            f"in the crate and {self.now:g} here, difference {self.size:.2g}"
        )


@dataclass(frozen=True)
class Outcome:
    """How a new run compares with a crate.

    ``same_bytes``: the tables are the same, byte for byte.  ``inputs``: what went in and is not the same.
    ``missing``: scores that only one of both has, with where.  ``differing``: scores with two values.
    ``notes``: what else is not the same, and explains rather than decides.
    """

    values: int
    same_bytes: bool
    inputs: Sequence[str]
    missing: Sequence[tuple[Key, str]]
    differing: Sequence[Difference]
    notes: Sequence[str]

    @property
    def reproduced(self) -> bool:
        """Whether everything is the same to the last digit shown, made from the same inputs."""
        return not (self.inputs or self.missing or any(found.shown for found in self.differing))

    def __str__(self) -> str:
        if self.inputs:
            return f"not the same inputs: {self.inputs[0]}{_and_more(self.inputs)}"
        if self.missing:
            key, where = self.missing[0]
            named = f"{key[5]}@{key[6]} of {key[1]} ({key[0]}, {key[2]} x{key[3]}, {key[4]})"
            return f"{len(self.missing)} of {self.values} scores are {where} only, first {named}"
        if self.same_bytes:
            return f"identical: the same {self.values} scores, byte for byte"
        shown = [found for found in self.differing if found.shown]
        if shown:
            worst = max(shown, key=lambda found: found.size * 10 ** _digits(found.key))
            return (
                f"{len(shown)} of {self.values} scores differ in digits that are shown; the largest: {worst}"
            )
        if not self.differing:
            return f"the same {self.values} scores, in other bytes (order or spelling)"
        return (
            f"the same to the last digit shown: {self.values} scores, {len(self.differing)} differ beyond it"
        )

    def by_measure(self) -> list[str]:
        """The largest difference of each measure, one line each."""
        worst: dict[str, Difference] = {}
        for found in self.differing:
            measure = f"{found.key[5]}@{found.key[6]}"
            if measure not in worst or found.size > worst[measure].size:
                worst[measure] = found
        return [f"largest difference: {found}" for found in worst.values()]


def _and_more(items: Sequence[object]) -> str:
    return f" (and {len(items) - 1} more)" if len(items) > 1 else ""


def compare(crate: CrateOfRun, results: Path) -> Outcome:
    """Compare a new run's inputs and scores with the crate's."""
    before, now = crate.folder / "scores.csv", results / "scores.csv"
    one = _scores(before)
    same_bytes = file_digest(before) == file_digest(now)
    other = one if same_bytes else _scores(now)
    missing = [(key, "in the crate") for key in one if key not in other]
    missing += [(key, "in the new run") for key in other if key not in one]
    differing = [
        Difference(key, value, other[key], _visible(key, value, other[key]))
        for key, value in one.items()
        if key in other and value != other[key]
    ]
    made = json.loads((results / "provenance.json").read_text(encoding="utf-8"))
    inputs = [
        *_assets(crate.made["assets"], results.parents[1] / "resources" / "assets"),
        *_images(crate.folder / "hr", results / "hr"),
        *_unlike("file of a model of one's own", crate.made.get("own_files", {}), made["own_files"]),
    ]
    return Outcome(
        values=len(one),
        same_bytes=same_bytes,
        inputs=inputs,
        missing=missing,
        differing=differing,
        notes=[
            *_unavailable(crate.made["assets"], made["assets"]),
            *_unlike("weights trained anew", crate.made.get("trained", {}), made["trained"]),
        ],
    )


def _scores(path: Path) -> dict[Key, float]:
    """Scores by what they are of; :class:`ReproductionError` for a table that is none."""
    found: dict[Key, float] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        rows = _rows(csv.reader(stream), path)
        _, header = next(rows, (0, []))
        if len(header) != 8 or header[-1] != "value":
            columns = " ".join(", ".join(header).split()) or "none"
            raise ReproductionError(f"{path}: not a table of scores: its columns are {columns}")
        for line, row in rows:
            try:
                *key, value = row
                found[tuple(key)] = float(value)
            except ValueError:
                raise ReproductionError(
                    f"{path}:{line}: not a score: {' '.join(','.join(row).split())}"
                ) from None
    return found


def _rows(reader: Any, path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows with their lines; :class:`ReproductionError` for what is no CSV in UTF-8."""
    try:
        for row in reader:
            yield reader.line_num, row
    except (UnicodeDecodeError, csv.Error) as error:
        raise ReproductionError(f"{path}: not a table of scores: {error}") from None


def _digits(key: Key) -> int:
    return parse_measure(f"{key[5]}@{key[6]}").digits


def _visible(key: Key, one: float, other: float) -> bool:
    """Whether two values differ by half a unit of the last digit that tables show, or more."""
    return not abs(one - other) < 0.5 * 10 ** -_digits(key)


def _assets(before: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Assets whose files, as they are on this disk, are not those of the run."""
    for name, entry in before.items():
        if not (folder / f"{name}.json").is_file():
            yield f"asset '{name}' is not in this checkout"
            continue
        manifest = FetchedAsset.read(folder / f"{name}.json")
        paths = manifest.paths() if manifest.status == "ok" else {}
        for file, expected in entry["files"].items() if paths else ():
            found = file_digest(paths[file]) if file in paths else None
            if found != expected:
                said = f"sha256 {found[:12]}" if found else "missing"
                yield f"asset '{name}': {file} is {said}, sha256 {expected[:12]} in the crate"


def _unavailable(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, entry in before.items():
        found = now.get(name, {}).get("status")
        if found is not None and found != entry["status"]:
            yield f"asset '{name}' is {found} here and was {entry['status']} in the run"


def _images(before: Path, now: Path) -> Iterator[str]:
    """HR images that are not those of the run, by the manifests of the datasets."""
    for path in sorted(before.glob("*.json")):
        there, here = _hashes(path), _hashes(now / path.name)
        yield from _unlike(f"image of '{path.stem}'", there, here)


def _hashes(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    return {image.name: image.sha256 for image in HrManifest.of_others(path).images if image.sha256}


def _unlike(kind: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys([*before, *now]):
        one, other = (str(found.get(name, "none"))[:12] for found in (before, now))
        if one != other:
            yield f"{kind}: {name} is {other} here and was {one} in the run (sha256)"
