"""A finished run in a few lines: who leads, what was certified, what is unavailable, and where to read on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.compare_runs import read_run
from sisr.analysis.shown_measures import heading, show
from sisr.base.cells import SCORED
from sisr.report.shown_run import Names, first_kernel, of_folder, summary_of
from sisr.report.tables import rank

if TYPE_CHECKING:
    import pandas as pd


def lines(folder: Path) -> Iterator[str]:
    """The lines of a results folder; :class:`ScoreError` where it holds no finished scores."""
    finished = read_run(folder)
    run, of_run = of_folder(folder)
    scores, shown = finished.scores, of_run.names
    summary = summary_of(scores, of_run)
    for scale in run.values("scale"):
        kernel = first_kernel(scores, scale, shown)
        here = summary[(summary["scale"] == scale) & (summary["kernel"] == kernel)]
        # Of pools the last is the largest; without pools each dataset has its line.
        pools = [group for group in shown.pools if group in set(here["group"])]
        for group in pools[-1:] or [group for group in shown.datasets if group in set(here["group"])]:
            leaders = ", ".join(_leaders(here[here["group"] == group], shown))
            yield f"x{scale}, {shown.kernels[kernel]}, {shown.groups[group]}: {leaders}"
    if (folder / "certified.txt").is_file():
        yield (folder / "certified.txt").read_text(encoding="utf-8", errors="replace").strip()
    said = ((cell[3], *state) for cell, state in finished.status.items() if state[0] not in SCORED)
    for model, state, reason in dict.fromkeys(said):
        yield f"{shown.models.get(model, model)}: {state}: {reason}"
    for found in shown.given:
        yield from (f"warning: {line}" for line in found.warnings)
    yield from places(folder)


def places(folder: Path) -> Iterator[str]:
    """Where to read on."""
    for label, page in (("Site", "site/index.html"), ("Report", "report.html")):
        if (folder / page).is_file():
            yield f"{label + ':':<7} {(folder / page).resolve()}"


def _leaders(summary: pd.DataFrame, shown: Names) -> Iterator[str]:
    """By fidelity, then by perception: measure, value and the models that have it as printed."""
    for measure in shown.shown():
        rows = summary[(summary["metric"] == measure.metric) & (summary["protocol"] == measure.protocol)]
        rows = rows.dropna(subset=["mean"])
        values = list(rows["mean"])
        # One model alone has no place, and what it scored is still what is asked for.
        ranks = [1] if len(values) == 1 else rank(values, measure)
        leading = [
            (shown.models[model], value)
            for model, value, place in zip(rows["model"], values, ranks, strict=True)
            if place == 1
        ]
        if leading:
            best = " and ".join(label for label, _ in leading)
            yield f"{heading(measure)} {show(leading[0][1], measure)} {best}"
