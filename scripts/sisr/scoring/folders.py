"""Scores of two folders of somebody's own images, paired by name."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.base import averages, registry
from sisr.base.cells import SCORE_COLUMNS, Cell
from sisr.base.errors import ScoreError
from sisr.base.image_files import list_images
from sisr.scoring.metrics import Measure, parse_measure

if TYPE_CHECKING:
    import pandas as pd
from sisr.scoring.score import Evaluation, Pair, Progress, score_pairs, write_scores

#: In a table of images of which nobody said how the LR images were made.
UNKNOWN_KERNEL = "unknown"

#: ``img_001_SRF_4_HR``, ``img_001_HR``: the HR marks of datasets that keep HR and LR side by side.
_HR_MARK = re.compile(r"(?:_SRF_\d+)?_HR$", re.IGNORECASE)


#: A scale in what follows the image's name: ``x4``, ``_x4``, ``_4x``, ``_SRF_4``.
_SCALE_MARK = re.compile(r"(?:^|[_-])(?:(?:x|SRF_)(\d+)|(\d+)x)(?![A-Za-z0-9])", re.IGNORECASE)


def match_folders(hr_dir: Path, sr_dir: Path, scale: int) -> list[Pair]:
    """Pair the images of two folders by name, in the natural order of the HR folder.

    An SR file belongs to HR image ``NAME`` if its stem is the HR's own, or ``NAME`` followed by a scale, a
    model or both: ``NAMEx4``, ``NAME_x4``, ``NAME_MODEL_x4``, ``NAME_x4_MODEL``, ``NAME_MODEL``.  ``NAME`` is
    the HR's stem without ``_HR`` or ``_SRF_4_HR``; where an HR folder has files so marked, its other files
    (the LR beside them) are left out.  SR files that name another scale are left out.  The longest fitting
    ``NAME`` wins, so ``img_2`` is never taken for a variant of ``img``.

    Raises :class:`ScoreError` for an HR without SR, an SR without HR, or more than one SR for an HR.
    """
    hr_dir, sr_dir = Path(hr_dir), Path(sr_dir)
    if hr_dir.resolve() == sr_dir.resolve():
        raise ScoreError(f"{hr_dir}: HR and SR are the same folder")
    hr_files = list_images(hr_dir)
    marked = [path for path in hr_files if _HR_MARK.search(path.stem)]
    names: dict[str, Path] = {}
    for path in marked or hr_files:
        name = _HR_MARK.sub("", path.stem)
        if name in names:
            raise ScoreError(f"{hr_dir}: {names[name].name} and {path.name} are both HR of '{name}'")
        names[name] = path
    found: dict[str, list[Path]] = {name: [] for name in names}
    for path in list_images(sr_dir):
        owner, other_scale = _owner(path.stem, names, scale)
        if owner is not None:
            found[owner].append(path)
        elif other_scale is None:
            raise ScoreError(f"{path}: no HR image of that name in {hr_dir}")
    for name, candidates in found.items():
        if not candidates:
            raise ScoreError(f"{names[name]}: no SR image for scale {scale} in {sr_dir}")
        if len(candidates) > 1:
            listed = ", ".join(path.name for path in candidates)
            raise ScoreError(f"{names[name]}: {len(candidates)} SR images in {sr_dir}: {listed}")
    return [Pair(name, path, found[name][0]) for name, path in names.items()]


def _owner(stem: str, names: Mapping[str, Path], scale: int) -> tuple[str | None, int | None]:
    """Name of the HR image that an SR stem belongs to, or the other scale that the stem names."""
    other_scale = None
    for name in sorted(names, key=len, reverse=True):
        if stem in (name, names[name].stem):
            return name, None
        rest = stem[len(name) :]
        if not stem.startswith(name) or not re.match(r"[_-]|x\d+(?![A-Za-z0-9])", rest, re.IGNORECASE):
            continue
        scales = {int(first or second) for first, second in _SCALE_MARK.findall(rest)}
        if not scales or scale in scales:
            return name, None
        other_scale = min(scales)
    return None, other_scale


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
            shown = f"{value:.{measure.digits}f} {measure.unit}".rstrip()
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
    means = {
        measure.id: averages.mean(s.value for s in scores if s.measure == measure)[0]
        for measure in evaluation.parsed
    }
    return FolderScores(pairs, pd.DataFrame(rows, columns=list(SCORE_COLUMNS)), means)
