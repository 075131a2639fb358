"""Rule score_user_images: measures of SR images alone, of one model at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.scoring.given_scores import score
from sisr.scoring.metrics.files import paths_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    fetched = [FetchedAsset.read(Path(path)) for path in snakemake.input.metric_files]
    score(
        Path(snakemake.input.sr),
        int(snakemake.wildcards.scale),
        snakemake.wildcards.model,
        snakemake.params.measures,
        paths_of(fetched),
        Path(snakemake.output[0]),
    )
