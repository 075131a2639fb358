"""What the commands share: the program, its common options, and errors in one line."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from sisr.base import registry
from sisr.base.errors import SisrError

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


def one_line_errors(command: Callable[..., None]) -> Callable[..., None]:
    """Print an error of the user's as one line on stderr and exit with 1."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except (SisrError, OSError) as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(1) from None

    return run
