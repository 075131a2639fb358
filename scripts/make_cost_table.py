"""Rule cost_table: the cost table of one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.cost.show import make_table
from sisr.joblog import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_table(
        Path(snakemake.input[0]),
        int(snakemake.wildcards.scale),
        Path(snakemake.output.csv).parent,
        snakemake.params.labels,
    )
