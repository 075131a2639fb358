"""Commands that judge images and the benchmark itself: ``certify``, ``score``, ``audit``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

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
)


class Lpips(StrEnum):
    """Backbones of LPIPS that ``sisr score`` can use."""

    ALEX = "alex"
    VGG = "vgg"
    SQUEEZE = "squeeze"
    NONE = "none"


@app.command()
@one_line_errors
def certify(
    anchors: Annotated[list[str] | None, typer.Argument(help="Anchors; without any all of the tier.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Only what takes seconds.")] = False,
    heavy: Annotated[bool, typer.Option("--heavy", help="Also what takes long.")] = False,
    out: Annotated[Path, typer.Option("--out", "-o", help="CSV to write; a page beside it.")] = Path(
        "certification.csv"
    ),
    force: Force = False,
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Compute numbers that others published again, and say which are right; exit 1 if one is not.

    Beside them a random sample of the scores that come with the project.
    """
    from functools import cache
    from random import SystemRandom

    from tqdm import tqdm

    from sisr.data.assets import fetch_or_unavailable
    from sisr.report import certification_page
    from sisr.trust import anchors as outside
    from sisr.trust import certification, shipped_sample

    if quick and heavy:
        raise SisrError("certify: give --quick or --heavy, not both")
    check_outputs([out], "CSV", [], force)
    page = out.with_suffix(".html")
    if page == out:
        raise SisrError(f"{out}: expected the name of a CSV; the page goes beside it, as .html")
    check_outputs([page], "page", [], force)
    tier = "heavy" if heavy else "quick" if quick else "full"
    wanted: dict[str, Mapping[str, Any]] = {**outside.chosen(tier, anchors or ())}
    if not anchors:
        wanted |= shipped_sample.sample(shipped_sample.NUMBER[tier], SystemRandom())
    get = cache(lambda asset: fetch_or_unavailable(asset, resources=resources, mirror=mirror, progress=False))
    with tqdm(desc="certifying", unit="anchor", leave=False, disable=None) as bar:
        rows = certification.certify(
            wanted, get, threads=os.cpu_count() or 1, progress=lambda name: bar.update()
        )
    outside.write(rows, out)
    certification_page.write(rows, page)
    for row in rows:
        what = f"{row.label}, {' '.join(filter(None, (row.measure, row.image)))}"
        found = f"found {row.show(row.found)}, " if row.status != "not run" else ""
        note = f" ({row.reason})" if row.reason else ""
        typer.echo(f"{row.status:7}  {what}: {found}expected {row.expected:.10g} ± {row.tolerance:g}{note}")
    typer.echo(outside.summary(rows))
    outside.judge(rows)


@app.command()
@one_line_errors
# Typer takes the arguments and options of a command from the function's signature.
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
        typer.Option(help="Further METRIC@PROTOCOL, as ms-ssim@rgb; may be repeated."),
    ] = None,
    force: Force = False,
    resources: Resources = RESOURCES,
    mirror: Mirror = None,
) -> None:
    """Score SR images against HR images: per-image CSV, means on the screen.

    Files are matched by name, also as name_MODEL_x4.png, name4x.png or name_SR.png with name_HR.png.  Nothing
    is ever resized.  With --compare A B, two folders are compared image by image: means, difference, test,
    and what these images can show.
    """
    from tqdm import tqdm

    from sisr.analysis.compare_folders import compare_folders
    from sisr.base.image_files import list_images
    from sisr.data.assets import fetch as fetch_asset
    from sisr.scoring.folders import score_folders
    from sisr.scoring.metrics.files import assets_of, paths_of
    from sisr.scoring.score import Evaluation

    if (sr is None) == (compare is None):
        raise SisrError("score: give either SR_DIR or --compare A B")
    folders = [folder for folder in (hr, sr, *(compare or ())) if folder is not None and folder.is_dir()]
    check_outputs([out], "CSV", [path for folder in folders for path in list_images(folder)], force)
    measures = [f"{metric}@{name}" for name in protocol or ["y-bt601"] for metric in ("psnr", "ssim")]
    measures += [f"lpips@{lpips.value}-v0.1"] if lpips is not Lpips.NONE else []
    measures += measure or []
    fetched = [
        fetch_asset(asset, resources=resources, mirror=mirror, progress=False)
        for asset in assets_of(measures)
    ]
    with tqdm(desc="scoring", unit="image", leave=False, disable=None) as bar:
        evaluation = Evaluation(measures, paths_of(fetched), os.cpu_count() or 1)
        result: object
        if compare is not None:
            result = compare_folders(hr, compare, scale, evaluation, out, progress=lambda _: bar.update())
        else:
            assert sr is not None  # checked above
            result = score_folders(hr, sr, scale, evaluation, out, progress=lambda _: bar.update())
    typer.echo(result)


audit = typer.Typer(no_args_is_help=True, help="Measure sub-pixel shifts: of LR kernels, or of a folder.")


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
    from sisr.analysis.audit import audit_kernels as measure
    from sisr.report.phase_pages import signed_pair

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
    """How far the images of a folder are shifted against the HR images; LR or SR is told by their size."""
    from sisr.analysis.audit import OFF, audit_pairs
    from sisr.report.phase_pages import signed_pair
    from sisr.scoring.folders import match_folders

    pairs = [(pair.image, pair.hr_path, pair.sr_path) for pair in match_folders(hr, other, scale)]
    rows, median = audit_pairs(pairs, scale)
    width = max(6, *(len(name) for name, *_ in rows))
    for name, *shift in rows:
        typer.echo(f"{name:{width}}  {signed_pair(shift)}")
    verdict = f"more than {OFF} HR pixels off" if median.size > OFF else f"within {OFF} HR pixels"
    typer.echo(f"{'median':{width}}  {signed_pair(median)}  (down, right in HR pixels): {verdict}")
