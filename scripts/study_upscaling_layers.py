"""Rule study_upscaling_layers: layers that enlarge, their equality, cost and checkerboards."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.studies import draw_upscaling_layers as figures
from sisr.studies import upscaling_layers
from sisr.studies.common import read_images, write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    images = read_images(Path(snakemake.input.hr), 3, upscaling_layers.IMAGE)
    result = upscaling_layers.measure(images)
    figures.draw_numbers(result, Path(snakemake.output.numbers))
    figures.draw_images(result, Path(snakemake.output.images))
    rows, findings = result.rows, upscaling_layers.findings(result)
    write(rows, findings, Path(snakemake.output.table), Path(snakemake.output.findings))
