"""Rule site_pictures: SR and error pictures of one cell."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.site.pictures import write_cell

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    names = snakemake.wildcards
    write_cell(
        Path(snakemake.input.hr),
        [Path(path) for path in snakemake.input.sr],
        int(names.scale),
        Path(snakemake.output.images),
        Path(snakemake.output.manifest),
        cell=f"{names.dataset}/{names.kernel}/x{names.scale}/{names.model}",
        quality=snakemake.params.quality,
        parts=[Path(path) for path in snakemake.input.parts],
    )
