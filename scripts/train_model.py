"""Rule train_model: train a recipe for one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.assets import Manifest
from sisr.joblog import job
from sisr.recipes import read_recipe
from sisr.training import train

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    manifests = [Manifest.read(Path(path)) for path in snakemake.input]
    train(
        read_recipe(snakemake.wildcards.recipe),
        int(snakemake.wildcards.scale),
        pictures=[manifest.path(name) for manifest in manifests for name in manifest.files],
        out=Path(snakemake.output[0]),
    )
