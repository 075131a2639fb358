"""Models against LR kernels: table, figures, a sheet of LR crops, and the page of them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis import summaries
from sisr.analysis.shown_measures import show
from sisr.base.manifest import Manifest
from sisr.report.shown_run import Names, ShownRun, summary_of

if TYPE_CHECKING:
    from sisr.analysis.robustness import Matrix


#: The image of a sheet of LR crops is chosen from so many of a dataset.
_SHEET_FROM = 20


@dataclass(frozen=True)
class Outputs:
    """What is written; ``sheets``: folder of ``x{scale}_<dataset>.jpg``, for datasets of several kernels."""

    table: Path
    heat_map: Path
    ranks: Path
    sheets: Path
    page: Path


def make_robustness(
    run: ShownRun, lr_manifests: Mapping[tuple[str, str], Path], scale: int, out: Outputs
) -> None:
    """Models against LR kernels at one scale; ``lr_manifests``: (dataset, kernel) -> LR set."""
    from sisr.analysis import robustness
    from sisr.base.atomic import write_text
    from sisr.report.figures import robustness_charts as figures
    from sisr.report.pages import data_uri, write_page

    shown = run.names
    found = robustness.matrices(
        summary_of(summaries.read_scores(run.scores), run),
        shown.fidelity,
        scale,
        models=list(shown.models),
        groups=list(shown.groups),
        kernels=list(shown.kernels),
    )
    write_text(out.table, robustness.to_csv(found))
    figures.heat_map(found, shown, scale, out.heat_map)
    figures.rank_chart(found, shown, scale, out.ranks)
    drawn = []
    for dataset in shown.datasets:
        manifests = {k: path for (d, k), path in lr_manifests.items() if d == dataset}
        if len(manifests) > 1:
            sheet = out.sheets / f"x{scale}_{dataset}.jpg"
            matrix = next((matrix for matrix in found if matrix.group == dataset), None)
            _lr_sheet(run.hr_manifests[dataset], manifests, matrix, dataset, scale, shown, sheet)
            drawn.append((shown.datasets[dataset], data_uri(sheet)))
    write_page(
        "robustness.html.j2",
        out.page,
        scale=scale,
        said=[(shown.groups[m.group], robustness.sentences(m, shown.models, shown.kernels)) for m in found],
        measure=shown.fidelity,
        reference=shown.kernels[found[0].kernels[0]] if found else "",
        heat_map=data_uri(out.heat_map),
        ranks=data_uri(out.ranks),
        sheets=drawn,
    )


def _lr_sheet(
    hr_manifest: Path,
    lr_manifests: Mapping[str, Path],
    matrix: Matrix | None,
    dataset: str,
    scale: int,
    shown: Names,
    out: Path,
) -> None:
    """The image and window in which the kernels differ most, with the score of the reference's leader."""
    from sisr.report.figures import crop_choice, crops

    hr = Manifest.read(hr_manifest).files
    lrs: dict[str, dict[str, Path]] = {name: {} for name in hr}
    for kernel, manifest in lr_manifests.items():
        for image, path in Manifest.read(manifest).files.items():
            lrs[image][kernel] = path
    regions = {
        name: crop_choice.pick_lr_region(hr[name], lrs[name], scale) for name in list(hr)[:_SHEET_FROM]
    }
    name = max(regions, key=lambda image: (regions[image][1], image))
    notes = {}
    if matrix is not None and matrix.ranked:
        leader = matrix.leader(0)
        label, measure = shown.models[matrix.models[leader]], shown.fidelity
        for row, kernel in enumerate(matrix.kernels):
            value = show(float(matrix.values[row, leader]), measure)
            notes[kernel] = f"{label}: {value} {measure.unit}".rstrip()
    captions = {kernel: (shown.kernels[kernel], notes.get(kernel, "")) for kernel in lrs[name]}
    title = f"{shown.datasets[dataset]} · {name} · LR at ×{scale} by each kernel"
    crops.lr_sheet(hr[name], lrs[name], regions[name][0], scale, title, captions, out)
