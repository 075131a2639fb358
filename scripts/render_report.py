"""Rule render_report: Snakemake's own report of the run."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.render import render_report

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    render_report(
        Path(snakemake.params.snakefile),
        Path(snakemake.input.config),
        list(snakemake.input.shown),
        Path(snakemake.output[0]),
    )
