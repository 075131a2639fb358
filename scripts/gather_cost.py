"""Rule gather_cost: counts and times of all models in one table."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.cost.gathering import gather
from sisr.base.joblog import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    gather(
        [Path(path) for path in snakemake.input.counts],
        [Path(path) for path in snakemake.input.timings],
        Path(snakemake.output[0]),
    )
