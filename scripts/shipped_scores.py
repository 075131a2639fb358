"""Rule shipped_scores: scores that come with the project, where they are of this run's images and rules."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.cells import Cell
from sisr.base.joblog import job
from sisr.scoring.shipped import take

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    take(
        [Cell(*cell) for cell in params.cells],
        params.measures,
        dict(zip(params.datasets, map(Path, given.hr), strict=True)),
        dict(zip(map(tuple, params.sets), map(Path, given.lr), strict=True)),
        Path(snakemake.output.scores),
        Path(snakemake.output.status),
    )
