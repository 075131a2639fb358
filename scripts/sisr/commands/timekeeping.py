"""Command ``time``: timing receipts of models, here or by a pack elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sisr.base import registry
from sisr.base.errors import SisrError
from sisr.commands.shared import (
    RESOURCES,
    Mirror,
    Resources,
    app,
    obtain_weights,
    one_line_errors,
    trained_file,
)
from sisr.models import model_entries

if TYPE_CHECKING:
    from sisr.analysis.cost.receipt_run import WantedReceipt


@app.command("time")
@one_line_errors
# Typer takes the arguments and options of a command from the function's signature.
def time_models(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MODEL]...",
            help="Ids of `sisr list models`.",
            show_default="all networks whose weights are here, without modifiers",
        ),
    ] = None,
    scale: Annotated[
        list[int] | None,
        typer.Option("--scale", "-s", min=1, max=16, help="May be repeated.", show_default="4"),
    ] = None,
    pack: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write FILE.pyz or .zip for a machine without network instead."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder.", show_default="config/receipts")
    ] = None,
    budget: Annotated[float, typer.Option(min=1, help="Seconds for all models together.")] = 600,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads; 1 as in the workflow.")] = 1,
    precision: Annotated[
        list[str] | None,
        typer.Option(help="Besides fp32; may be repeated.", show_default="all that the device has"),
    ] = None,
    spread: Annotated[
        float, typer.Option(min=0, help="Largest spread of the reference; the receipt and tables say it.")
    ] = 0.03,
    largest: Annotated[
        str, typer.Option(help="Largest output; smaller ones where time is short.")
    ] = "1280x720",
    channels_last: Annotated[bool, typer.Option(help="Memory layout.")] = True,
    compile_: Annotated[bool, typer.Option("--compile", help="Use torch.compile.")] = False,
    cuda_graphs: Annotated[bool, typer.Option("--cuda-graphs", help="Record and replay (CUDA).")] = False,
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Time models beside a reference network, and keep what was measured as receipts.

    Each takes turns with the reference, so that the ratio of the two carries over to another day and to
    machines of the same kind; where the reference is not steady, the receipt is refused.  With --pack, one
    file is written that does the same elsewhere: python FILE --out receipts.
    """
    from sisr.analysis.cost import receipts, timing_pack
    from sisr.analysis.cost.receipt_run import closing, take_all
    from sisr.analysis.cost.taking import Taking
    from sisr.upscaling.inference.options import Options

    options = Options(channels_last=channels_last, compile=compile_, cuda_graphs=cuda_graphs)
    how = Taking(device, threads, options, tuple(precision or ()), spread, Taking.size_of(largest))
    chosen = list(_candidates(models or (), scale or [4], resources, mirror))
    if not chosen:
        raise SisrError("time: no weights are here; run `sisr fetch`, or name models")
    if pack is not None:
        size = timing_pack.pack(chosen, pack)
        typer.echo(f"{pack}: {len(chosen)} models, {size / 1e6:.1f} MB")
        return
    folder = out or receipts.FOLDER
    lines, good = closing(take_all(chosen, how, budget, folder, typer.echo), folder)
    typer.echo("\n".join(lines))
    if not good:
        raise typer.Exit(1)


def _candidates(
    names: Sequence[str], scales: Sequence[int], resources: Path, mirror: str | None
) -> Iterator[WantedReceipt]:
    """Models with their weights: those that are named, else those whose weights are here."""
    from sisr.analysis.cost.receipt_run import WantedReceipt

    for scale in scales:
        for name in names or registry.load("models"):
            model = model_entries.get(name)
            if not names and not _is_here(model, scale, resources):
                continue
            if model.unavailable:
                raise SisrError(f"{model.id}: {model.unavailable}")
            if model.own is not None or model.outputs:
                raise SisrError(
                    f"time: {model.id} is known by files of yours only, which a receipt cannot name"
                )
            model.weights_for(scale)  # an error where it has none for the scale
            yield WantedReceipt(model, scale, obtain_weights(model, scale, resources, mirror))


def _is_here(model: model_entries.Model, scale: int, resources: Path) -> bool:
    if model.modifiers or model.unavailable or model.own is not None or model.outputs:
        return False
    if not model_entries.has_weights(model, scale):
        return False
    weights = model.weights_for(scale)
    if weights is None:
        return True
    if weights.recipe:
        return trained_file(resources, weights.recipe, scale).is_file()
    from sisr.base.errors import AssetError
    from sisr.data.assets import FetchedAsset

    try:
        return FetchedAsset.read(resources / "assets" / f"{weights.asset}.json").status == "ok"
    except AssetError:
        return False
