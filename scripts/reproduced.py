"""Rule reproduced: the run's means beside published numbers."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.cells import Cell
from sisr.base.joblog import job
from sisr.report.reproduced_page import page
from sisr.trust.reproduced import compare, write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    shards = iter(map(Path, snakemake.input.sr))
    extra = {
        Cell(*cell): (Path(hr), [next(shards) for _ in range(count)])
        for (cell, count), hr in zip(snakemake.params.extra, snakemake.input.hr, strict=True)
    }
    rows = compare(
        Path(snakemake.input.scores),
        Path(snakemake.input.status),
        [Cell(*cell) for cell in snakemake.params.cells],
        extra,
        snakemake.params.measures,
    )
    write(rows, Path(snakemake.output.csv))
    page(rows, Path(snakemake.output.html))
