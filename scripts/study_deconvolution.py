"""Rule study_deconvolution: division in the frequency domain, its failure and its cures."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.studies import deconvolution
from sisr.studies import draw_deconvolution as figures
from sisr.studies.common import read_images, write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    result = deconvolution.measure(read_images(Path(snakemake.input.hr), 4, deconvolution.SIDE))
    figures.draw_spectra(result, Path(snakemake.output.spectra))
    figures.draw_curves(result, Path(snakemake.output.curves))
    figures.draw_images(result, Path(snakemake.output.images))
    rows, findings = result.rows, deconvolution.findings(result)
    write(rows, findings, Path(snakemake.output.table), Path(snakemake.output.findings))
