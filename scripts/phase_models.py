"""Rule phase_models: whether a model moves the image, at one scale."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.audit import audit_models, read_shifts
from sisr.base.joblog import job
from sisr.inquiry.given_sets import read_all, with_found
from sisr.report.phase_pages import write_models

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    scale = int(snakemake.wildcards.scale)
    labels = snakemake.params.labels
    found = read_all(snakemake.input.identities)
    labels["kernels"] = with_found(labels["kernels"], found, labels["datasets"])
    write_models(
        audit_models(read_shifts(map(Path, snakemake.input.shifts)), scale),
        scale,
        labels,
        Path(snakemake.output.csv),
        Path(snakemake.output.html),
    )
