"""Rule verdict: where one model of the run stands among the others."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.report.bench_verdict import Verdict, make_verdict
from sisr.report.shown_run import run_of

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    given, params = snakemake.input, snakemake.params
    run = run_of(given, params)
    cost = Path(given.cost) if given.cost else None
    make_verdict(
        [
            Verdict(run, Path(given.status), cost, params.model, scale, params.twins)
            for scale in params.scales
        ],
        Path(snakemake.output.text),
        Path(snakemake.output.html),
    )
