"""The plots of a run's score table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr.analysis import summaries
from sisr.report.shown_run import Names, first_kernel, summary_of

if TYPE_CHECKING:
    pass


def make_plots(
    scores: Path,
    hr_manifests: Mapping[str, Path],
    scale: int,
    shown: Names,
    *,
    quality: Path,
    perception_distortion: Path,
) -> None:
    """Draw the plots of one scale, for the run's first kernel."""
    from sisr.report.figures import plots

    frame = summaries.read_scores(scores)
    summary = summary_of(frame, hr_manifests, shown)
    kernel = first_kernel(frame, scale, shown)
    common: dict[str, Any] = {
        "models": shown.models,
        "kernel": kernel,
        "kernel_label": shown.kernels[kernel],
        "scale": scale,
    }
    plots.quality(frame, shown.shown(), quality, datasets=shown.datasets, **common)
    plots.perception_distortion(
        summary, shown.fidelity, shown.perception, perception_distortion, groups=shown.groups, **common
    )
