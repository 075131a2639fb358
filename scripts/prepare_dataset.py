"""Rule prepare_dataset: decode and check the HR images of a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.data.datasets import prepare

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    prepare(
        snakemake.wildcards.dataset,
        asset_record=Path(snakemake.input.asset) if snakemake.input.asset else None,
        out_dir=Path(snakemake.output.images),
        manifest=Path(snakemake.output.manifest),
        threads=snakemake.threads,
        path=snakemake.params.entry.get("path"),
    )
