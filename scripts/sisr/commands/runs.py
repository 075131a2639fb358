"""Commands about runs: ``compare``, ``figure``, ``reproduce``, ``serve``, ``summary``, ``verify``."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sisr.base import registry
from sisr.commands.shared import RESOURCES, Force, Resources, app, check_outputs, one_line_errors


class Width(StrEnum):
    SINGLE = "single"
    DOUBLE = "double"
    BOTH = "both"


class Marks(StrEnum):
    BOLD = "bold"
    COLOUR = "colour"


@app.command()
@one_line_errors
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Folder of a run, for example results/demo.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Folder of another run.")],
    out: Annotated[
        Path | None, typer.Option(help="The page.", show_default="compare_A_B.html in this folder")
    ] = None,
    force: Force = False,
) -> None:
    """Show two runs side by side: the same table, with differences and whether they are more than chance."""
    from sisr.analysis.compare_folders import folder_names
    from sisr.report.runs_page import write_comparison

    page = out or Path("compare_{}_{}.html".format(*(Path(name).name for name in folder_names(a, b))))
    check_outputs([page], "page", [run / "report.html" for run in (a, b)], force)
    counts = write_comparison(a, b, page)
    typer.echo(f"{page}: " + ", ".join(f"{number} {verdict}" for verdict, number in counts.items()))


@app.command()
@one_line_errors
def figure(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, for example results/demo.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder of what is written.", show_default="RUN/paper"),
    ] = None,
    width: Annotated[Width, typer.Option(help="Columns that figures are as wide as.")] = Width.BOTH,
    marks: Annotated[
        Marks, typer.Option(help="Of the table's best and second: bold and underlined, or red and blue.")
    ] = Marks.BOLD,
    scales: Annotated[list[int] | None, typer.Option("--scale", "-s", help="Only this scale.")] = None,
) -> None:
    """Write a run's plots and crops for a paper as PDF with its fonts, its tables as LaTeX with costs."""
    from sisr.report.paper import write_figures
    from sisr.report.table_writers import LOOKS

    folder = out or run / "paper"
    widths = ["single", "double"] if width is Width.BOTH else [width.value]
    for path in write_figures(run, folder, widths, LOOKS[marks.value], scales or ()):
        typer.echo(path)


@app.command()
@one_line_errors
def reproduce(
    crate: Annotated[
        Path,
        typer.Argument(metavar="RO_CRATE", help="Folder of a run, its ro-crate-metadata.json, or a zip."),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- OPTION...]", help="Further options of Snakemake.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to run in.", show_default="results/NAME-reproduced"),
    ] = None,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores that may be used.", show_default="all")
    ] = None,
    resources: Resources = RESOURCES,
) -> None:
    """Run again what an RO-Crate describes, in a folder of its own, and compare; exit 1 if it differs.

    Says first what is not as when the run was made: commit, code, versions, machine.  Downloads are shared
    with other runs and checked; all else is made anew, trained weights too.  The same command goes on where
    an interrupted one stopped.
    """
    from tqdm import tqdm

    from sisr.base.errors import ReproductionError
    from sisr.trust.reproduction.described import CrateOfRun, differences
    from sisr.trust.reproduction.outcome import compare as compare_with
    from sisr.trust.reproduction.rerun import rerun

    read = CrateOfRun.read(crate)
    typer.echo(f"{crate}: run {read.name}, recorded {read.made.get('recorded', 'at an unknown time')}")
    for line in differences(read):
        typer.echo(f"warning: {line}", err=True)
    folder = out or registry.ROOT / "results" / f"{read.name}-reproduced"
    typer.echo(f"running in {folder}; what Snakemake says is in {folder / 'reproduce.log'}")
    with tqdm(desc="reproducing", unit="job", leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        results = rerun(
            read,
            folder,
            cores=cores or os.cpu_count() or 1,
            downloads=resources / "assets",
            arguments=arguments or (),
            progress=progress,
        )
    outcome = compare_with(read, results)
    for line in (*outcome.by_measure(), *outcome.notes):
        typer.echo(line)
    if not outcome.reproduced:
        raise ReproductionError(f"{results / 'scores.csv'}: not reproduced: {outcome}")
    typer.echo(f"{results / 'scores.csv'}: {outcome}")


@app.command()
@one_line_errors
def serve(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, for example results/demo.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 8000,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Show the site of a run in the browser, from this machine only, until Ctrl-C."""
    import threading
    import webbrowser

    from sisr.report.site.serve import page_of, serving

    page = page_of(run)
    with serving(run, port) as address:
        typer.echo(f"{address}/{page} (Ctrl-C ends)")
        if browser:
            webbrowser.open(f"{address}/{page}")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            typer.echo()


@app.command()
@one_line_errors
def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, for example results/demo.")],
) -> None:
    """Compare every file of a finished run with the checksums in its RO-Crate; exit 1 if one differs."""
    from sisr.base.errors import ReproductionError
    from sisr.trust.verification import altered

    number, wrong = altered(run)
    for line in wrong:
        typer.echo(line)
    if wrong:
        raise ReproductionError(f"{run}: {len(wrong)} of {number} files differ from the RO-Crate")
    typer.echo(f"{run}: {number} files are as the RO-Crate says")


@app.command()
@one_line_errors
def summary(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, for example results/demo.")],
) -> None:
    """Show a finished run in a few lines: who leads, what was certified, what was unavailable."""
    from sisr.report.run_summary import lines

    for line in lines(run):
        typer.echo(line)
