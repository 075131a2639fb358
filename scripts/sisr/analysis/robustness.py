"""What the LR kernel does to the models: differences to a reference kernel, ranks, and what to say of them.

Everything is computed from the means of the tables (:func:`sisr.analysis.summaries.summarise`).  Ranks
compare values as they are printed, among the models that have a value on every kernel; equal ones share the
better rank.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sisr.analysis.shown_measures import show
from sisr.base.csv_files import csv_text
from sisr.base.rounding import fixed
from sisr.scoring.metrics.protocol import Measure

if TYPE_CHECKING:
    import pandas as pd

#: The kernel of the papers, which differences refer to where a run has it; else the run's first kernel.
REFERENCE = "matlab-bicubic"
CSV_COLUMNS = ("group", "kernel", "model", "mean", "difference", "rank", "rank_change", "images")


@dataclass(frozen=True)
class Matrix:
    """Means of one dataset or pool at one scale, a row a kernel (the reference first), a column a model.

    ``values`` are NaN where a model has no mean; ``ranks`` are 0 there and for models that lack a kernel.
    """

    group: str
    measure: Measure
    kernels: tuple[str, ...]
    models: tuple[str, ...]
    values: NDArray[np.float64]
    ranks: NDArray[np.int64]
    images: int

    @property
    def gaps(self) -> NDArray[np.float64]:
        """Each row less the first; NaN where either is missing or infinite."""
        finite = np.where(np.isfinite(self.values), self.values, np.nan)
        return finite - finite[0]

    @property
    def ranked(self) -> list[int]:
        """Columns that have ranks."""
        return [column for column in range(len(self.models)) if self.ranks[0, column]]

    def leader(self, kernel: int) -> int:
        """Column of the best model on a kernel; the first of equal ones."""
        return min(self.ranked, key=lambda column: (self.ranks[kernel, column], column))


def matrices(
    summary: pd.DataFrame,
    measure: Measure,
    scale: int,
    *,
    models: Sequence[str],
    groups: Sequence[str],
    kernels: Sequence[str],
) -> list[Matrix]:
    """A matrix for each dataset or pool that was run with more than one kernel at the scale, in order."""
    here = summary[
        (summary["scale"] == scale)
        & (summary["metric"] == measure.metric)
        & (summary["protocol"] == measure.protocol)
    ]
    found = []
    for group in groups:
        part = here[here["group"] == group]
        ran = set(part["kernel"])
        rows = [kernel for kernel in kernels if kernel in ran]
        if len(rows) < 2:
            continue
        rows.sort(key=lambda kernel: kernel != REFERENCE)
        columns = [model for model in models if model in set(part["model"])]
        values, worths = (
            part.pivot(index="kernel", columns="model", values=of)
            .reindex(index=rows, columns=columns)
            .to_numpy(dtype=float)
            for of in ("mean", "worth")
        )
        ranks = _ranks(worths, measure)
        images = int(part["expected"].max())
        found.append(Matrix(group, measure, tuple(rows), tuple(columns), values, ranks, images))
    return found


def _ranks(values: NDArray[np.float64], measure: Measure) -> NDArray[np.int64]:
    sign = 1.0 if measure.direction == "higher" else -1.0
    printed = np.array(
        [[math.nan if math.isnan(v) else float(show(v, measure)) for v in row] for row in values]
    )
    ranks = np.zeros(values.shape, dtype=np.int64)
    complete = np.flatnonzero(~np.isnan(values).any(axis=0))
    for row in range(len(values)):
        of_row = sign * printed[row, complete]
        ranks[row, complete] = 1 + (of_row[None, :] > of_row[:, None]).sum(axis=1)
    return ranks


def flips(matrix: Matrix) -> int:
    """Pairs of models in one order on the reference kernel and in the other on some other kernel."""
    ranks = matrix.ranks[:, matrix.ranked]
    count = 0
    for a, b in combinations(range(ranks.shape[1]), 2):
        order = np.sign(ranks[:, a] - ranks[:, b])
        count += bool((order == -order[0]).any() and order[0] != 0)
    return count


def sentences(matrix: Matrix, models: Mapping[str, str], kernels: Mapping[str, str]) -> list[str]:
    """What a reader should know of a matrix, in plain words; empty without two ranked models."""
    if len(matrix.ranked) < 2:
        return []
    count = len(matrix.ranked)
    unit = f" {matrix.measure.unit}" if matrix.measure.unit else ""
    label = [models.get(model, model) for model in matrix.models]
    on = [kernels.get(kernel, kernel) for kernel in matrix.kernels]

    def value(kernel: int, column: int) -> str:
        return f"{show(float(matrix.values[kernel, column]), matrix.measure)}{unit}"

    first = matrix.leader(0)
    lowest = int(np.argmax(matrix.ranks[:, first]))
    rank = int(matrix.ranks[lowest, first])
    said = []
    if rank == 1:
        said.append(f"{label[first]} leads under all {len(on)} kernels.")
    else:
        said.append(
            f"{label[first]} leads under {on[0]} ({value(0, first)}) and falls to {ordinal(rank)} of {count} "
            f"under {on[lowest]} ({value(lowest, first)}), where {label[matrix.leader(lowest)]} leads "
            f"({value(lowest, matrix.leader(lowest))})."
        )
    leads = Counter(matrix.leader(kernel) for kernel in range(len(on)))
    if len(leads) > 1:
        listed = ", ".join(f"{label[column]} ({number})" for column, number in leads.most_common())
        said.append(f"Leaders under the {len(on)} kernels: {listed}.")
    pairs = count * (count - 1) // 2
    said.append(f"Of {pairs} pairs of models, {flips(matrix)} change their order under some kernel.")
    gaps = matrix.gaps[:, first]
    others = [column for column in matrix.ranked if column != first]
    second = min(others, key=lambda column: (matrix.ranks[0, column], column))
    lead = abs(float(matrix.values[0, first] - matrix.values[0, second]))
    sign = 1 if matrix.measure.direction == "higher" else -1
    if np.isfinite(gaps).any() and math.isfinite(lead):
        worst = int(np.nanargmin(sign * gaps))
        if sign * gaps[worst] < 0:
            loss = show(abs(float(gaps[worst])), matrix.measure)
            said.append(
                f"From {on[0]} to {on[worst]} LR {label[first]} loses {loss}{unit}; "
                f"its lead over the second, {label[second]}, is {show(lead, matrix.measure)}{unit}."
            )
    return said


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def to_csv(found: Sequence[Matrix]) -> str:
    """``CSV_COLUMNS``; empty where there is no value, ``inf`` where a mean is infinite."""
    rows: list[list[object]] = []
    for matrix in found:
        gaps = matrix.gaps
        for row, kernel in enumerate(matrix.kernels):
            for column, model in enumerate(matrix.models):
                rank = int(matrix.ranks[row, column])
                change = rank - int(matrix.ranks[0, column]) if rank else ""
                mean, gap = _number(matrix.values[row, column]), _number(gaps[row, column])
                rows.append([matrix.group, kernel, model, mean, gap, rank or "", change, matrix.images])
    return csv_text(CSV_COLUMNS, rows)


def _number(value: float) -> str:
    return "" if math.isnan(value) else fixed(value, 6)
