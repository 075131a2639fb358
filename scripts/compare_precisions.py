"""Rule compare_precisions: one model in lower precisions against fp32."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.cost.ledger import ledger_job
from sisr.base.device import for_job
from sisr.base.joblog import job
from sisr.models.model_entries import get
from sisr.upscaling.inference.options import Options
from sisr.upscaling.upscale import weight_files

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    model = get(snakemake.wildcards.model)
    scale = int(snakemake.wildcards.scale)
    source = Path(snakemake.input.weights) if snakemake.input.weights else None
    ledger_job(
        model,
        scale,
        lambda: weight_files(model, scale, source),
        hr_manifest=Path(snakemake.input.hr),
        lr_manifest=Path(snakemake.input.lr),
        out=Path(snakemake.output[0]),
        device=for_job(snakemake.params.device, snakemake.resources.gpu),
        threads=snakemake.threads,
        options=Options.of(snakemake.params.inference),
    )
