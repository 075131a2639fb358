"""Models against LR kernels: table, figures, a sheet of LR crops, and the page of them all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr.analysis import summaries
from sisr.base.manifest import Manifest
from sisr.report.shown_run import Names, summary_of

if TYPE_CHECKING:
    from sisr.analysis.robustness import Matrix


#: The picture of a sheet of LR crops is chosen from so many of a dataset.
_SHEET_FROM = 20


def make_robustness(
    scores: Path,
    hr_manifests: Mapping[str, Path],
    lr_manifests: Mapping[tuple[str, str], Path],
    scale: int,
    shown: Names,
    *,
    table: Path,
    heat_map: Path,
    ranks: Path,
    sheets: Path,
    page: Path,
) -> None:
    """Models against LR kernels at one scale: table, figures, a sheet of LR crops, and the page of them all.

    Parameters
    ----------
    lr_manifests : (dataset, kernel) -> LR set
    sheets : folder that gets ``x{scale}_<dataset>.jpg`` for each dataset of more than one kernel
    """
    from sisr.analysis import robustness
    from sisr.base.atomic import write_text
    from sisr.report.figures import robustness_charts as figures
    from sisr.report.pages import data_uri, write_page

    summary = summary_of(summaries.read_scores(scores), hr_manifests, shown)
    found = robustness.matrices(
        summary,
        shown.fidelity,
        scale,
        models=list(shown.models),
        groups=list(shown.groups),
        kernels=list(shown.kernels),
    )
    write_text(table, robustness.to_csv(found))
    common: dict[str, Any] = {
        "models": shown.models,
        "groups": shown.groups,
        "kernels": shown.kernels,
        "scale": scale,
    }
    figures.heat_map(found, heat_map, **common)
    figures.rank_chart(found, ranks, **common)
    drawn = []
    for dataset in shown.datasets:
        manifests = {k: path for (d, k), path in lr_manifests.items() if d == dataset}
        if len(manifests) > 1:
            out = sheets / f"x{scale}_{dataset}.jpg"
            matrix = next((matrix for matrix in found if matrix.group == dataset), None)
            _lr_sheet(hr_manifests[dataset], manifests, matrix, dataset, scale, shown, out)
            drawn.append((shown.datasets[dataset], data_uri(out)))
    write_page(
        "robustness.html.j2",
        page,
        scale=scale,
        said=[(shown.groups[m.group], robustness.sentences(m, shown.models, shown.kernels)) for m in found],
        measure=shown.fidelity,
        reference=shown.kernels[found[0].kernels[0]] if found else "",
        heat_map=data_uri(heat_map),
        ranks=data_uri(ranks),
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
            value = measure.show(float(matrix.values[row, leader]))
            notes[kernel] = f"{label}: {value} {measure.unit}".rstrip()
    crops.lr_sheet(
        hr[name],
        lrs[name],
        regions[name][0],
        out,
        scale=scale,
        title=f"{shown.datasets[dataset]} · {name} · LR at ×{scale} by each kernel",
        labels=shown.kernels,
        notes=notes,
    )
