"""Same pixels, many protocols: what PSNR and SSIM become by convention alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sisr.base.csv_files import write_rows
from sisr.base.manifest import Manifest
from sisr.base.matching import match, references
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.scoring.metrics import parse_measure
from sisr.scoring.metrics.protocol import fidelity_measures

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
    from sisr.scoring.score import pairs_of

    pairs = pairs_of(Manifest.read(hr), map(Manifest.read, shards))
    return Pixels(label, dataset, scale, tuple((pair.hr_path, pair.sr_path) for pair in pairs))


def of_assets(
    label: str, dataset: str, scale: int, hr: FetchedAsset, sr: FetchedAsset, folder: str
) -> Pixels:
    """Pixels that others have published as ``<folder><image>_...``; none if an asset is unavailable."""
    if "unavailable" in (hr.status, sr.status):
        return Pixels(label, dataset, scale, ())
    images = references(path for _, path in sorted(hr.paths().items()))
    published = match(images, [path for name, path in sr.paths().items() if name.startswith(folder)], scale)
    return Pixels(label, dataset, scale, tuple((path, published[name]) for name, path in images.items()))


def score(pixels: Pixels) -> dict[str, float]:
    """Mean of each of the fidelity measures; empty if there are no images."""
    from sisr.scoring.score import Evaluation, Pair, score_pairs

    values: dict[str, list[float]] = {}
    evaluation = Evaluation(fidelity_measures(), threads=2)
    pairs = [Pair(hr.stem, hr, sr) for hr, sr in pixels.pairs]
    for found in score_pairs(pairs, pixels.scale, evaluation):
        values.setdefault(found.measure.id, []).append(found.value)
    return {measure: math.fsum(of) / len(of) for measure, of in values.items()}


def write(scored: Mapping[Pixels, Mapping[str, float]], path: Path) -> None:
    """Write the CSV, one row for each pixels and measure."""
    rows = []
    for pixels, means in scored.items():
        for key, value in means.items():
            measure = parse_measure(key)
            row = (pixels.label, pixels.dataset, pixels.scale, measure.metric, measure.protocol)
            rows.append([*row, measure.format(value)])
    write_rows(path, COLUMNS, rows)
