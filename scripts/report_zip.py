"""Rule report_zip: the report and the site in one file."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.site.pack import pack

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    pack(Path(snakemake.input.report), Path(snakemake.input.page).parent, Path(snakemake.output[0]))
