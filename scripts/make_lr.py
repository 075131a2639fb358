"""Rule make_lr: downsample the HR images of a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.lr.degrade import make_lr

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_lr(
        Path(snakemake.input.hr),
        snakemake.wildcards.kernel,
        int(snakemake.wildcards.scale),
        out_dir=Path(snakemake.output.images),
        manifest=Path(snakemake.output.manifest),
        seed=snakemake.params.seed,
        threads=snakemake.threads,
    )
