"""Command ``bench``: where a network stands."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sisr.base import registry
from sisr.base.errors import SisrError
from sisr.commands.network_options import NetworkClass, NetworkParams, arguments_of, only_scale
from sisr.commands.shared import Mirror, app, one_line_errors

if TYPE_CHECKING:
    from sisr.models.model_entries import Stated
    from sisr.run.bench import Bench


@app.command()
@one_line_errors
# Typer takes the arguments and options of a command from the function's signature.
def bench(
    network: Annotated[
        str | None,
        typer.Argument(
            help="File of weights, an id of `sisr list models`, or a folder of SR images.",
            show_default=False,
        ),
    ] = None,
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- OPTION...]", help="Further options of Snakemake.", show_default=False),
    ] = None,
    class_: NetworkClass = None,
    params: NetworkParams = None,
    scale: Annotated[
        int | None,
        typer.Option("--scale", "-s", min=2, max=8, help="Factor, where the network does not tell it."),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="Test set; may be repeated.", show_default="set5, set14, bsd100, urban100"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Set5 and Set14 only.")] = False,
    against: Annotated[
        str | None,
        typer.Option(metavar="MODEL,...", help="Compare with these.", show_default="all shipped scores"),
    ] = None,
    recompute: Annotated[
        bool, typer.Option("--recompute", help="Run what is compared with, use no shipped scores.")
    ] = False,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores that may be used.", show_default="all")
    ] = None,
    mirror: Mirror = None,
) -> None:
    """Say where a network stands: its place, differences to other models and their significance, its cost.

    Runs the ordinary workflow in this folder, beside scores of registered models that come with the project;
    the same command resumes.  Results, with a site, are in results/bench-NETWORK-xSCALE.

    Example: sisr bench my_net_x4.pth --quick --against imdn,span
    """
    from sisr.report.run_summary import places
    from sisr.run import bench as benching

    if dataset and quick:
        raise SisrError("bench: give --dataset or --quick, not both")
    datasets = dataset or list(benching.QUICK if quick else benching.DATASETS)
    for name in datasets:
        registry.entry("datasets", name)
    stated = _stated(class_, params)
    if network is not None and class_ is None and Path(network).expanduser().is_dir():
        made = _of_outputs(Path(network).expanduser(), scale, datasets, mirror)
    else:
        made = _of_network(network, stated, scale, datasets, mirror)
    chosen = benching.check_against((against or "").split(",") if against else (), made.scale)
    asked = replace(made, against=chosen, recompute=recompute)
    results = Path("results", asked.name)
    config = asked.write(results)
    if mirror:
        os.environ["SISR_MIRROR"] = mirror  # the workflow runs in this folder too
    typer.echo(f"{config}: what is run; results in {results}")
    shipped, run = asked.baselines
    if shipped:
        sets = ", ".join(name for name, models in asked.shipped.items() if models)
        typer.echo(f"compared with the shipped scores of {len(shipped)} models on {sets}")
    if run:
        typer.echo(
            f"compared with {', '.join(run)}, which is run" if len(run) == 1 else f"{', '.join(run)} are run"
        )
    if status := benching.run(config, cores or os.cpu_count() or 1, arguments or ()):
        again = shlex.join(["sisr", "bench", *([network] if network else [])])
        raise SisrError(f"bench: Snakemake ended with status {status}; '{again} …' goes on where it stopped")
    typer.echo()
    typer.echo((results / "verdict.txt").read_text(encoding="utf-8"))
    for line in places(results):
        typer.echo(line)
    for line in explained(asked, results):
        typer.echo(line)


def explained(asked: Bench, results: Path) -> Iterator[str]:
    """Of the network, or of registered models of its architecture: why it is not what is published."""
    from sisr.analysis.summaries import read_scores
    from sisr.base.cells import Cell
    from sisr.inquiry.explain import DECIMALS, explain_cell
    from sisr.inquiry.search import PrintedNumber
    from sisr.run.bench import KERNEL
    from sisr.trust.references import of_cells

    scores = read_scores(results / "scores.csv")
    mine = scores[(scores["model"] == asked.model) & (scores["scale"] == asked.scale)]
    for dataset in asked.datasets:
        for model in (asked.model, *asked.twins):
            for one in of_cells([Cell(dataset, KERNEL, asked.scale, model)]):
                of_it = mine[(mine["dataset"] == dataset) & (mine["metric"] == one.metric)]
                values = of_it["value"][of_it["protocol"] == one.protocol]
                unlike = one.planes or one.erratum or one.metric not in DECIMALS or values.empty
                if unlike or abs(values.mean() - one.value) <= one.tolerance:
                    continue
                text = f"{one.value:.{DECIMALS[one.metric]}f}"
                cell = Cell(dataset, KERNEL, asked.scale, asked.model)
                found = explain_cell(results, cell, {one.metric: PrintedNumber.of(text)})
                if found is not None:
                    yield f"{dataset}, {one.label} in {one.source.title}: {found.sentence()}"


def _stated(class_: str | None, params: Sequence[str] | None) -> Stated:
    from sisr.models.model_entries import Stated

    return Stated(class_, arguments_of(params or ()))


def _of_network(
    network: str | None, stated: Stated, scale: int | None, datasets: Sequence[str], mirror: str | None
) -> Bench:
    """A file, a class or a registered model."""
    from sisr.models import model_entries
    from sisr.run.bench import Bench, entry_of_network, id_of, twins_of
    from sisr.upscaling.detection import describe, look

    model = model_entries.named(network, (), stated)
    chosen = scale or only_scale(model)
    sets = list(_fetched(datasets, mirror))
    if model.own is None:
        model.weights_for(chosen)
        return Bench(model.id, {}, chosen, sets)
    typer.echo(describe(model, chosen))
    found = look(model, chosen)
    arch, arguments = found.params.get("arch", ""), found.params.get("args", {})
    stem = Path(model.label).stem if Path(model.label).suffix else model.label.rpartition(":")[2]
    entry = entry_of_network(model, stem)
    return Bench(id_of(stem), entry, chosen, sets, twins_of(arch, arguments))


def _of_outputs(folder: Path, scale: int | None, datasets: Sequence[str], mirror: str | None) -> Bench:
    """Outputs of a program that is not run here."""
    from sisr.data.datasets import source_files
    from sisr.run.bench import Bench, id_of, outputs_in

    if scale is None:
        raise SisrError(f"bench: {folder}: say of which scale the SR images are, as --scale 4")
    sources = {}
    for name in _fetched(datasets, mirror):
        asset = registry.entry("datasets", name).get("asset")
        record = Path("resources", "assets", f"{asset}.json") if asset else None
        sources[name] = list(source_files(name, record).values())
    found = outputs_in(folder, scale, sources)
    for name, place in found.items():
        typer.echo(f"{name} x{scale}: SR images in {place}")
    label = folder.absolute().name
    outputs = {name: {str(scale): str(place.absolute())} for name, place in found.items()}
    return Bench(id_of(label), {"label": label, "outputs": outputs}, scale, list(found))


def _fetched(datasets: Sequence[str], mirror: str | None) -> Iterator[str]:
    """Datasets whose images can be had, which are fetched; of each other one a line says why not."""
    from sisr.data.assets import fetch_or_unavailable
    from sisr.data.brought import absent

    missing = absent(datasets)
    had = 0
    for name in datasets:
        asset = registry.entry("datasets", name).get("asset")
        reason = missing.get(name, "")
        if asset and not reason:
            record = fetch_or_unavailable(asset, resources=Path("resources"), mirror=mirror)
            reason = "" if record.status == "ok" else record.reason
        if reason:
            typer.echo(f"{name}: left out: {reason}", err=True)
        else:
            had += 1
            yield name
    if not had:
        raise SisrError("bench: no test set can be had; --mirror names a folder that has them")


@app.command()
@one_line_errors
def ship(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
) -> None:
    """Add the scores of a finished run to those that come with the project (config/baselines).

    Of each complete cell of registered models, in place of older scores.  The run must be of a commit.
    """
    from sisr.scoring.shipped import add

    added = add(run)
    typer.echo(f"{len(added)} cells added")
