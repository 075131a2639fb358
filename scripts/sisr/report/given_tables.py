"""Images without HR: the user's own are the LR images, and only the SR image can be looked at.

There is no truth to compare with, so such images are no cells of the benchmark: no PSNR, no phase, no
errors, no place in a viewer.  What can be had is measures of the SR image alone (NIQE), which say how
natural it looks and not whether it is right, and crops beside the LR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis import summaries
from sisr.base.cells import GIVEN
from sisr.data.user_images import DATASET, GIVEN_LABEL, cell_of
from sisr.report import table_writers
from sisr.scoring.gather import gather_scores, gather_status

if TYPE_CHECKING:
    import pandas as pd

    from sisr.report.shown_run import Names


def names_of(measures: Sequence[str], models: Sequence[str]) -> Names:
    """Labels of what is shown of such images."""
    from sisr.report.shown_run import names

    return replace(names(measures, models, [DATASET], [], {}), kernels={GIVEN: GIVEN_LABEL})


def make_tables(
    parts: Mapping[str, tuple[Path, Path]], scale: int, scores: Path, status: Path, out: Path, shown: Names
) -> None:
    """Gather scores and status of all models at one scale, and write ``out/x{scale}.*`` as for the cells.

    ``parts``: model -> its tidy table and its status file.  Means are over the images that every measure
    has of every model; the heading says so where some are left out.
    """
    from sisr.analysis.statistics.verdicts import with_certainty
    from sisr.report.shown_run import standings

    gather_scores([table for table, _ in parts.values()], scores)
    cells = [cell_of(scale, model) for model in parts]
    gather_status(cells, {DATASET: 1}, [path for _, path in parts.values()], status)
    frame = summaries.read_scores(scores)
    ran = summaries.read_status(status)
    images = max(ran["images"].astype(int), default=0)
    frame = complete(frame)
    count = frame["image"].nunique()
    if count < images:
        label = f"{shown.datasets[DATASET]} without {images - count} too small or flat"
        shown = replace(shown, datasets={DATASET: label})
    expected = {DATASET: count}
    summary = summaries.summarise(frame, shown.pools, expected)
    found = standings(frame, expected, scale, shown)
    table_writers.render(with_certainty(summary, found), ran, shown, scale, out)


def complete(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of images that every model has every measure of."""
    columns = ["model", "metric", "protocol"]
    everything = len(scores[columns].drop_duplicates())
    return scores[scores.groupby("image")["value"].transform("size") == everything]
