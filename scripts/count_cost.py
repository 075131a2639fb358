"""Rule count_cost: counted cost of one model at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.cost.jobs import count_job
from sisr.base.joblog import job
from sisr.models.model_entries import get
from sisr.upscaling.upscale import weight_files

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    model = get(snakemake.wildcards.model)
    scale = int(snakemake.wildcards.scale)
    source = Path(snakemake.input.weights) if snakemake.input.weights else None
    count_job(model, scale, lambda: weight_files(model, scale, source), Path(snakemake.output[0]))
