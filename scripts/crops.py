"""Rule crops: the crop sheets of one LR set."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.inquiry.given_sets import read_all
from sisr.report.result_crops import SetFiles, make_crops
from sisr.report.shown_run import names

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    status: dict[str, list[Path]] = {}
    for model, path in zip(snakemake.params.models, snakemake.input.sr, strict=True):
        status.setdefault(model, []).append(Path(path))
    make_crops(
        Path(snakemake.input.scores),
        SetFiles(
            snakemake.wildcards.dataset,
            snakemake.wildcards.kernel,
            int(snakemake.wildcards.scale),
            Path(snakemake.input.hr),
            Path(snakemake.input.lr),
            status,
        ),
        names(**snakemake.params.names, given=read_all(snakemake.input.identities)),
        [Path(path) for path in snakemake.output],
        regions=snakemake.params.regions,
        limit=snakemake.params.limit,
    )
