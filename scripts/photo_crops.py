"""Rule photo_crops: crop sheets of LR pictures of the user's own at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.data.my_photos import DATASET, GIVEN
from sisr.report.given_tables import names_of
from sisr.report.result_crops import make_crops

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    make_crops(
        Path(snakemake.input.scores),
        None,
        Path(snakemake.input.lr),
        {m: [Path(path)] for m, path in zip(snakemake.params.models, snakemake.input.sr, strict=True)},
        dataset=DATASET,
        kernel=GIVEN,
        scale=int(snakemake.wildcards.scale),
        outs=[Path(path) for path in snakemake.output],
        shown=names_of(**snakemake.params.names),
        regions=snakemake.params.regions,
        limit=snakemake.params.limit,
    )
