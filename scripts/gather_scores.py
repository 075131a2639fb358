"""Rule gather: the tidy score table and the status table of the run."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.config import Cell
from sisr.gather import gather_scores, gather_status
from sisr.joblog import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    gather_scores([Path(path) for path in snakemake.input.scores], Path(snakemake.output.scores))
    gather_status(
        [Cell(*cell) for cell in snakemake.params.cells],
        snakemake.params.shards,
        [Path(path) for path in snakemake.input.status],
        Path(snakemake.output.status),
    )
