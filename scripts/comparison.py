"""Rule comparison: pairs and ranks of the models at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.comparison import make_comparison
from sisr.report.shown_run import run_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_comparison(
        run_of(snakemake.input, snakemake.params),
        Path(snakemake.input.status),
        int(snakemake.wildcards.scale),
        pairs=Path(snakemake.output.pairs),
        ranks=Path(snakemake.output.ranks),
        page=Path(snakemake.output.page),
        diagram=Path(snakemake.output.diagram),
    )
