"""Commands that ask what lies behind images and numbers: ``whois``, ``explain``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sisr.commands.shared import Scale, app, one_line_errors


class PrintedMetric(StrEnum):
    """Metrics of which a printed number can be explained."""

    PSNR = "psnr"
    SSIM = "ssim"


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a sentence and a table.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Images in work at once.")]


@app.command()
@one_line_errors
def whois(
    first: Annotated[
        Path, typer.Argument(metavar="HR_DIR", help="Folder of HR images; or of LR images alone.")
    ],
    lr: Annotated[Path | None, typer.Argument(metavar="LR_DIR", help="Folder of LR images.")] = None,
    scale: Annotated[
        int | None, typer.Option("--scale", "-s", min=1, max=16, show_default="of the sizes")
    ] = None,
    as_json: AsJson = False,
    threads: Threads = 2,
) -> None:
    """Say which kernel made LR images: exactly, or what is nearest and what departs from it.

    Images that are not as the others are named.  Of LR images without HR: traces of JPEG, the highest
    frequency in them, and whether they were enlarged.
    """
    from sisr.inquiry import lone
    from sisr.inquiry.whois import identify

    found = identify(first, lr, scale, threads=threads) if lr is not None else lone.look(first)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
        return
    typer.echo(found.sentence())
    _table(found.table())


@app.command()
@one_line_errors
# Typer takes the arguments and options of a command from the function's signature.
def explain(
    hr: Annotated[Path, typer.Argument(metavar="HR_DIR", help="Folder of HR images.")],
    sr: Annotated[Path, typer.Argument(metavar="SR_DIR", help="Folder of SR images.")],
    scale: Scale,
    printed: Annotated[
        str | None, typer.Option("--printed", "-p", help="As it is printed: 32.21, or 32.21/.8948.")
    ] = None,
    metric: Annotated[PrintedMetric, typer.Option(help="What the one number is.")] = PrintedMetric.PSNR,
    per_image: Annotated[
        Path | None,
        typer.Option("--per-image", help="CSV of images' names and their values, which narrows it."),
    ] = None,
    as_json: AsJson = False,
    threads: Threads = 2,
) -> None:
    """Say which conventions give a printed PSNR or SSIM of a set, the simplest first.

    Luma, border, peak, window of SSIM, gray images, the mean, missing images, shifts, swapped channels and
    more are tried together.  Without a printed number: the numbers under each of them.
    """
    from sisr.inquiry.explain import explain as ask

    found = ask(hr, sr, scale, printed, metric.value, per_image=per_image, threads=threads)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
        return
    typer.echo(found.sentence())
    _table(found.table())
    for note in found.notes:
        typer.echo(f"note: {note}")


def _table(rows: Iterable[Sequence[str]]) -> None:
    every = [tuple(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    for row in every:
        typer.echo("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
