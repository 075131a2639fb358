"""A cell of the benchmark, and the tidy table in which its scores are written, gathered and read."""

from __future__ import annotations

from typing import NamedTuple


class Cell(NamedTuple):
    """One (dataset, kernel, scale, model) of a run.

    >>> Cell("set5", "matlab-bicubic", 4, "bicubic").model
    'bicubic'
    """

    dataset: str
    kernel: str
    scale: int
    model: str


#: Status of a cell whose scores come with the project, and were not computed in the run.
SHIPPED = "shipped"
#: Status of cells that have scores.
SCORED = ("ok", SHIPPED)

#: Stands for the kernel of a cell whose LR images are given, not made.
GIVEN = "given"


def draw_key(seed: int, dataset: str, image: str, kernel: str, scale: int) -> str:
    """From what a random kernel draws its numbers for an image: the same in every job of a run."""
    return f"{seed}/{dataset}/{image}/{kernel}/x{scale}"


#: Columns of ``scores.csv`` and of each cell's part of it.
SCORE_COLUMNS = ("dataset", "image", "kernel", "scale", "model", "metric", "protocol", "value")
