"""Commands that make images: ``degrade``, ``upscale``."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sisr.base.errors import ModelUnavailable, SisrError
from sisr.commands.network_options import NetworkClass, NetworkParams, arguments_of, only_scale
from sisr.commands.shared import (
    RESOURCES,
    Force,
    Mirror,
    Resources,
    Scale,
    app,
    check_outputs,
    one_line_errors,
)
from sisr.models.model_entries import Model


class InputRange(StrEnum):
    """What a network takes for black and white."""

    UNIT = "0-1"
    BYTE = "0-255"


#: Heading, in the help of ``sisr upscale``, of the options of
#: :class:`sisr.upscaling.inference.options.Options`.
TORCH = "How PyTorch networks run (docs/inference.md)"


@app.command()
@one_line_errors
def degrade(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Folder of HR images.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the LR images.")],
    kernel: Annotated[str, typer.Option("--kernel", "-k", help="See `sisr list kernels`.")],
    scale: Scale,
    seed: Annotated[int, typer.Option(help="For kernels that draw random numbers.")] = 0,
    force: Force = False,
) -> None:
    """Make LR images: OUT/<stem>.png for every HR image of IN, cropped to a multiple of the scale.

    Where IN has HR images that are so marked and LR images beside them (a_HR.png, a_LR.png), the HR ones.
    """
    from sisr.base.image_files import list_images
    from sisr.lr.degrade import degrade_folder

    images = list_images(source)
    check_outputs([target / f"{image.stem}.png" for image in images], "PNG", images, force)
    written = degrade_folder(source, target, kernel, scale, seed=seed)
    typer.echo(f"{len(written)} LR images in {target}")


@app.command()
@one_line_errors
# Typer takes the arguments and options of a command from the function's signature.
def upscale(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Image, or folder of LR images.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the SR images.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            show_default=False,
            help="An id of `sisr list models`, with + for self-ensemble; or a file.",
        ),
    ] = None,
    class_: NetworkClass = None,
    params: NetworkParams = None,
    scale: Annotated[
        int | None,
        typer.Option("--scale", "-s", min=1, max=16, help="Factor, where the model does not tell it."),
    ] = None,
    modify: Annotated[
        list[str] | None,
        typer.Option(help="self-ensemble, back-projection or chain; may be repeated."),
    ] = None,
    input_range: Annotated[
        InputRange | None, typer.Option(help="What black and white are for a network from a file.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads; 1 as in the workflow.")] = 1,
    precision: Annotated[str, typer.Option(rich_help_panel=TORCH, help="fp32, tf32, bf16 or fp16.")] = "fp32",
    tile: Annotated[
        int, typer.Option(rich_help_panel=TORCH, help="Side of a tile in input pixels; 0: as memory allows.")
    ] = 0,
    batch: Annotated[
        int,
        typer.Option(
            rich_help_panel=TORCH, help="Most images of one size together; 0: 1 on the CPU, 8 on a GPU."
        ),
    ] = 0,
    memory_mib: Annotated[
        int, typer.Option(rich_help_panel=TORCH, help="MiB that a run may take; 0: what is free.")
    ] = 0,
    channels_last: Annotated[bool, typer.Option(rich_help_panel=TORCH, help="Memory layout.")] = True,
    merge_linear: Annotated[
        bool, typer.Option(rich_help_panel=TORCH, help="Run linear layers in a row as one.")
    ] = True,
    compile_: Annotated[
        bool, typer.Option("--compile", rich_help_panel=TORCH, help="Use torch.compile.")
    ] = False,
    cuda_graphs: Annotated[
        bool, typer.Option("--cuda-graphs", rich_help_panel=TORCH, help="Record and replay (CUDA).")
    ] = False,
    deterministic: Annotated[
        bool, typer.Option(rich_help_panel=TORCH, help="The same bits each time.")
    ] = True,
    force: Force = False,
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Enlarge images with a model of the registry, or with one's own from a file.

    Where IN has HR images that are so marked and LR images beside them (a_HR.png, a_LR.png), the LR ones.

    Weights of the registry are fetched when they are first needed.  A file is .pth, .pt or .safetensors,
    .onnx, .pb, TorchScript, or ncnn's .param with its .bin beside it; what it holds is found out.  A network
    that is not known runs with the Python file of its authors: --model weights.pth --class file.py:Class.
    """
    from sisr.base import device as devices
    from sisr.base.image_files import list_images
    from sisr.base.matching import lr_images
    from sisr.models import model_entries
    from sisr.upscaling import engines
    from sisr.upscaling.inference.options import Options
    from sisr.upscaling.upscale import upscale_folder

    options = Options(
        precision=precision,  # type: ignore[arg-type]  # checked there
        tile=tile,
        batch=batch,
        memory_mib=memory_mib,
        channels_last=channels_last,
        merge_linear=merge_linear,
        compile=compile_,
        cuda_graphs=cuda_graphs,
        deterministic=deterministic,
    )
    resolved = devices.resolve(device)
    options.require(resolved)
    stated = model_entries.Stated(class_, arguments_of(params or ()), input_range and input_range.value)
    chosen = model_entries.named(model, modify or (), stated)
    if options.changed() and not chosen.uses_gpu:
        asked = ", ".join(options.changed())
        raise SisrError(f"upscale: {chosen.label} is no PyTorch network, which alone have: {asked}")
    scale = scale or only_scale(chosen)
    images = [source] if source.is_file() else lr_images(list_images(source), scale)
    check_outputs([target / f"{image.stem}.png" for image in images], "PNG", images, force)
    if chosen.own is not None:
        from sisr.upscaling.detection import describe

        typer.echo(describe(chosen, scale), err=True)
    files = _obtain_weights(chosen, scale, resources, mirror)
    with devices.lease(resolved) as leased:
        upscaler = engines.load(chosen, scale, files, leased, threads, options)
        written = upscale_folder(upscaler, images, target, chosen.label)
    for note in upscaler.notes:
        typer.echo(note, err=True)
    typer.echo(f"{len(written)} SR images in {target}")


def _obtain_weights(model: Model, scale: int, resources: Path, mirror: str | None) -> Mapping[str, Path]:
    """Weights of a model, fetched if they are not there yet; role -> path."""
    from sisr.data.assets import fetch as fetch_asset
    from sisr.upscaling.upscale import weight_files

    weights = model.weights_for(scale)
    if weights is None:
        return {}
    if weights.recipe:
        trained = resources / "trained" / weights.recipe / f"x{scale}.safetensors"
        if not trained.is_file():
            raise ModelUnavailable(f"{trained}: not trained yet; run: snakemake --cores all {trained}")
        return {"state": trained}
    assert weights.asset is not None  # the schema asks for an asset or a recipe
    fetch_asset(weights.asset, resources=resources, mirror=mirror)
    return weight_files(model, scale, resources / "assets" / f"{weights.asset}.json")
