"""The ``sisr`` command: the same stages as the workflow, for people who have their own folders."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from sisr import __version__, registry
from sisr.errors import ModelUnavailable, SisrError
from sisr.models import Model

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


class Table(StrEnum):
    """What ``sisr list`` can list."""

    DATASETS = "datasets"
    KERNELS = "kernels"
    MODELS = "models"
    METRICS = "metrics"
    PROTOCOLS = "protocols"
    ASSETS = "assets"


class Lpips(StrEnum):
    """Backbones of LPIPS that ``sisr score`` can use."""

    ALEX = "alex"
    VGG = "vgg"
    SQUEEZE = "squeeze"
    NONE = "none"


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


@app.callback(invoke_without_command=True)
def main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command("list")
@one_line_errors
def list_entries(what: Annotated[Table, typer.Argument(help="Registry to list.")]) -> None:
    """List a registry: datasets, kernels, models, metrics, protocols or assets."""
    entries = registry.load(what.value)
    width = max(map(len, entries))
    for name, entry in entries.items():
        details = [entry.get("label") or entry.get("description", "")]
        if what is Table.MODELS:
            scales = entry.get("scales", entry.get("weights", {}))
            details += [entry["engine"], " ".join(f"x{s}" for s in scales) or "any scale"]
        if what is Table.PROTOCOLS or what is Table.KERNELS:
            details.append(entry.get("description", ""))
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
    from sisr.assets import fetch as fetch_asset

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
def degrade(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Folder of HR images.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the LR images.")],
    kernel: Annotated[str, typer.Option("--kernel", "-k", help="See `sisr list kernels`.")],
    scale: Scale,
    seed: Annotated[int, typer.Option(help="For kernels that draw random numbers.")] = 0,
) -> None:
    """Make LR images: OUT/<stem>.png for every image of IN, cropped to a multiple of the scale."""
    from sisr.degrade import degrade_folder

    written = degrade_folder(source, target, kernel, scale, seed=seed)
    typer.echo(f"{len(written)} LR images in {target}")


@app.command()
@one_line_errors
def upscale(
    source: Annotated[Path, typer.Argument(metavar="IN", help="Image, or folder of LR images.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the SR images.")],
    model: Annotated[str, typer.Option("--model", "-m", help="See `sisr list models`.")],
    scale: Scale,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads; 1 as in the workflow.")] = 1,
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Enlarge images with a model of the registry; its weights are fetched when they are first needed."""
    from sisr import device as devices
    from sisr import engines, models
    from sisr.images import list_images
    from sisr.upscale import upscale_folder

    chosen = models.get(model)
    images = [source] if source.is_file() else list_images(source)
    files = _obtain_weights(chosen, scale, resources, mirror)
    with devices.lease(devices.resolve(device)) as leased:
        written = upscale_folder(
            engines.load(chosen, scale, files, leased, threads), images, target, chosen.label
        )
    typer.echo(f"{len(written)} SR images in {target}")


def _obtain_weights(model: Model, scale: int, resources: Path, mirror: str | None) -> Mapping[str, Path]:
    """Weights of a model, fetched if they are not there yet; role -> path."""
    from sisr.assets import fetch as fetch_asset
    from sisr.upscale import weight_files

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


@app.command()
@one_line_errors
def score(
    hr: Annotated[Path, typer.Argument(metavar="HR_DIR", help="Folder of HR images.")],
    scale: Scale,
    sr: Annotated[Path | None, typer.Argument(metavar="SR_DIR", help="Folder of SR images.")] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A B", help="Two folders of SR images to compare, in place of SR_DIR."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Tidy CSV to write.")] = Path("scores.csv"),
    protocol: Annotated[
        list[str] | None,
        typer.Option(help="Protocol of PSNR and SSIM; may be repeated.", show_default="y-bt601"),
    ] = None,
    lpips: Annotated[Lpips, typer.Option(help="LPIPS v0.1 backbone, or none.")] = Lpips.ALEX,
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Score SR images against HR images: per-image CSV, means on the screen.

    Files are matched by name or stem, also as in name_MODEL_x4.png.  Nothing is ever resized.  With
    --compare A B, two folders are compared image by image: means, difference, test, and what these images
    can show.
    """
    from tqdm import tqdm

    from sisr.assets import fetch as fetch_asset
    from sisr.compare_folders import compare_folders
    from sisr.metrics.lpips_backbone import ASSETS, by_net
    from sisr.scoring import score_folders

    if (sr is None) == (compare is None):
        raise SisrError("score: give either SR_DIR or --compare A B")
    measures = [f"{metric}@{name}" for name in protocol or ["y-bt601"] for metric in ("psnr", "ssim")]
    backbones = {}
    if lpips is not Lpips.NONE:
        measures.append(f"lpips@{lpips.value}-v0.1")
        asset, _ = ASSETS[lpips.value]
        manifest = fetch_asset(asset, resources=resources, mirror=mirror, progress=False)
        backbones = by_net({name: manifest.path(name) for name in manifest.files})
    with tqdm(desc="scoring", unit="image", leave=False, disable=None) as bar:
        options: dict[str, Any] = {"lpips_backbones": backbones, "progress": lambda image: bar.update()}
        result: object
        if compare is not None:
            result = compare_folders(hr, compare, scale, measures, out, **options)
        else:
            assert sr is not None  # checked above
            result = score_folders(hr, sr, scale, measures, out, **options)
    typer.echo(result)
