"""Rule robustness: models against LR kernels at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.robustness_page import Outputs, make_robustness
from sisr.report.shown_run import run_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    sets = [(dataset, kernel) for dataset, kernel, _ in snakemake.params.sets]
    make_robustness(
        run_of(snakemake.input, snakemake.params),
        dict(zip(sets, map(Path, snakemake.input.lr), strict=True)),
        int(snakemake.wildcards.scale),
        Outputs(**{name: Path(path) for name, path in snakemake.output.items()}),
    )
