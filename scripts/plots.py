"""Rule plots: the plots of one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.result_plots import make_plots
from sisr.report.shown_run import names

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_plots(
        Path(snakemake.input.scores),
        dict(zip(snakemake.params.datasets, map(Path, snakemake.input.hr), strict=True)),
        int(snakemake.wildcards.scale),
        names(**snakemake.params.names),
        quality=Path(snakemake.output.quality),
        perception_distortion=Path(snakemake.output.perception_distortion),
    )
