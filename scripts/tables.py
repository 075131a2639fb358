"""Rule tables: the result tables of one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.result_tables import make_tables
from sisr.report.shown_run import names

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_tables(
        Path(snakemake.input.scores),
        Path(snakemake.input.status),
        dict(zip(snakemake.params.datasets, map(Path, snakemake.input.hr), strict=True)),
        int(snakemake.wildcards.scale),
        Path(snakemake.output.csv).parent,
        names(**snakemake.params.names),
        dict(zip(snakemake.params.trained, map(Path, snakemake.input.trained), strict=True)),
    )
