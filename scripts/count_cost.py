"""Rule count_cost: counted cost of one model at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.cost.jobs import count_job
from sisr.base.joblog import job
from sisr.upscaling.upscale import ScaledModel

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    names, source = snakemake.wildcards, snakemake.input.weights
    scaled = ScaledModel.of_run(names.model, int(names.scale), Path(source) if source else None)
    count_job(scaled, Path(snakemake.output[0]))
