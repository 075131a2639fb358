"""Rule protocol_table: the same pixels under all protocols."""

from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base.joblog import job
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.report.protocol_page import page
from sisr.trust.protocol_table import of_assets, of_cell, score, write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

with job(snakemake.log[0]):
    origins, notes = [], []
    if snakemake.input.published:
        assets = [FetchedAsset.read(Path(path)) for path in snakemake.input.published]
        for scale in snakemake.params.scales:
            origins.append(of_assets("RCAN's files", "set5", scale, *assets, f"x{scale}/"))
    shards = iter(map(Path, snakemake.input.sr))
    for (label, dataset, scale, count), hr in zip(snakemake.params.cells, snakemake.input.hr, strict=True):
        origins.append(of_cell(label, dataset, scale, Path(hr), [next(shards) for _ in range(count)]))
    for pixels in origins:
        if not pixels.pairs:
            notes.append(f"{pixels.label} at x{pixels.scale}: no images; see the status table and the log.")
    scored = {pixels: score(pixels) for pixels in origins if pixels.pairs}
    write(scored, Path(snakemake.output.csv))
    page(scored, notes, Path(snakemake.output.html))
