"""Rule robustness: models against LR kernels at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.robustness_page import make_robustness
from sisr.report.shown_run import names

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    sets = [(dataset, kernel) for dataset, kernel, _ in snakemake.params.sets]
    heat_map = Path(snakemake.output.heat_map)
    make_robustness(
        Path(snakemake.input.scores),
        dict(zip(snakemake.params.datasets, map(Path, snakemake.input.hr), strict=True)),
        dict(zip(sets, map(Path, snakemake.input.lr), strict=True)),
        int(snakemake.wildcards.scale),
        names(**snakemake.params.names),
        table=Path(snakemake.output.table),
        heat_map=heat_map,
        ranks=Path(snakemake.output.ranks),
        sheets=Path(snakemake.output.sheets),
        page=Path(snakemake.output.page),
    )
