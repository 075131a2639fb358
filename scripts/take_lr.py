"""Rule take_lr: user images as an LR set."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.lr.given_lr import take_lr

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    take_lr(
        Path(snakemake.input.hr),
        int(snakemake.wildcards.scale),
        out_dir=Path(snakemake.output.images),
        manifest=Path(snakemake.output.manifest),
    )
