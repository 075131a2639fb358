"""Same pixels, many protocols: what PSNR and SSIM become by convention alone."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sisr import registry
from sisr.assets.manifest import Manifest
from sisr.atomic import write_text
from sisr.metrics import parse_measure
from sisr.metrics.protocol import FIDELITY_METRICS, fidelity_measures

COLUMNS = ("pixels", "dataset", "scale", "metric", "protocol", "mean")


@dataclass(frozen=True)
class Pixels:
    """SR images of one origin: a label, their dataset and scale, and (HR, SR) files."""

    label: str
    dataset: str
    scale: int
    pairs: tuple[tuple[Path, Path], ...]


def of_cell(label: str, dataset: str, scale: int, hr: Path, shards: Sequence[Path]) -> Pixels:
    """Pixels of a run's cell, from its HR manifest and its status files; none of a cell that did not run."""
    files = {e["name"]: hr.parent / e["file"] for e in json.loads(hr.read_text(encoding="utf-8"))["images"]}
    pairs = tuple(
        (files[entry["name"]], shard.parent / entry["file"])
        for shard in shards
        for entry in json.loads(shard.read_text(encoding="utf-8"))["images"]
    )
    return Pixels(label, dataset, scale, pairs)


def of_assets(label: str, dataset: str, scale: int, hr: Manifest, sr: Manifest, folder: str) -> Pixels:
    """Pixels that others have published as ``<folder><image>_...``; none if an asset is unavailable."""
    if "unavailable" in (hr.status, sr.status):
        return Pixels(label, dataset, scale, ())
    files = {Path(name).stem: path for name, path in sorted(hr.paths().items())}
    published = sr.paths()
    pairs = [
        (path, published[name])
        for stem, path in files.items()
        for name in published
        if name.startswith(f"{folder}{stem}_")
    ]
    return Pixels(label, dataset, scale, tuple(pairs))


def score(pixels: Pixels) -> dict[str, float]:
    """Mean of each of the fidelity measures; empty if there are no images."""
    from sisr.scoring import Pair, score_pairs

    values: dict[str, list[float]] = {}
    pairs = [Pair(hr.stem, hr, sr) for hr, sr in pixels.pairs]
    for found in score_pairs(pairs, pixels.scale, fidelity_measures(), threads=2):
        values.setdefault(found.measure.id, []).append(found.value)
    return {measure: math.fsum(of) / len(of) for measure, of in values.items()}


def write(scored: Mapping[Pixels, Mapping[str, float]], path: Path) -> None:
    """Write the CSV, one row for each pixels and measure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for pixels, means in scored.items():
        for key, value in means.items():
            measure = parse_measure(key)
            row = (pixels.label, pixels.dataset, pixels.scale, measure.metric, measure.protocol)
            writer.writerow([*row, measure.format(value)])
    write_text(path, text.getvalue())


def page(scored: Mapping[Pixels, Mapping[str, float]], notes: Sequence[str], path: Path) -> None:
    """Write the page: a table for each scale, a row for each protocol."""
    from sisr.listing import Block, Entry, Page, write_page

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
                    line.append(Entry("" if missing else f"{value:.{2 if metric == 'psnr' else 4}f}"))
            rows.append(line)
        for means in here.values():
            psnr = [value for key, value in means.items() if key.startswith("psnr@") and math.isfinite(value)]
            spreads.append(max(psnr) - min(psnr))
        blocks.append(Block(f"×{scale}", columns, rows))
    lead = [
        "The same pixels under every protocol for PSNR and SSIM. Nothing differs between two rows but the "
        "convention" + (f", and PSNR moves by up to {max(spreads):.1f} dB." if spreads else "."),
        "A number without its protocol cannot be compared with another. Rest on a protocol for its rules.",
    ]
    write_page(Page("Same pixels, many protocols", lead, blocks, notes), path)
