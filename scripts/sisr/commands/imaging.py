"""Commands that make images, and the graphs that do: ``degrade``, ``upscale``, ``export``."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sisr.base.errors import SisrError
from sisr.commands.network_options import NetworkClass, NetworkParams, arguments_of, only_scale
from sisr.commands.shared import (
    RESOURCES,
    Force,
    Mirror,
    Resources,
    Scale,
    app,
    check_outputs,
    obtain_weights,
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
    files = obtain_weights(chosen, scale, resources, mirror)
    with devices.lease(resolved) as leased:
        upscaler = engines.load(chosen, scale, files, leased, threads, options)
        written = upscale_folder(upscaler, images, target, chosen.label)
    for note in upscaler.notes:
        typer.echo(note, err=True)
    typer.echo(f"{len(written)} SR images in {target}")


#: Photographs of scikit-image that an exported graph is tried on: HR, of sizes that are no multiples of much.
_TRIED = ("astronaut", "chelsea", "coffee")
#: A graph that changes PSNR by more than so many dB is not the network.
_TOLERANCE = 0.01


@app.command()
@one_line_errors
def export(
    model: Annotated[str, typer.Argument(help="An id of `sisr list models`, or a file of weights.")],
    target: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="File for the graph.")],
    scale: Annotated[
        int | None, typer.Option("--scale", "-s", min=1, max=16, help="Factor, where there are several.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(metavar="HxW", help="For images of one size, instead of any.")
    ] = None,
    force: Force = False,
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Write a PyTorch network as an ONNX graph, and say what that changes in PSNR.

    The graph takes `lr`, float32 (n, c, h, w) on 0 to 1, and gives `sr`.  It is run by onnxruntime on three
    photographs beside PyTorch; one that does not give the same images is not kept.

    Example: sisr export imdn imdn_x4.onnx --scale 4
    """
    from sisr.base.atomic import replacing
    from sisr.models import model_entries
    from sisr.upscaling import export as exporting

    sides = _sides_of(size)
    chosen = model_entries.named(model)
    scale = scale or only_scale(chosen)
    check_outputs([target], "ONNX graph", [Path(model)], force)
    files = obtain_weights(chosen, scale, resources, mirror)
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder, "graph.onnx")
        exporting.export(chosen, scale, files, graph, sides)
        network, of_graph = _mean_psnr(chosen, scale, files, sides), None
        try:
            of_graph = _mean_psnr(model_entries.named(str(graph)), scale, {}, sides)
        except SisrError as error:
            reason = str(error).replace(str(graph), "the graph")
        else:
            reason = f"PSNR-Y {of_graph:.4f} dB instead of {network:.4f}"
        if of_graph is None or not abs(of_graph - network) <= _TOLERANCE:
            raise SisrError(
                f"{chosen.label}: the graph does not do what the network does ({reason}); "
                + ("it is not kept" if sides else "for one size it may: --size 128x128")
            )
        with replacing(target) as part:
            part.write_bytes(graph.read_bytes())
    typer.echo(f"{target}: {chosen.label} x{scale}, for LR images of {size or 'any size'}")
    typer.echo(
        f"PSNR-Y of {len(_TRIED)} photographs: {network:.4f} dB by PyTorch, {of_graph:.4f} dB by the graph "
        f"({of_graph - network:+.4f} dB)"
    )


def _sides_of(size: str | None) -> tuple[int, int] | None:
    """Height and width as ``128x96``."""
    if size is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})", size)
    if found is None:
        raise SisrError(f"size: '{size}': expected HEIGHTxWIDTH, as 128x96")
    return int(found[1]), int(found[2])


def _mean_psnr(model: Model, scale: int, files: Mapping[str, Path], sides: tuple[int, int] | None) -> float:
    """Mean PSNR-Y in dB on photographs; at least as large as ``sides`` in LR pixels."""
    import numpy as np
    from skimage import data

    from sisr.lr.kernels import apply
    from sisr.scoring.metrics.fidelity import psnr
    from sisr.upscaling import engines

    upscaler = engines.load(model, scale, files, "cpu", 1)
    found = []
    for number, name in enumerate(_TRIED):
        hr = getattr(data, name)()
        if sides:
            hr = np.tile(
                hr, [-(-scale * side // of) for side, of in zip(sides, hr.shape, strict=False)] + [1]
            )
        # Odd sides too.
        height, width = sides or (61 + number, 75 - number)
        hr = hr[: scale * height, : scale * width]
        found.append(psnr(hr, upscaler(apply("matlab-bicubic", hr, scale)), "y-bt601", scale))
    return float(np.mean(found))
