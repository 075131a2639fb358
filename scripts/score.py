"""Rule score: PSNR, SSIM and LPIPS of one cell."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.cells import Cell
from sisr.base.joblog import job
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.scoring.metrics.files import paths_of
from sisr.scoring.score import Evaluation, LrSet, score_cell

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    fetched = [FetchedAsset.read(Path(path)) for path in snakemake.input.metric_files]
    cell = snakemake.wildcards
    score_cell(
        Cell(cell.dataset, cell.kernel, int(cell.scale), cell.model),
        Path(snakemake.input.hr),
        Path(snakemake.input.sr),
        Evaluation(
            snakemake.params.measures,
            paths_of(fetched),
            snakemake.threads,
            attempt=snakemake.resources.attempt,
        ),
        Path(snakemake.output.scores),
        parts=Path(snakemake.output.parts),
        lr=LrSet(Path(snakemake.input.lr[0]), snakemake.params.lr["seed"]) if snakemake.input.lr else None,
    )
