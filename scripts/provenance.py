"""Rule provenance: what made this result folder."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.trust.provenance import record

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    record(
        snakemake.params.config,
        [Path(path) for path in snakemake.input.assets],
        [Path(path) for path in snakemake.input.own],
        [Path(path) for path in snakemake.input.trained],
        out=Path(snakemake.output.record),
        config_copy=Path(snakemake.output.config),
    )
