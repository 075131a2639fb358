"""How challenges on efficient super-resolution rank: the scores of rows of figures by any year's rule.

The rules and what the years printed are data, ``config/challenges.yaml``; ``docs/cost.md`` explains them.
Figures are in the units of the printed tables: runtime in ms, parameters in M, FLOPs in G (one multiply-add
is one), activations in M, memory in MiB.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sisr.base import registry

#: Columns of ``cost.csv`` that are counted, and what one of the figure's unit is in them.
_COUNTED = {
    "parameters": ("parameters", 1e6),
    "flops": ("ntire_multiply_adds", 1e9),
    "activations": ("ntire_activations", 1e6),
}


@dataclass(frozen=True)
class Track:
    """One ranking of a challenge: its rule, and figure -> weight."""

    id: str
    label: str
    rule: Literal["rank-sum", "exponential"]
    weights: Mapping[str, float]


@dataclass(frozen=True)
class Challenge:
    """A year's rules; its main track is the first.

    ``timed_on`` and ``counts`` say how the year made its figures.  ``floor`` in dB on ``floor_set``.
    ``reference`` is a model of the registry and ``figures`` what the year printed for it, with ``psnr`` on
    that set.
    """

    id: str
    label: str
    scale: int
    title: str
    timed_on: str
    counts: str
    floor: float
    floor_set: str
    reference: str
    figures: Mapping[str, float]
    tracks: tuple[Track, ...]

    @property
    def margin(self) -> float:
        """How far below the reference's PSNR the floor lies, in dB."""
        return round(self.figures["psnr"] - self.floor, 4)


def challenges(config: Path = registry.CONFIG) -> tuple[Challenge, ...]:
    """Every challenge of the registry, in its order."""
    found = []
    for key, entry in registry.load("challenges", config).items():
        reference = entry["reference"]
        tracks = (Track(name, t["label"], t["rule"], t["of"]) for name, t in entry["tracks"].items())
        found.append(
            Challenge(
                id=key,
                label=entry["label"],
                scale=entry["scale"],
                title=entry["title"],
                timed_on=entry["timed_on"],
                counts=entry["counts"],
                floor=entry["floor"]["psnr"],
                floor_set=entry["floor"]["set"],
                reference=reference["model"],
                figures={name: value for name, value in reference.items() if name not in ("model", "label")},
                tracks=tuple(tracks),
            )
        )
    return tuple(found)


def scores(track: Track, rows: Sequence[Mapping[str, float]], reference: Mapping[str, float]) -> list[float]:
    """Score of each row, the lower the better; NaN for a row that lacks a figure (or has NaN for it).

    ``exponential``: the sum of ``weight * exp(2 * figure / reference)``.  ``rank-sum``: the sum of the places
    by each figure among the rows that have all; equal figures share the better place.
    """
    complete = [all(not math.isnan(row.get(name, math.nan)) for name in track.weights) for row in rows]
    if track.rule == "exponential":
        return [
            math.fsum(w * _exponential(row[name] / reference[name]) for name, w in track.weights.items())
            if whole
            else math.nan
            for row, whole in zip(rows, complete, strict=True)
        ]
    sums = [0.0 if whole else math.nan for whole in complete]
    for name, weight in track.weights.items():
        column = [row[name] if whole else math.nan for row, whole in zip(rows, complete, strict=True)]
        sums = [total + weight * place for total, place in zip(sums, places(column), strict=True)]
    return sums


def _exponential(ratio: float) -> float:
    try:
        return math.exp(2 * ratio)
    except OverflowError:
        return math.inf


def places(values: Sequence[float]) -> list[int]:
    """1 for the lowest; equal values share the better place, and NaN has 0.

    >>> places([2.0, 1.0, math.nan, 2.0, 3.0])
    [2, 1, 0, 2, 4]
    """
    return [0 if math.isnan(v) else 1 + sum(other < v for other in values) for v in values]


@dataclass(frozen=True)
class RunFigures:
    """Figures of one model of a run, NaN for what is missing; ``reason`` says why, "" where nothing is."""

    values: Mapping[str, float]
    reason: str


def of_run(rows: Sequence[Mapping[str, str]], challenge: Challenge) -> dict[str, RunFigures]:
    """Model -> its figures, of rows of ``cost.csv`` at the challenge's scale.

    Milliseconds do not carry over from one device to another: the runtime of a model is its time relative to
    that of the reference in the same run, times what the year printed for the reference.  It is NaN for a
    model that was timed on another device than the reference.  A challenge that only ranks times needs no
    reference; the device is then that of the first model that was timed.  Memory is NaN for a model that was
    timed at another output.
    """
    timed = {row["model"]: row for row in rows if row["seconds"]}
    standard = timed.get(challenge.reference)
    ranks_only = all(track.rule == "rank-sum" for track in challenge.tracks)
    first = standard or (next(iter(timed.values()), None) if ranks_only else None)
    factor = challenge.figures["runtime"] / float(standard["seconds"]) if standard else 1.0
    found = {}
    for row in rows:
        values = {name: float(row[col] or "nan") / unit for name, (col, unit) in _COUNTED.items()}
        values |= {"runtime": math.nan, "memory": math.nan}
        reasons = []
        if any(math.isnan(values[name]) for name in _COUNTED):
            reasons.append(f"not counted{': ' * bool(row['count_reason'])}{row['count_reason']}")
        if not row["seconds"]:
            reasons.append("not timed")
        elif first is None:
            reasons.append(f"not timed: {challenge.reference}, which times are relative to, was not")
        elif any(row[name] != first[name] for name in ("device", "threads")):
            reasons.append(f"not timed on the device of {first['model']}")
        else:
            values["runtime"] = float(row["seconds"]) * factor
            if row["timed_output"] == first["timed_output"]:
                values["memory"] = float(row["peak_memory"] or "nan") / 2**20
            else:
                reasons.append(f"timed at another output than {first['model']}, so that memory is left out")
        found[row["model"]] = RunFigures(values, "; ".join(reasons))
    return found
