"""Rule user_tables: scores, status and result tables of LR user images at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.given_tables import make_tables, names_of

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
