"""The plots of a run's score table."""

from __future__ import annotations

from pathlib import Path

from sisr.analysis import summaries
from sisr.report.shown_run import ShownRun, first_kernel, summary_of


def make_plots(run: ShownRun, scale: int, *, quality: Path, perception_distortion: Path) -> None:
    """Draw the plots of one scale, for the run's first kernel."""
    from sisr.report.figures import plots

    frame = summaries.read_scores(run.scores)
    kernel = first_kernel(frame, scale, run.names)
    plots.quality(frame, run.names, kernel, scale, quality)
    plots.perception_distortion(summary_of(frame, run), run.names, kernel, scale, perception_distortion)
