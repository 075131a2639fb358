"""Rule count_cost: counted cost of all models at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.cost.jobs import count_job
from sisr.base.joblog import job
from sisr.upscaling.upscale import ScaledModel

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    scale, sources = int(snakemake.wildcards.scale), iter(snakemake.input.weights)
    models = [
        ScaledModel.of_run(name, scale, Path(next(sources)) if weighs else None)
        for name, weighs in snakemake.params.models
    ]
    count_job(models, Path(snakemake.output[0]))
