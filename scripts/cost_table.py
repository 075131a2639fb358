"""Rule cost_table: the cost table of one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.cost_results import make_table

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_table(
        Path(snakemake.input[0]),
        int(snakemake.wildcards.scale),
        Path(snakemake.output.csv).parent,
        snakemake.params.labels,
    )
