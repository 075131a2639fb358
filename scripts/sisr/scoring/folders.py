"""Scores of two folders of somebody's own images, paired by name."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base import averages, registry
from sisr.base.cells import SCORE_COLUMNS, Cell
from sisr.base.errors import ScoreError
from sisr.base.image_files import list_images
from sisr.base.matching import match, references
from sisr.base.rounding import fixed
from sisr.scoring.metrics import Measure, parse_measure

if TYPE_CHECKING:
    import pandas as pd
from sisr.scoring.score import Evaluation, Pair, Progress, score_pairs, write_scores

#: In a table of images of which nobody said how the LR images were made.
UNKNOWN_KERNEL = "unknown"


def match_folders(hr_dir: Path, sr_dir: Path, scale: int) -> list[Pair]:
    """Pair the images of two folders by name (:mod:`sisr.base.matching`), in natural order of the HR.

    Raises :class:`ScoreError` for one folder given twice, and :class:`ImageError` for an HR without SR, an SR
    without HR, or more than one SR for an HR.
    """
    hr_dir, sr_dir = Path(hr_dir), Path(sr_dir)
    if hr_dir.resolve() == sr_dir.resolve():
        raise ScoreError(f"{hr_dir}: HR and SR are the same folder")
    names = references(list_images(hr_dir), scale)
    found = match(names, list_images(sr_dir), scale)
    return [Pair(name, path, found[name]) for name, path in names.items()]


def protocol_lines(measures: Iterable[Measure], scale: int) -> list[str]:
    """One line per protocol of the measures, saying what it is at this scale."""
    entries = registry.load("protocols")
    labels = {m.protocol: entries[m.protocol]["label"].replace("`scale`", str(scale)) for m in measures}
    return [f"protocol {key}: {label}" for key, label in labels.items()]


@dataclass(frozen=True, eq=False)
class FolderScores:
    """Scores of two folders: the matched pairs, the tidy table, and the mean of each measure by its id."""

    pairs: list[Pair]
    table: pd.DataFrame
    means: dict[str, float]

    def matches(self) -> list[str]:
        """One line per pair, ``HR file <- SR file``."""
        return [f"{pair.hr_path.name} <- {pair.sr_path.name}" for pair in self.pairs]

    def __str__(self) -> str:
        """What was matched, the protocols, then the means with their units, for a terminal."""
        scale = int(self.table["scale"].iloc[0])
        lines = [*self.matches(), *protocol_lines(map(parse_measure, self.means), scale)]
        lines.append(f"mean of {len(self.pairs)} image{'s' * (len(self.pairs) > 1)}:")
        for key, value in self.means.items():
            measure = parse_measure(key)
            shown = f"{fixed(value, measure.digits)} {measure.unit}".rstrip()
            mine = (self.table["metric"] == measure.metric) & (self.table["protocol"] == measure.protocol)
            identical = int((self.table["value"][mine] == math.inf).sum()) if math.isfinite(value) else 0
            without = f"; without {identical} identical" if identical else ""
            lines.append(f"  {measure.label:<12} {shown:<12} ({key}, {measure.direction} is better{without})")
        return "\n".join(lines)


def score_folders(
    hr_dir: Path,
    sr_dir: Path,
    scale: int,
    evaluation: Evaluation,
    out_csv: Path | None = None,
    *,
    progress: Progress | None = None,
) -> FolderScores:
    """Score every SR image of a folder against its HR image, matched by :func:`match_folders`.

    SR must have the size of the HR or of the HR cropped to the scale; nothing is resized.  The dataset and
    the model are called what the folders are called.  ``out_csv`` gets the tidy table; no file is written if
    an image fails.
    """
    import pandas as pd

    pairs = match_folders(hr_dir, sr_dir, scale)
    scores = list(score_pairs(pairs, scale, evaluation, progress=progress, or_full=True))
    cell = Cell(Path(hr_dir).resolve().name, UNKNOWN_KERNEL, scale, Path(sr_dir).resolve().name)
    if out_csv is not None:
        write_scores(Path(out_csv), scores, **cell._asdict())
    rows = [
        {
            **cell._asdict(),
            "image": image,
            "metric": measure.metric,
            "protocol": measure.protocol,
            "value": value,
        }
        for image, measure, value in scores
    ]
    # The digits of the table: the same means come out of the CSV, and of a run.
    means = {
        measure.id: averages.mean(float(measure.format(s.value)) for s in scores if s.measure == measure)[0]
        for measure in evaluation.parsed
    }
    return FolderScores(pairs, pd.DataFrame(rows, columns=list(SCORE_COLUMNS)), means)
