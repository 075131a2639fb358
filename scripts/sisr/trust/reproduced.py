"""Reproduced and published: a run's means beside what papers and repositories print for the same cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sisr.analysis import summaries
from sisr.base.cells import SCORE_COLUMNS, Cell
from sisr.base.csv_files import write_rows
from sisr.base.errors import ScoreError
from sisr.base.manifest import Manifest
from sisr.trust.references import Reference, missing_measures, of_cells

#: Status files of a cell's shards, and the manifest of its HR images.
CellFiles = Mapping[Cell, tuple[Path, Sequence[Path]]]

COLUMNS = (
    "dataset", "kernel", "scale", "model", "metric", "protocol", "ours", "published", "difference",
    "tolerance", "same_weights", "verdict", "gray_rule", "given_by", "source", "url", "where",
    "erratum",
)  # fmt: skip


@dataclass(frozen=True)
class Reproduced:
    """A published number, and the run's own; ``ours`` is NaN, and ``reason`` says why, where it has none."""

    reference: Reference
    ours: float
    reason: str = ""

    @property
    def difference(self) -> float:
        """Ours minus theirs."""
        return self.ours - self.reference.value

    @property
    def verdict(self) -> str:
        """``agrees`` or ``differs``, or why neither: ``not run``, ``other weights``, which need not agree,
        ``other pipeline``, on luma that was never rounded, or ``erratum``, where it is known why the weights
        do not give what is printed.
        """
        if math.isnan(self.ours):
            return "not run"
        if self.reference.erratum:
            return "erratum"
        if self.reference.planes:
            return "other pipeline"
        if self.reference.never_judged or not self.reference.same_weights:
            return "other weights"
        return "agrees" if abs(self.difference) <= self.reference.tolerance + 1e-12 else "differs"


def compare(
    scores: Path, status: Path, cells: Sequence[Cell], extra: CellFiles, measures: Sequence[str]
) -> list[Reproduced]:
    """Every reference of the run's cells under a measure that the run has, in the order of the cells.

    ``extra``: HR manifest and SR status files of the cells of :func:`missing_measures`.
    """
    frame = summaries.read_scores(scores)
    states = summaries.read_status(status)
    reasons = {
        Cell(*cell): f"{state}: {reason}"
        for *cell, state, reason, _ in states[list(summaries.STATUS_COLUMNS)].to_numpy().tolist()
        if state != "ok"
    }
    values: dict[tuple[Cell, str], list[float]] = {}
    columns = (frame[name].tolist() for name in SCORE_COLUMNS)
    for dataset, _, kernel, scale, model, metric, protocol, value in zip(*columns, strict=True):
        cell = Cell(dataset, kernel, scale, model)
        values.setdefault((cell, f"{metric}@{protocol}"), []).append(value)
    # A cell of which a shard failed has values of some images; their mean would not be comparable.
    means = {key: math.fsum(of) / len(of) for key, of in values.items() if key[0] not in reasons}
    for cell, lacking in missing_measures(cells, measures).items():
        if cell in extra and cell not in reasons:
            hr, shards = extra[cell]
            means |= {(cell, measure): mean for measure, mean in _score(cell, hr, shards, lacking).items()}
    found = []
    for cell in cells:
        for reference in of_cells([cell]):
            ours = means.get((cell, reference.measure), math.nan)
            if cell in reasons or not math.isnan(ours):  # else a measure that the run was not asked for
                found.append(Reproduced(reference, ours, reasons.get(cell, "")))
    return found


def _score(cell: Cell, hr: Path, shards: Sequence[Path], measures: Sequence[str]) -> dict[str, float]:
    """Means over the SR images of a cell."""
    from sisr.scoring.score import Evaluation, pairs_of, score_pairs

    hr_set = Manifest.read(hr)
    pairs = pairs_of(hr_set, map(Manifest.read, shards))
    if len(pairs) != len(hr_set.images):
        raise ScoreError(f"{hr}: expected {len(hr_set.images)} SR images of {cell.model}, found {len(pairs)}")
    values: dict[str, list[float]] = {measure: [] for measure in measures}
    for score in score_pairs(pairs, cell.scale, Evaluation(measures, threads=2)):
        values[score.measure.id].append(score.value)
    return {measure: math.fsum(of) / len(of) for measure, of in values.items()}


def write(rows: Sequence[Reproduced], path: Path) -> None:
    """Write the CSV, one row a published number."""
    lines = []
    for row in rows:
        r = row.reference
        have = not math.isnan(row.ours)
        ours, difference = (f"{row.ours:.6f}", f"{row.difference:+.6f}") if have else ("", "")
        names = (r.dataset, r.kernel, r.scale, r.model, r.metric, r.protocol)
        judged = (r.tolerance, str(r.same_weights).lower(), row.verdict, r.gray)
        where = (r.given_by, r.source.title, r.source.url, r.source.where, r.erratum)
        lines.append([*names, ours, r.value, difference, *judged, *where])
    write_rows(path, COLUMNS, lines)
