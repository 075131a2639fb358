"""Anchors: numbers from outside that can be computed again here, and what a run found of them.

The numbers are data, ``config/anchors.yaml``.  This module chooses and names them, and reads,
sums up and judges what :mod:`sisr.trust.certification` computed.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sisr.base import registry
from sisr.base.csv_files import write_rows
from sisr.base.errors import ConfigError, ScoreError, unknown
from sisr.models import model_entries
from sisr.scoring.metrics import files

TIERS = ("quick", "full", "heavy")
#: The one thing that is certified and is no measure: LR values that differ from MATLAB's.
DIFFERING = "differing values"

#: By whom a number is given, as the registries say it and as it reads.
GIVEN_BY = {
    "authors": "published by authors of their own work",
    "third-party": "published by third parties",
    "peer": "computed by other programs",
    "calculation": "of separate calculations",
}
#: Also of numbers that are none from outside.
EVERY_GIVER = {**GIVEN_BY, "shipped": "of the scores that come with the project"}

Status = Literal["pass", "fail", "not run"]


@dataclass(frozen=True)
class Certified:
    """One expected number and what was found; ``found`` is NaN where the anchor was not run.

    ``given_by`` is a key of :data:`EVERY_GIVER`; empty in tables of earlier versions.
    """

    anchor: str
    label: str
    measure: str
    image: str
    expected: float
    source: str
    found: float
    tolerance: float
    status: Status
    reason: str = ""
    given_by: str = ""

    @property
    def difference(self) -> float:
        """Found, in the digits that the table has, minus expected; NaN where the anchor was not run."""
        return round(self.found, 8) - self.expected

    def show(self, value: float, sign: str = "") -> str:
        """``value`` with one digit more than the expected number and its tolerance have, at most eight."""
        digits = max(len(number_text(number).partition(".")[2]) for number in (self.expected, self.tolerance))
        return f"{value:{sign}.{min(digits + bool(digits), 8)}f}"


COLUMNS = (
    "anchor", "label", "measure", "image", "expected", "source", "given_by", "found", "difference",
    "tolerance", "status", "reason",
)  # fmt: skip


def chosen(tier: str, only: Iterable[str] = (), config: Path = registry.CONFIG) -> dict[str, dict[str, Any]]:
    """Anchors of a tier and of those below it, or those named by ``only``, in the registry's order.

    Raises :class:`ConfigError` for an unknown tier or anchor.
    """
    if tier not in TIERS:
        raise ConfigError(unknown("tier", tier, TIERS))
    anchors = registry.load("anchors", config)
    only = list(only)
    for name in only:
        if name not in anchors:
            raise ConfigError(unknown("anchor", name, anchors))
    below = TIERS[: TIERS.index(tier) + 1]
    return {
        name: entry for name, entry in anchors.items() if (name in only if only else entry["tier"] in below)
    }


def assets_of(anchor: Mapping[str, Any]) -> list[str]:
    """Assets that an anchor reads, each once: images, weights, and files of its measures."""
    names = [anchor[key] for key in ("asset", "gold") if key in anchor]
    if anchor["kind"] != "pair":
        names += [anchor[key] for key in ("hr", "sr") if key in anchor]
    if "model" in anchor and anchor["model"] in registry.load("models"):
        weights = model_entries.get(anchor["model"]).weights.get(anchor["scale"])
        names += [weights.asset] if weights and weights.asset else []
    names += files.assets_of(m for m in measures_of(anchor) if m != DIFFERING)
    return list(dict.fromkeys(names))


def measures_of(anchor: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(value["measure"] for value in anchor["values"]))


def measured(anchors: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Measures of anchors that are metrics under a protocol, each once."""
    every = dict.fromkeys(measure for anchor in anchors.values() for measure in measures_of(anchor))
    return [measure for measure in every if measure != DIFFERING]


# --- results ---------------------------------------------------------------------------------------------


def write(rows: Sequence[Certified], path: Path) -> None:
    """Write the CSV, one row a number; the same values give the same bytes."""
    shown = ([number_text(getattr(row, column)) for column in COLUMNS] for row in rows)
    write_rows(path, COLUMNS, shown)


def number_text(value: object) -> str:
    """Numbers in at most eight digits after the point, nothing for NaN."""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return ""
    shown = f"{value:.8f}".rstrip("0").rstrip(".") if abs(value) >= 1e-8 or value == 0 else f"{value:.0e}"
    return "0" if shown in ("-0", "") else shown


def read(path: Path) -> list[Certified]:
    """Rows of a CSV that :func:`write` made."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = []
            for entry in csv.DictReader(stream):
                entry.pop("difference")
                for key in ("expected", "found", "tolerance"):
                    entry[key] = float(entry[key] or "nan")
                rows.append(Certified(**entry))  # type: ignore[arg-type]
            return rows
    except OSError as error:
        raise ScoreError(f"{path}: cannot read: {error.strerror}") from None
    except (KeyError, TypeError, ValueError) as error:
        raise ScoreError(f"{path}: not a table of certification: {error}") from None


def summary(rows: Sequence[Certified]) -> str:
    """One line: how many numbers pass, of each giver apart, and what fails and was not run."""
    counts = {status: [r for r in rows if r.status == status] for status in ("pass", "fail", "not run")}

    def anchors(of: Sequence[Certified]) -> int:
        return len({row.anchor for row in of})

    text = (
        f"{len(counts['pass'])} of {len(rows)} reference values ({anchors(rows)} anchors) "
        f"were computed again within their tolerance"
    )
    parts = [f"{passed} of {of} {EVERY_GIVER[giver]}" for giver, (passed, of) in by_giver(rows).items()]
    text += f": {', '.join(parts)}" if parts else ""
    if counts["fail"]:
        names = ", ".join(dict.fromkeys(row.anchor for row in counts["fail"]))
        text += f"; {len(counts['fail'])} FAILED: {names}"
    if counts["not run"]:
        text += f"; {len(counts['not run'])} values of {anchors(counts['not run'])} anchors were not run"
    return text + "."


def by_giver(rows: Sequence[Certified]) -> dict[str, tuple[int, int]]:
    """Who gave numbers -> how many pass, and how many they are, in the order of :data:`EVERY_GIVER`."""
    found = {giver: [row.status == "pass" for row in rows if row.given_by == giver] for giver in EVERY_GIVER}
    return {giver: (sum(passed), len(passed)) for giver, passed in found.items() if passed}


def judge(rows: Sequence[Certified]) -> None:
    """Raise :class:`ScoreError`, naming each failed number, if any failed."""
    failed = [row for row in rows if row.status == "fail"]
    if not failed:
        return
    parts = []
    for row in failed:
        what = f"{row.anchor} ({' '.join(filter(None, (row.measure, row.image)))}"
        if math.isnan(row.found):
            parts.append(f"{what}: {row.reason})")
        else:
            parts.append(
                f"{what}: expected {number_text(row.expected)} within {number_text(row.tolerance)}, "
                f"found {number_text(row.found)})"
            )
    raise ScoreError(f"certification failed: {'; '.join(parts)}")
