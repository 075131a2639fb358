"""Rule certify: compute the anchors again, and write what was found, whether right or wrong."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.report import certification_page
from sisr.trust.anchors import write
from sisr.trust.certification import certify

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    fetched = {Path(path).stem: FetchedAsset.read(Path(path)) for path in snakemake.input}
    rows = certify(snakemake.params.anchors, fetched.__getitem__, threads=snakemake.threads, progress=print)
    write(rows, Path(snakemake.output.csv))
    certification_page.write(rows, Path(snakemake.output.html))
