"""Rule compare_precisions: one model in lower precisions against fp32."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.cost.ledger import ledger_job
from sisr.base.device import for_job
from sisr.base.joblog import job
from sisr.upscaling.inference.options import Execution, Options
from sisr.upscaling.upscale import ScaledModel

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    names, source = snakemake.wildcards, snakemake.input.weights
    scaled = ScaledModel.of_run(names.model, int(names.scale), Path(source) if source else None)
    ledger_job(
        scaled,
        hr_manifest=Path(snakemake.input.hr),
        lr_manifest=Path(snakemake.input.lr),
        out=Path(snakemake.output[0]),
        execution=Execution(
            for_job(snakemake.params.device, snakemake.resources.gpu),
            snakemake.threads,
            Options.of(snakemake.params.inference),
        ),
    )
