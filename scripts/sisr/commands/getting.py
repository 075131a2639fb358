"""Commands that list what there is, and obtain it: ``list``, ``fetch``, ``train``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sisr.base import registry
from sisr.base.errors import SisrError
from sisr.commands.shared import (
    RESOURCES,
    Force,
    Mirror,
    Resources,
    Scale,
    app,
    check_outputs,
    one_line_errors,
    trained_file,
)
from sisr.models.licences import licences_of
from sisr.models.model_entries import entry_of
from sisr.models.model_entries import get as get_model


class Registry(StrEnum):
    """What ``sisr list`` can list."""

    DATASETS = "datasets"
    KERNELS = "kernels"
    MODELS = "models"
    METRICS = "metrics"
    PROTOCOLS = "protocols"
    ASSETS = "assets"


@app.command("list")
@one_line_errors
def list_entries(what: Annotated[Registry, typer.Argument(help="Registry to list.")]) -> None:
    """List a registry: datasets, kernels, models, metrics, protocols or assets."""
    entries = registry.load(what.value)
    width = max(map(len, entries))
    for name, entry in entries.items():
        details = [entry.get("label") or entry.get("description", "")]
        if what is Registry.METRICS:
            details += [f"{entry['direction']} is better"]
            details += ["looks at SR alone"] if entry.get("reference") == "none" else []
            details += [f"unavailable: {entry['unavailable']}"] if "unavailable" in entry else []
        if what is Registry.MODELS:
            entry, model = entry_of(name), get_model(name)  # noqa: PLW2901 - with what it inherits
            details += [model.engine, " ".join(f"x{s}" for s in model.scales) or "any scale"]
            if entry.get("parameters"):
                details.append(f"{entry['parameters']:,} parameters")
            details.append(f"licence: {licences_of(entry).text}")
            details.append(f"unavailable: {entry['unavailable']}" if "unavailable" in entry else "")
        if what is Registry.PROTOCOLS or what is Registry.KERNELS:
            details.append(entry.get("description", ""))
        source = registry.origin(what.value, name)
        details.append(f"of {source}" if source else "")
        typer.echo(f"{name:{width}}  {'; '.join(' '.join(str(d).split()) for d in details if d)}")


@app.command()
@one_line_errors
def fetch(
    assets: Annotated[list[str] | None, typer.Argument(help="Asset ids; see `sisr list assets`.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All assets of the registry.")] = False,
    keep_going: Annotated[bool, typer.Option(help="Go on when one cannot be had.")] = False,
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Download assets, check them, and keep them under the resources folder."""
    from sisr.data.assets import fetch as fetch_asset

    if bool(assets) == everything:
        raise SisrError("fetch: give asset ids or --all, see `sisr list assets`")
    names = list(registry.load("assets")) if everything else assets or []
    failed = 0
    for name in names:
        try:
            manifest = fetch_asset(name, resources=resources, mirror=mirror, progress=sys.stderr.isatty())
        except SisrError as error:
            if not keep_going:
                raise
            failed += 1
            typer.echo(f"error: {error}", err=True)
        else:
            size = sum(file.bytes for file in manifest.files.values())
            typer.echo(f"{name}: {len(manifest.files)} files, {size / 1e6:.1f} MB")
    if failed:
        raise SisrError(f"{failed} of {len(names)} assets could not be had")


@app.command()
@one_line_errors
def train(
    recipe: Annotated[str, typer.Argument(help="A recipe, the name of a file in config/training.")],
    scale: Scale,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Weights to write.", show_default="resources/trained/RECIPE/xN.safetensors"
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    force: Force = False,
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Train a recipe; the same command goes on where an interrupted one stopped."""
    from sisr.base import device as devices
    from sisr.data.assets import fetch as fetch_asset
    from sisr.models.recipes import read_recipe, start_of
    from sisr.training.train import Inputs
    from sisr.training.train import train as run

    checked = read_recipe(recipe)
    first = start_of(checked)
    of = checked.start_scale or scale
    start = trained_file(resources, first.name, of) if first else None
    if start is not None and not start.is_file():
        raise SisrError(f"{start}: not trained yet; run: sisr train {checked.start} --scale {of}")
    files = {
        asset: fetch_asset(asset, resources=resources, mirror=mirror, progress=sys.stderr.isatty()).paths()
        for asset in checked.assets
    }
    target = out or trained_file(resources, recipe, scale)
    read = [*(path for paths in files.values() for path in paths.values()), *([start] if start else [])]
    check_outputs([target], "safetensors file", read, force)
    with devices.lease(devices.resolve(device)) as leased:
        made = run(checked, scale, Inputs(files, start), target, device=leased)
    if "result" in made:  # the first of several processes has it
        shown = ", ".join(f"{name} {value:.6g}" for name, value in made["result"].items())
        typer.echo(f"{target}: {shown}")
