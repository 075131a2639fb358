"""Rule curves: how the losses and the validation PSNR-Y of a run's trained models went."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.figures.training_curves import curves
from sisr.training.curves import file_of, read_csv

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    made_by = zip(snakemake.params.labels, snakemake.input, strict=True)
    scale = int(snakemake.wildcards.scale)
    found = {label: read_csv(file_of(Path(path), scale)) for label, path in made_by}
    curves(found, Path(snakemake.output[0]))
