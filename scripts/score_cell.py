"""Rule score: PSNR, SSIM and LPIPS of one cell."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.scoring.metrics.files import by_key
from sisr.scoring.score import score_cell

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    fetched = [FetchedAsset.read(Path(path)) for path in snakemake.input.metric_files]
    score_cell(
        Path(snakemake.input.hr),
        Path(snakemake.input.sr),
        int(snakemake.wildcards.scale),
        snakemake.params.measures,
        Path(snakemake.output.scores),
        dataset=snakemake.wildcards.dataset,
        kernel=snakemake.wildcards.kernel,
        model=snakemake.wildcards.model,
        metric_files=by_key({name: asset.path(name) for asset in fetched for name in asset.files}),
        threads=snakemake.threads,
        parts=Path(snakemake.output.parts),
    )
