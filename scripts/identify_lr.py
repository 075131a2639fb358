"""Rule identify_lr: which kernel made a given LR set."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.inquiry.given_sets import identify_given

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    identify_given(
        Path(snakemake.input.hr),
        Path(snakemake.input.lr),
        snakemake.params.said,
        Path(snakemake.output[0]),
        threads=snakemake.threads,
    )
