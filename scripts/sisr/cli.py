"""The ``sisr`` command: the same stages as the workflow, for people who have their own folders."""

from __future__ import annotations

from typing import Annotated

import typer

from sisr import __version__
from sisr.commands import (  # noqa: F401 - each adds its commands
    benching,
    getting,
    imaging,
    inquiring,
    judging,
    runs,
    timekeeping,
)
from sisr.commands.shared import app


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


app.add_typer(judging.audit, name="audit")
