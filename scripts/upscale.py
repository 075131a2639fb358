"""Rule upscale: one cell's LR images through one model."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.device import for_job
from sisr.base.joblog import job
from sisr.upscaling.inference.options import Execution, Options
from sisr.upscaling.upscale import ScaledModel, upscale_cell

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    cell, source = snakemake.wildcards, snakemake.input.weights
    index, count = map(int, cell.shard.split("of"))
    upscale_cell(
        ScaledModel.of_run(cell.model, int(cell.scale), Path(source) if source else None),
        lr_manifest=Path(snakemake.input.lr),
        out_dir=Path(snakemake.output.images),
        status_path=Path(snakemake.output.status),
        execution=Execution(
            for_job(snakemake.params.device, snakemake.resources.gpu),
            snakemake.threads,
            Options.of(snakemake.params.inference),
        ),
        shard=(index, count),
        attempt_number=snakemake.resources.attempt,
    )
