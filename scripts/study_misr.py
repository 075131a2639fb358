"""Rule study_misr: super-resolution from several frames, beside the networks' from one."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.studies import draw_misr as figures
from sisr.studies import misr
from sisr.studies.common import read_images, write
from sisr.studies.run_networks import load

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    weights = dict(zip(snakemake.params.networks, map(Path, snakemake.input.get("weights", [])), strict=True))
    images = read_images(Path(snakemake.input.hr), 3, misr.SIDE)
    result = misr.measure(images, load(weights, misr.SCALE))
    figures.draw_curves(result, Path(snakemake.output.curves))
    figures.draw_images(result, Path(snakemake.output.images))
    rows, findings = result.rows, misr.findings(result)
    write(rows, findings, Path(snakemake.output.table), Path(snakemake.output.findings))
