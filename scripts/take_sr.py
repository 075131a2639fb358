"""Rule take_sr: SR images of a program that is not run here."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.models.model_entries import get
from sisr.upscaling.given_sr import take_sr

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    index, count = map(int, snakemake.wildcards.shard.split("of"))
    take_sr(
        get(snakemake.wildcards.model),
        Path(snakemake.input.hr),
        Path(snakemake.input.lr),
        Path(snakemake.output.images),
        Path(snakemake.output.status),
        shard=(index, count),
    )
