"""Rule cost_plots: quality against time and parameters at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.cost_results import make_plots
from sisr.report.shown_run import names

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_plots(
        Path(snakemake.input.scores),
        dict(zip(snakemake.params.datasets, map(Path, snakemake.input.hr), strict=True)),
        Path(snakemake.input.cost),
        int(snakemake.wildcards.scale),
        names(**snakemake.params.names),
        dict(zip(snakemake.params.axes, map(Path, snakemake.output), strict=True)),
    )
