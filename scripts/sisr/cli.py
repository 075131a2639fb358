"""The ``sisr`` command: the same stages as the workflow, for people who have their own folders."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from sisr import __version__, registry
from sisr.errors import ModelUnavailable, SisrError
from sisr.models import Model, entry_of
from sisr.models import get as get_model

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


class Registry(StrEnum):
    """What ``sisr list`` can list."""

    DATASETS = "datasets"
    KERNELS = "kernels"
    MODELS = "models"
    METRICS = "metrics"
    PROTOCOLS = "protocols"
    ASSETS = "assets"


class InputRange(StrEnum):
    """What a network takes for black and white."""

    UNIT = "0-1"
    BYTE = "0-255"


#: Heading, in the help of ``sisr upscale``, of the options of :class:`sisr.inference.options.Options`.
TORCH = "How PyTorch networks run (docs/inference.md)"


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
            details.append(f"licence: {entry['licence']}" if entry["licence"] != "none" else "")
            details.append(f"unavailable: {entry['unavailable']}" if "unavailable" in entry else "")
        if what is Registry.PROTOCOLS or what is Registry.KERNELS:
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
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Train a recipe; the same command goes on where an interrupted one stopped."""
    from sisr import device as devices
    from sisr.assets import fetch as fetch_asset
    from sisr.recipes import read_recipe, start_of
    from sisr.training.run import Inputs
    from sisr.training.run import train as run

    checked = read_recipe(recipe)
    first = start_of(checked)
    of = checked.start_scale or scale
    start = resources / "trained" / first.name / f"x{of}.safetensors" if first else None
    if start is not None and not start.is_file():
        raise SisrError(f"{start}: not trained yet; run: sisr train {checked.start} --scale {of}")
    files = {
        asset: fetch_asset(asset, resources=resources, mirror=mirror, progress=sys.stderr.isatty()).paths()
        for asset in checked.assets
    }
    target = out or resources / "trained" / recipe / f"x{scale}.safetensors"
    with devices.lease(devices.resolve(device)) as leased:
        made = run(checked, scale, Inputs(files, start), target, device=leased)
    if "result" in made:  # the first of several processes has it
        shown = ", ".join(f"{name} {value:.6g}" for name, value in made["result"].items())
        typer.echo(f"{target}: {shown}")


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
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", help="An id of `sisr list models`, with + for self-ensemble; or a file."
        ),
    ],
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
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Enlarge images with a model of the registry, or with one's own from a file.

    Weights of the registry are fetched when they are first needed.  A file is .pth, .pt or .safetensors,
    .onnx, .pb, TorchScript, or ncnn's .param with its .bin beside it; what it holds is found out.
    """
    from sisr import device as devices
    from sisr import engines, models
    from sisr.image_files import list_images
    from sisr.inference.options import Options
    from sisr.upscale import upscale_folder

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
    chosen = models.named(model, modify or (), input_range and input_range.value)
    if options.changed() and not chosen.uses_gpu:
        asked = ", ".join(options.changed())
        raise SisrError(f"upscale: {chosen.label} is no PyTorch network, which alone have: {asked}")
    images = [source] if source.is_file() else list_images(source)
    scale = scale or _only_scale(chosen)
    if chosen.own is not None:
        from sisr.checkpoints import describe

        typer.echo(describe(chosen, scale), err=True)
    files = _obtain_weights(chosen, scale, resources, mirror)
    with devices.lease(resolved) as leased:
        upscaler = engines.load(chosen, scale, files, leased, threads, options)
        written = upscale_folder(upscaler, images, target, chosen.label)
    for note in upscaler.notes:
        typer.echo(note, err=True)
    typer.echo(f"{len(written)} SR images in {target}")


def _only_scale(model: Model) -> int:
    """The scale of a model that has one only."""
    if model.own is not None and not model.scales:
        from sisr.checkpoints import scale_of

        return scale_of(model)
    if len(model.scales) != 1:
        has = ", ".join(f"x{s}" for s in model.scales) or "any scale"
        raise SisrError(f"upscale: {model.label} has {has}: say which with --scale")
    return model.scales[0]


@app.command()
@one_line_errors
def certify(
    anchors: Annotated[list[str] | None, typer.Argument(help="Anchors; without any all of the tier.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only what takes seconds.")] = False,
    heavy: Annotated[bool, typer.Option("--heavy", help="Also what takes long.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV to write; a page beside it.")] = Path(
        "certification.csv"
    ),
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Compute numbers that others published again, and say which are right; exit 1 if one is not."""
    from functools import cache

    from tqdm import tqdm

    from sisr import anchors as outside
    from sisr import certification, certification_page
    from sisr.assets import fetch_or_unavailable

    if quick and heavy:
        raise SisrError("certify: give --quick or --heavy, not both")
    tier = "heavy" if heavy else "quick" if quick else "full"
    get = cache(lambda asset: fetch_or_unavailable(asset, resources=resources, mirror=mirror, progress=False))
    with tqdm(desc="certifying", unit="anchor", leave=False, disable=None) as bar:
        rows = certification.certify(
            tier, get, anchors or (), threads=os.cpu_count() or 1, progress=lambda name: bar.update()
        )
    outside.write(rows, out)
    certification_page.write(rows, out.with_suffix(".html"))
    for row in rows:
        what = f"{row.label}, {' '.join(filter(None, (row.measure, row.image)))}"
        found = f"found {row.show(row.found)}, " if row.status != "not run" else ""
        note = f" ({row.reason})" if row.reason else ""
        typer.echo(f"{row.status:7}  {what}: {found}expected {row.expected:.10g} ± {row.tolerance:g}{note}")
    typer.echo(outside.summary(rows))
    outside.judge(rows)


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
    measure: Annotated[
        list[str] | None,
        typer.Option(help="Further METRIC@PROTOCOL, as dists@vgg16-v0.1; may be repeated."),
    ] = None,
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
    from sisr.folders import score_folders
    from sisr.metrics.files import assets_of, by_key

    if (sr is None) == (compare is None):
        raise SisrError("score: give either SR_DIR or --compare A B")
    measures = [f"{metric}@{name}" for name in protocol or ["y-bt601"] for metric in ("psnr", "ssim")]
    measures += [f"lpips@{lpips.value}-v0.1"] if lpips is not Lpips.NONE else []
    measures += measure or []
    manifests = [
        fetch_asset(asset, resources=resources, mirror=mirror, progress=False)
        for asset in assets_of(measures)
    ]
    with tqdm(desc="scoring", unit="image", leave=False, disable=None) as bar:
        options: dict[str, Any] = {
            "metric_files": by_key({name: m.path(name) for m in manifests for name in m.files}),
            "threads": os.cpu_count() or 1,
            "progress": lambda image: bar.update(),
        }
        result: object
        if compare is not None:
            result = compare_folders(hr, compare, scale, measures, out, **options)
        else:
            assert sr is not None  # checked above
            result = score_folders(hr, sr, scale, measures, out, **options)
    typer.echo(result)


audit = typer.Typer(no_args_is_help=True, help="Measure sub-pixel shifts: of LR kernels, or of a folder.")
app.add_typer(audit, name="audit")


@audit.command("kernels")
@one_line_errors
def audit_kernels(
    kernel: Annotated[
        list[str] | None, typer.Option("--kernel", "-k", help="May be repeated.", show_default="all")
    ] = None,
    scale: Annotated[
        list[int] | None,
        typer.Option("--scale", "-s", min=1, max=16, help="May be repeated.", show_default="documented ones"),
    ] = None,
) -> None:
    """Where the LR samples of kernels lie, measured on ramps, beside what the registry says.

    Exit code 1 if a kernel is not where the registry says.
    """
    from sisr.audit import audit_kernels as measure
    from sisr.phase_pages import signed_pair

    entries = registry.load("kernels")
    chosen = {name: registry.entry("kernels", name) for name in kernel or entries}
    sets = [(name, s, "") for name, entry in chosen.items() for s in scale or map(int, entry["phase"])]
    width = max(map(len, chosen))
    wrong = 0
    typer.echo(f"{'kernel':{width}}  scale  documented      measured         ±  (down, right in HR pixels)")
    for item in sets:
        [row] = measure([item], [])
        wrong += not row.ramp_agrees
        typer.echo(
            f"{row.kernel:{width}}  x{row.scale:<4}  {signed_pair(row.documented)}  "
            f"{signed_pair(row.ramp)}  {row.ramp_error:5.2f}{'' if row.ramp_agrees else '  differs'}"
        )
    if wrong:
        raise SisrError(f"{wrong} of {len(sets)} grids are not where config/kernels.yaml says")


@audit.command("pair")
@one_line_errors
def audit_pair(
    hr: Annotated[Path, typer.Argument(metavar="HR_DIR", help="Folder of HR images.")],
    other: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of SR or of LR images.")],
    scale: Scale,
) -> None:
    """How far the pictures of a folder are shifted against the HR images; LR or SR is told by their size."""
    from sisr.audit import OFF, audit_pairs
    from sisr.folders import match_folders
    from sisr.phase_pages import signed_pair

    pairs = [(pair.image, pair.hr_path, pair.sr_path) for pair in match_folders(hr, other, scale)]
    rows, median = audit_pairs(pairs, scale)
    width = max(6, *(len(name) for name, *_ in rows))
    for name, *shift in rows:
        typer.echo(f"{name:{width}}  {signed_pair(shift)}")
    verdict = f"more than {OFF} HR pixels off" if median.size > OFF else f"within {OFF} HR pixels"
    typer.echo(f"{'median':{width}}  {signed_pair(median)}  (down, right in HR pixels): {verdict}")


@app.command()
@one_line_errors
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Folder of a run, for example results/demo.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Folder of another run.")],
    out: Annotated[
        Path | None, typer.Option(help="The page.", show_default="compare_A_B.html in this folder")
    ] = None,
) -> None:
    """Show two runs side by side: the same table, with differences and whether they are more than chance."""
    from sisr.compare_folders import folder_names
    from sisr.runs_page import write_comparison

    page = out or Path("compare_{}_{}.html".format(*(Path(name).name for name in folder_names(a, b))))
    counts = write_comparison(a, b, page)
    typer.echo(f"{page}: " + ", ".join(f"{number} {verdict}" for verdict, number in counts.items()))


@app.command()
@one_line_errors
def reproduce(
    crate: Annotated[
        Path,
        typer.Argument(metavar="RO_CRATE", help="Folder of a run, its ro-crate-metadata.json, or a zip."),
    ],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- OPTION...]", help="Further options of Snakemake.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder to run in.", show_default="results/NAME-reproduced"),
    ] = None,
    cores: Annotated[
        int | None, typer.Option(min=1, help="Cores that may be used.", show_default="all")
    ] = None,
    resources: Resources = RESOURCES,
) -> None:
    """Run again what an RO-Crate describes, in a folder of its own, and compare; exit 1 if it differs.

    Says first what is not as when the run was made: commit, code, versions, machine.  Downloads are shared
    with other runs and checked; all else is made anew, trained weights too.  The same command goes on where
    an interrupted one stopped.
    """
    from tqdm import tqdm

    from sisr.errors import ReproductionError
    from sisr.reproduction.described import CrateOfRun, differences
    from sisr.reproduction.outcome import compare as compare_with
    from sisr.reproduction.rerun import rerun

    read = CrateOfRun.read(crate)
    typer.echo(f"{crate}: run {read.name}, recorded {read.made.get('recorded', 'at an unknown time')}")
    for line in differences(read):
        typer.echo(f"warning: {line}", err=True)
    folder = out or registry.ROOT / "results" / f"{read.name}-reproduced"
    typer.echo(f"running in {folder}; what Snakemake says is in {folder / 'reproduce.log'}")
    with tqdm(desc="reproducing", unit="job", leave=False, disable=None) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        results = rerun(
            read,
            folder,
            cores=cores or os.cpu_count() or 1,
            downloads=resources / "assets",
            arguments=arguments or (),
            progress=progress,
        )
    outcome = compare_with(read, results)
    for line in (*outcome.by_measure(), *outcome.notes):
        typer.echo(line)
    if not outcome.reproduced:
        raise ReproductionError(f"{results / 'scores.csv'}: not reproduced: {outcome}")
    typer.echo(f"{results / 'scores.csv'}: {outcome}")


@app.command()
@one_line_errors
def serve(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, for example results/demo.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes any free one.")] = 8000,
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
) -> None:
    """Show the site of a run in the browser, from this machine only, until Ctrl-C."""
    import threading
    import webbrowser

    from sisr.site.serve import page_of, serving

    page = page_of(run)
    with serving(run, port) as address:
        typer.echo(f"{address}/{page} (Ctrl-C ends)")
        if browser:
            webbrowser.open(f"{address}/{page}")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            typer.echo()
