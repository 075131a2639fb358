"""Rule report_zip: the report and the site in one file."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.site.pack import pack

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    given = snakemake.input
    beside = [Path(path) for path in given.beside]
    pack(Path(given.report), Path(given.page).parent, Path(snakemake.output[0]), beside)
