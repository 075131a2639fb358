"""Rule site: pages, scripts and data of a run's site."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.joblog import job
from sisr.results import names
from sisr.site.pages import build_site

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    build_site(
        Path(snakemake.output.page).parent,
        names(**snakemake.params.names),
        scores=Path(snakemake.input.scores),
        status=Path(snakemake.input.status),
        hr_manifests=dict(zip(snakemake.params.datasets, map(Path, snakemake.input.hr), strict=True)),
        provenance=Path(snakemake.input.provenance),
        crops=[Path(path) for path in snakemake.input.crops],
        pictures=dict(zip(snakemake.params.cells, map(Path, snakemake.input.pictures), strict=True)),
    )
