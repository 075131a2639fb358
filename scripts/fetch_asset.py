"""Rule fetch_asset: download an asset and check it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.data.assets import fetch, fetch_or_unavailable
from sisr.data.assets.sources import MIRROR_VARIABLE

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    get = fetch_or_unavailable if snakemake.params.optional else fetch
    get(
        snakemake.wildcards.asset,
        resources=Path(snakemake.output[0]).parents[1],
        mirror=os.environ.get(MIRROR_VARIABLE) or snakemake.params.mirror or None,
    )
