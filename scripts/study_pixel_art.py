"""Rule study_pixel_art: sprites by interpolation, networks and Scale2x."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.studies import draw_pixel_art as figures
from sisr.studies import pixel_art
from sisr.studies.common import write
from sisr.studies.run_networks import load

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    networks = {}
    for scale in pixel_art.SCALES:
        names = snakemake.params[f"networks_x{scale}"]
        files = map(Path, snakemake.input.get(f"weights_x{scale}", []))
        networks[scale] = load(dict(zip(names, files, strict=True)), scale)
    result = pixel_art.measure(networks)
    figures.draw_numbers(result, Path(snakemake.output.numbers))
    figures.draw_images(result, Path(snakemake.output.images))
    rows, findings = result.rows, pixel_art.findings(result)
    write(rows, findings, Path(snakemake.output.table), Path(snakemake.output.findings))
