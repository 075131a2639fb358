"""Rule cost_table: the cost table of one scale, and the ranks of its models by the rules of challenges."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.cost_results import make_table
from sisr.report.shown_run import run_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_table(
        run_of(snakemake.input, snakemake.params),
        Path(snakemake.input.cost),
        int(snakemake.wildcards.scale),
        Path(snakemake.output.csv).parent,
        snakemake.params.receipts,
    )
