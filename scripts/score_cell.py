"""Rule score: PSNR, SSIM and LPIPS of one cell."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.assets.manifest import Manifest
from sisr.joblog import job
from sisr.metrics.lpips_backbone import by_net
from sisr.scoring import score_cell

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    backbones = [Manifest.read(Path(path)) for path in snakemake.input.backbones]
    score_cell(
        Path(snakemake.input.hr),
        Path(snakemake.input.sr),
        int(snakemake.wildcards.scale),
        snakemake.params.measures,
        Path(snakemake.output[0]),
        dataset=snakemake.wildcards.dataset,
        kernel=snakemake.wildcards.kernel,
        model=snakemake.wildcards.model,
        lpips_backbones=by_net({name: m.path(name) for m in backbones for name in m.files}),
        threads=snakemake.threads,
    )
