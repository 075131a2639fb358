"""Rule cost_plots: quality against time and parameters at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.cost_results import make_plots
from sisr.report.shown_run import run_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_plots(
        run_of(snakemake.input, snakemake.params),
        Path(snakemake.input.cost),
        int(snakemake.wildcards.scale),
        dict(zip(snakemake.params.axes, map(Path, snakemake.output), strict=True)),
    )
