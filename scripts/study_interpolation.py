"""Rule study_interpolation: interpolation kernels against frequency and on images."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.studies import draw_interpolation as figures
from sisr.studies import interpolation
from sisr.studies.common import read_images, write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    result = interpolation.measure(read_images(Path(snakemake.input.hr), 5, 384))
    figures.draw_kernels(Path(snakemake.output.kernels))
    figures.draw_errors(result, Path(snakemake.output.errors))
    figures.draw_images(result, Path(snakemake.output.images))
    rows, findings = result.rows, interpolation.findings(result)
    write(rows, findings, Path(snakemake.output.table), Path(snakemake.output.findings))
