"""Rule plots: the plots of one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.result_plots import make_plots
from sisr.report.shown_run import run_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_plots(
        run_of(snakemake.input, snakemake.params),
        int(snakemake.wildcards.scale),
        quality=Path(snakemake.output.quality),
        perception_distortion=Path(snakemake.output.perception_distortion),
    )
