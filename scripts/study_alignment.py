"""Rule study_alignment: self-ensemble, and LR that is shifted in test and in training."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.data.assets import FetchedAsset
from sisr.studies import alignment
from sisr.studies import draw_alignment as figures
from sisr.studies.common import read_images, write
from sisr.studies.run_networks import load

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    weights = dict(zip(snakemake.params.networks, map(Path, snakemake.input.get("weights", [])), strict=True))
    fetched = [FetchedAsset.read(Path(path)) for path in snakemake.input.training]
    result = alignment.measure(
        read_images(Path(snakemake.input.hr), 3, alignment.SIDE),
        load(weights, alignment.SCALE),
        alignment.read_training({asset.asset: asset.paths() for asset in fetched}),
    )
    figures.draw_curves(result, Path(snakemake.output.curves))
    figures.draw_images(result, Path(snakemake.output.images))
    rows, findings = result.rows, alignment.findings(result)
    write(rows, findings, Path(snakemake.output.table), Path(snakemake.output.findings))
