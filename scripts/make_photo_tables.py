"""Rule photo_tables: scores, status and result tables of LR pictures of the user's own at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.blind import make_tables, names_of
from sisr.joblog import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    found = zip(map(Path, snakemake.input.scores), map(Path, snakemake.input.sr), strict=True)
    make_tables(
        dict(zip(snakemake.params.models, found, strict=True)),
        int(snakemake.wildcards.scale),
        Path(snakemake.output.scores),
        Path(snakemake.output.status),
        Path(snakemake.output.csv).parent,
        names_of(**snakemake.params.names),
    )
