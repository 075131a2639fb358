"""Rule site_images: SR and error images of one cell."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.cells import Cell
from sisr.base.joblog import job
from sisr.report.site.viewer_images import write_cell

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    names = snakemake.wildcards
    write_cell(
        Path(snakemake.input.hr),
        [Path(path) for path in snakemake.input.sr],
        Cell(names.dataset, names.kernel, int(names.scale), names.model),
        Path(snakemake.output.images),
        Path(snakemake.output.manifest),
        quality=snakemake.params.quality,
        parts=[Path(path) for path in snakemake.input.parts],
    )
