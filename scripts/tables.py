"""Rule tables: the result tables of one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.result_tables import make_tables
from sisr.report.shown_run import run_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_tables(
        run_of(snakemake.input, snakemake.params),
        Path(snakemake.input.status),
        int(snakemake.wildcards.scale),
        Path(snakemake.output.csv).parent,
        dict(zip(snakemake.params.trained, map(Path, snakemake.input.trained), strict=True)),
    )
