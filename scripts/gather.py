"""Rule gather: the tidy score table, the status table and the timings of the run."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.cells import Cell
from sisr.base.checksums import write_sums
from sisr.base.joblog import job
from sisr.scoring.gather import gather_scores, gather_status, gather_timings

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    given = snakemake.input
    parts = [*given.scores, *([given.shipped] if given.shipped else [])]
    gather_scores([Path(path) for path in parts], Path(snakemake.output.scores))
    cells = [Cell(*cell) for cell in snakemake.params.cells]
    status = [Path(path) for path in snakemake.input.status]
    absent = {Cell(*cell): reason for cell, reason in snakemake.params.absent}
    gather_status(
        cells,
        snakemake.params.shards,
        status,
        Path(snakemake.output.status),
        absent,
        Path(given.shipped_status) if given.shipped else None,
    )
    scored = [Path(path) for path in given.parts]
    gather_timings(cells, snakemake.params.shards, status, scored, Path(snakemake.output.timings))
    tables = [snakemake.output.scores, snakemake.output.status, snakemake.output.timings]
    write_sums([Path(path) for path in tables], Path(snakemake.output.sums))
