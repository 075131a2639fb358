"""Rule score_photos: measures of SR images alone, of one model at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.data.assets.manifest import Manifest
from sisr.scoring.given_scores import score
from sisr.scoring.metrics.files import paths_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    manifests = [Manifest.read(Path(path)) for path in snakemake.input.metric_files]
    score(
        Path(snakemake.input.sr),
        int(snakemake.wildcards.scale),
        snakemake.wildcards.model,
        snakemake.params.measures,
        paths_of(manifests),
        Path(snakemake.output[0]),
    )
