"""What the commands share: the program, its common options, and errors in one line."""

from __future__ import annotations

import re
import select
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from sisr.base import registry
from sisr.base.errors import ModelUnavailable, SisrError, is_out_of_memory, out_of_memory
from sisr.models.model_entries import Model

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Benchmark of single-image super-resolution models: fetch, degrade, upscale, score.",
)


RESOURCES = registry.ROOT / "resources"


Scale = Annotated[int, typer.Option("--scale", "-s", min=1, max=16, help="Super-resolution factor.")]


Resources = Annotated[
    Path, typer.Option("--resources", help="Folder of downloads and weights.", show_default="resources/")
]


Mirror = Annotated[
    str | None,
    typer.Option(envvar="SISR_MIRROR", help="Folder or base URL that is asked before the internet."),
]


Force = Annotated[bool, typer.Option("--force", help="Write over a file of another kind.")]


#: What a file of a kind begins with.
_BEGINNINGS = {
    "CSV": re.compile(rb"[\w. @-]+(?:,[\w. @-]+)+\r?\n"),
    "page": re.compile(rb"\s*<(?:!doctype html|html)\b", re.IGNORECASE),
    "ONNX graph": re.compile(rb"\x08[\x01-\x20]"),
    "PNG": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "safetensors file": re.compile(rb".{8}\{", re.DOTALL),
}


def check_outputs(outputs: Iterable[Path], kind: str, inputs: Iterable[Path], force: bool) -> None:
    """Refuse to write over what a command reads, and over files of another kind unless ``force``.

    ``kind`` is what is written, one of :data:`_BEGINNINGS`; an earlier result of that kind is replaced.
    Raises :class:`SisrError` that names the file.
    """
    read = {path.resolve() for path in inputs}
    for output in outputs:
        if output.is_dir():
            raise SisrError(f"{output}: is a folder; expected the name of a {kind} to write")
        if not output.exists():
            continue
        if output.resolve() in read:
            raise SisrError(f"{output}: is read by this command and would be overwritten; give another name")
        if force:
            continue
        beginning = b""
        if output.is_file():
            with output.open("rb") as stream:
                beginning = stream.read(4096)
        if not output.is_file() or (beginning and not _BEGINNINGS[kind].match(beginning)):
            raise SisrError(f"{output}: is no {kind}, and would be overwritten; give another name or --force")


def _nobody_reads() -> bool:
    """Whether what is printed goes into a pipe whose reader is gone."""
    if not hasattr(select, "poll"):  # on Windows, where no such error comes
        return False
    pipe = select.poll()
    pipe.register(sys.stdout.fileno(), 0)
    return bool(pipe.poll(0))


def trained_file(resources: Path, recipe: str, scale: int) -> Path:
    """Where the weights are that a recipe trains."""
    return resources / "trained" / recipe / f"x{scale}.safetensors"


def obtain_weights(model: Model, scale: int, resources: Path, mirror: str | None) -> Mapping[str, Path]:
    """Weights of a model, fetched if they are not there yet; role -> path."""
    from sisr.data.assets import fetch as fetch_asset
    from sisr.upscaling.upscale import weight_files

    weights = model.weights_for(scale)
    if weights is None:
        return {}
    if weights.recipe:
        trained = trained_file(resources, weights.recipe, scale)
        if not trained.is_file():
            raise ModelUnavailable(f"{trained}: not trained yet; run: snakemake --cores all {trained}")
        return {"state": trained}
    assert weights.asset is not None  # the schema asks for an asset or a recipe
    fetch_asset(weights.asset, resources=resources, mirror=mirror)
    return weight_files(model, scale, resources / "assets" / f"{weights.asset}.json")


def one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Print an error of the user's as one line on stderr and exit with 1."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (SisrError, OSError) as error:
            if isinstance(error, BrokenPipeError) and _nobody_reads():
                raise  # typer ends in silence, as others do before `| head`
            typer.echo(f"error: {SisrError(str(error))}", err=True)  # one line, also of the system's
            raise typer.Exit(1) from None
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            typer.echo(f"error: {out_of_memory(error)}", err=True)
            raise typer.Exit(1) from None

    return run
