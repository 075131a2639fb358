"""Rule certified: fail, naming the anchor, if a number is off; else keep the summary."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.atomic import write_text
from sisr.base.joblog import job
from sisr.trust.anchors import judge, read, summary

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    rows = read(Path(snakemake.input[0]))
    judge(rows)
    write_text(Path(snakemake.output[0]), summary(rows) + "\n")
