"""Rule precision_ledger: lower precisions against fp32, all models."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.ledger_page import write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    write(
        [Path(path) for path in snakemake.input],
        csv_path=Path(snakemake.output.csv),
        html_path=Path(snakemake.output.html),
        models=snakemake.params.labels["models"],
    )
