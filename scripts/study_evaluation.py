"""Rule study_evaluation: metrics under distortions, and their agreement over the models of the run."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis import summaries
from sisr.base.joblog import job
from sisr.base.manifest import Manifest
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.scoring.metrics.files import paths_of
from sisr.studies import draw_evaluation as figures
from sisr.studies import evaluation
from sisr.studies.common import read_images, write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    fetched = [FetchedAsset.read(Path(path)) for path in snakemake.input.get("metric_files", [])]
    hr = Path(snakemake.input.hr)
    dataset, kernel, scale = snakemake.params.lr_set
    result = evaluation.measure(
        read_images(hr, 3, evaluation.SIDE),
        summaries.read_scores(Path(snakemake.input.scores)),
        snakemake.params.measures,
        paths_of(fetched),
        (dataset, kernel, scale),
    )
    status: dict[str, list[Path]] = {}
    for model, path in zip(snakemake.params.models, snakemake.input.sr, strict=True):
        status.setdefault(model, []).append(Path(path))
    labels = snakemake.params.labels
    figures.draw_curves(result, Path(snakemake.output.curves))
    figures.draw_agreement(result, Path(snakemake.output.agreement), labels)
    figures.draw_contradictions(
        result,
        Path(snakemake.output.contradictions),
        Manifest.read(hr).files,
        evaluation.sr_files(status),
        labels,
        scale,
    )
    rows, findings = result.rows, evaluation.findings(result)
    write(rows, findings, Path(snakemake.output.table), Path(snakemake.output.findings))
