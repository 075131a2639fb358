"""Rule upscale: one cell's LR images through one model."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.device import for_job
from sisr.base.joblog import job
from sisr.models.model_entries import get
from sisr.upscaling.inference.options import Options
from sisr.upscaling.upscale import upscale_cell, weight_files

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    model = get(snakemake.wildcards.model)
    scale = int(snakemake.wildcards.scale)
    source = Path(snakemake.input.weights) if snakemake.input.weights else None
    index, count = map(int, snakemake.wildcards.shard.split("of"))
    upscale_cell(
        model,
        scale,
        lr_manifest=Path(snakemake.input.lr),
        out_dir=Path(snakemake.output.images),
        status_path=Path(snakemake.output.status),
        weights=lambda: weight_files(model, scale, source),
        device=for_job(snakemake.params.device, snakemake.resources.gpu),
        threads=snakemake.threads,
        shard=(index, count),
        options=Options.of(snakemake.params.inference),
        attempt_number=snakemake.resources.attempt,
    )
