"""Rule phase_kernels: where every LR grid of the run lies."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.audit import audit_kernels, read_shifts
from sisr.base.joblog import job
from sisr.inquiry.given_sets import label_of_given, read_all
from sisr.report.phase_pages import write_kernels

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    rows = audit_kernels(
        [(kernel, scale, dataset) for dataset, kernel, scale in snakemake.params.sets],
        read_shifts(map(Path, snakemake.input.shifts)),
    )
    found = read_all(snakemake.input.identities)
    write_kernels(
        [replace(row, label=label_of_given(found, row) or row.label) for row in rows],
        snakemake.params.datasets,
        Path(snakemake.output.csv),
        Path(snakemake.output.html),
    )
