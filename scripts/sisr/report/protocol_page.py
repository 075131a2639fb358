"""Same pixels, many protocols, as a page of the report."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from sisr.base import registry
from sisr.base.rounding import fixed
from sisr.scoring.metrics.protocol import FIDELITY_METRICS
from sisr.trust.protocol_table import Pixels


def page(scored: Mapping[Pixels, Mapping[str, float]], notes: Sequence[str], path: Path) -> None:
    """Write the page: a table for each scale, a row for each protocol."""
    from sisr.report.listing import Block, Entry, Page, write_page

    protocols = registry.load("protocols")
    rows_of = [key for key in protocols if protocols[key]["family"] == "fidelity"]
    datasets = registry.load("datasets")
    blocks, spreads = [], []
    for scale in dict.fromkeys(pixels.scale for pixels in scored):
        here = {pixels: means for pixels, means in scored.items() if pixels.scale == scale and means}
        columns = [("Protocol", "")] + [
            (
                f"{pixels.label} {metric.upper()}",
                datasets.get(pixels.dataset, {}).get("label", pixels.dataset),
            )
            for pixels in here
            for metric in FIDELITY_METRICS
        ]
        rows = []
        for protocol in rows_of:
            line = [Entry(protocol, hint=protocols[protocol]["label"])]
            for means in here.values():
                for metric in FIDELITY_METRICS:
                    value = means.get(f"{metric}@{protocol}", math.nan)
                    missing = math.isnan(value)
                    line.append(Entry("" if missing else fixed(value, 2 if metric == "psnr" else 4)))
            rows.append(line)
        for means in here.values():
            psnr = [value for key, value in means.items() if key.startswith("psnr@") and math.isfinite(value)]
            spreads.append(max(psnr) - min(psnr))
        blocks.append(Block(f"×{scale}", columns, rows))
    lead = [
        "The same pixels under every protocol for PSNR and SSIM. Nothing differs between two rows but the "
        "convention" + (f", and PSNR moves by up to {fixed(max(spreads), 1)} dB." if spreads else "."),
        "A number without its protocol cannot be compared with another. Rest on a protocol for its rules.",
    ]
    write_page(Page("Same pixels, many protocols", lead, blocks, notes), path)
