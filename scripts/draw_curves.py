"""Rule curves: how the losses and the validation PSNR-Y of a run's trained models went."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.figures.training import curves
from sisr.joblog import job
from sisr.training.curves import read_csv

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    labels = snakemake.params.labels
    files = [Path(path) for path in snakemake.params.files]
    curves(
        {label: read_csv(path) for label, path in zip(labels, files, strict=True)}, Path(snakemake.output[0])
    )
