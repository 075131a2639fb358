"""Rule study_tiling: networks in tiles against networks on the whole image."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.studies import draw_tiling as figures
from sisr.studies import tiling
from sisr.studies.common import read_images, write
from sisr.studies.run_networks import load_modules

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    weights = dict(zip(snakemake.params.networks, map(Path, snakemake.input.weights), strict=True))
    images = read_images(Path(snakemake.input.hr), 1, tiling.SIDE * tiling.SCALE)
    result = tiling.measure(images, load_modules(weights, tiling.SCALE))
    figures.draw_curves(result, Path(snakemake.output.curves))
    figures.draw_images(result, Path(snakemake.output.images))
    rows, findings = result.rows, tiling.findings(result)
    write(rows, findings, Path(snakemake.output.table), Path(snakemake.output.findings))
