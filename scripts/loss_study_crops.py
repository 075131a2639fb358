"""Rule loss_study_crops: HR, and networks that differ in their loss, at the same crops."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.summaries import read_scores
from sisr.base.joblog import job
from sisr.report.loss_study import LossStudy, draw
from sisr.report.shown_run import names

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    study = snakemake.params.study
    folders = dict(zip(map(tuple, snakemake.params.cells), map(Path, snakemake.input.sr), strict=True))
    scores, scale = read_scores(Path(snakemake.input.scores)), int(snakemake.wildcards.scale)
    draw(
        LossStudy(**study),
        scores[(scores["scale"] == scale) & (scores["kernel"] == snakemake.params.kernel)],
        scale,
        dict(zip(study["regions"], map(Path, snakemake.input.hr), strict=True)),
        folders,
        names(**snakemake.params.names).shown(),
        Path(snakemake.output[0]),
    )
