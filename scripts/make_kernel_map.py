"""Rule kernel_map: models against LR kernels at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.joblog import job
from sisr.results import make_kernel_map, names

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_kernel_map(
        Path(snakemake.input.scores),
        dict(zip(snakemake.params.datasets, map(Path, snakemake.input.hr), strict=True)),
        int(snakemake.wildcards.scale),
        names(**snakemake.params.names),
        Path(snakemake.output[0]),
    )
