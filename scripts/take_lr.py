"""Rule take_lr: given images as an LR set."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.lr.given_lr import take_lr, take_pairs

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    hr, scale = Path(snakemake.input.hr), int(snakemake.wildcards.scale)
    files = {"out_dir": Path(snakemake.output.images), "manifest": Path(snakemake.output.manifest)}
    if snakemake.params.folder:
        take_pairs(hr, Path(snakemake.params.folder).expanduser(), scale, **files)
    else:
        take_lr(hr, scale, **files)
