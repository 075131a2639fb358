"""Rule user_crops: crop sheets of LR user images at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.cells import GIVEN
from sisr.base.joblog import job
from sisr.data.user_images import DATASET
from sisr.report.given_tables import names_of
from sisr.report.result_crops import SetFiles, make_crops

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    scale, lr = int(snakemake.wildcards.scale), Path(snakemake.input.lr)
    status = {m: [Path(path)] for m, path in zip(snakemake.params.models, snakemake.input.sr, strict=True)}
    make_crops(
        Path(snakemake.input.scores),
        SetFiles(DATASET, GIVEN, scale, None, lr, status),
        names_of(**snakemake.params.names),
        [Path(path) for path in snakemake.output],
        regions=snakemake.params.regions,
        limit=snakemake.params.limit,
    )
