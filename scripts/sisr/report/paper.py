"""What a paper takes from a finished run: plots and crops as PDF of a column's width, and tables in LaTeX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sisr.analysis import summaries
from sisr.analysis.cost import gathering
from sisr.analysis.statistics.verdicts import with_certainty
from sisr.base.atomic import write_text
from sisr.report import cost_results, cost_table, table_writers, tables
from sisr.report.figures import columns, plots, style
from sisr.report.figures.critical_difference import critical_difference
from sisr.report.result_crops import SetFiles, chosen_crops
from sisr.report.result_tables import training_caveats
from sisr.report.shown_run import ShownRun, first_kernel, image_counts, of_folder, standings, summary_of
from sisr.run.config import Run


def write_figures(
    folder: Path, out: Path, widths: Sequence[str], look: table_writers.Look, scales: Sequence[int] = ()
) -> Iterator[Path]:
    """Write the figures and tables of a run's folder, and yield their paths; ``scales``: all without."""
    run, shown = of_folder(folder)
    for scale in scales or run.values("scale"):
        yield _table(folder, shown, scale, out / f"table_x{scale}.tex", look)
        for name in widths:
            with style.in_column(columns.WIDTHS[name]):
                yield from _plots(folder, shown, scale, out, name)
                yield from _crops(folder, run, shown, scale, out, name)


def _table(folder: Path, shown: ShownRun, scale: int, out: Path, look: table_writers.Look) -> Path:
    frame = summaries.read_scores(shown.scores)
    summary = summary_of(frame, shown)
    found = standings(frame, image_counts(shown.hr_manifests), scale, shown.names)
    caveats = training_caveats(shown.names.models, shown.names.datasets, {})
    table = tables.build(
        with_certainty(summary, found),
        summaries.read_status(folder / "status.csv"),
        shown.names,
        scale,
        caveats,
    )
    cost = None
    if (folder / "cost.csv").is_file():
        cost = cost_table.build(gathering.read(folder / "cost.csv"), scale, shown.names.models)
    write_text(out, table_writers.to_latex(table, look, cost))
    return out


def _plots(folder: Path, shown: ShownRun, scale: int, out: Path, width: str) -> Iterator[Path]:
    frame, names = summaries.read_scores(shown.scores), shown.names
    kernel = first_kernel(frame, scale, names)

    def path(what: str) -> Path:
        return out / f"{what}_x{scale}_{width}.pdf"

    yield plots.quality(frame, names, kernel, scale, path("quality"))
    summary = summary_of(frame, shown)
    yield plots.perception_distortion(summary, names, kernel, scale, path("perception_distortion"))
    found = standings(frame, image_counts(shown.hr_manifests), scale, names)
    yield critical_difference(found, names, scale, path("critical_difference"))
    if (folder / "cost.csv").is_file():
        rows = [row for row in gathering.read(folder / "cost.csv") if int(row["scale"]) == scale]
        known = {"parameters": "parameters", "time": "seconds"}
        outs = {
            axis: path(f"quality_{axis}")
            for axis, column in known.items()
            if any(row[column] for row in rows)
        }
        cost_results.make_plots(shown, folder / "cost.csv", scale, outs)
        yield from outs.values()


def _crops(folder: Path, run: Run, shown: ShownRun, scale: int, out: Path, width: str) -> Iterator[Path]:
    for dataset, kernel, of_scale in run.sets():
        if of_scale != scale or kernel not in run.crop_kernels:
            continue
        at = folder / "sr" / dataset / kernel / f"x{scale}"
        status = {
            model: sorted((at / model).glob("*.json")) for model in run.models_of(dataset, kernel, scale)
        }
        files = SetFiles(
            dataset, kernel, scale, folder / "hr" / f"{dataset}.json",
            folder / "lr" / dataset / kernel / f"x{scale}.json", status,
        )  # fmt: skip
        regions = run.crop_regions.get(dataset, {})
        for number, chosen in enumerate(
            chosen_crops(shown.scores, files, shown.names, run.crops_per_set, regions), 1
        ):
            yield columns.crop_figure(
                *chosen, out / f"crops_{dataset}_{kernel}_x{scale}_{number}_{width}.pdf"
            )
