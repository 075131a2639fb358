"""Rule site_originals: HR and LR images of the viewer."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.site.originals import write_originals

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    write_originals(
        Path(snakemake.input.hr),
        Path(snakemake.input.lr),
        int(snakemake.wildcards.scale),
        Path(snakemake.output[0]),
        snakemake.params.quality,
    )
