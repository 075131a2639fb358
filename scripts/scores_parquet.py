"""Rule scores_parquet: the tidy score table as Parquet."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.scoring.parquet import write_scores

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    write_scores(Path(snakemake.input[0]), Path(snakemake.output[0]))
