"""Rule crate: the RO-Crate of the run."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.trust.crate import write_crate

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    write_crate(
        Path(snakemake.output.metadata).parent,
        [Path(path) for path in snakemake.input.parts],
        [Path(path) for path in snakemake.input.assets],
    )
