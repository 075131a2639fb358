"""Rule phase_set: shifts of the LR images of one set, and of every model's SR images."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.audit import measure_set
from sisr.base.joblog import job

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    status: dict[str, list[Path]] = {}
    for model, path in zip(snakemake.params.models, snakemake.input.sr, strict=True):
        status.setdefault(model, []).append(Path(path))
    measure_set(Path(snakemake.input.hr), Path(snakemake.input.lr), status, Path(snakemake.output[0]))
