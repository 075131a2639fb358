"""Rule train_model: train a recipe for one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base import device
from sisr.base.joblog import job
from sisr.data.assets import FetchedAsset
from sisr.models.recipes import read_recipe
from sisr.training.train import Inputs, train

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    fetched = [FetchedAsset.read(Path(path)) for path in snakemake.input.assets]
    start = snakemake.input.get("start")
    inputs = Inputs({asset.asset: asset.paths() for asset in fetched}, Path(start) if start else None)
    wanted = device.for_job(snakemake.params.device, snakemake.resources.gpu)
    with device.lease(device.resolve(wanted)) as leased:
        train(
            read_recipe(snakemake.wildcards.recipe),
            int(snakemake.wildcards.scale),
            inputs,
            Path(snakemake.output.weights),
            device=leased,
        )
