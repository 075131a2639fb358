"""Two folders of SR images against one of HR: ``sisr score --compare A B``."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sisr.analysis.shown_measures import MISSING, show, show_gap, show_mean, show_p, signed
from sisr.base.errors import ScoreError
from sisr.base.rounding import fixed
from sisr.scoring.folders import UNKNOWN_KERNEL, match_folders, protocol_lines
from sisr.scoring.metrics import Measure
from sisr.scoring.score import Evaluation, Pair, Progress, score_pairs, write_models


@dataclass(frozen=True, eq=False)
class FolderComparison:
    """What was matched, for each of the two models, and the statistics of each measure as lines of text."""

    models: tuple[str, str]
    pairs: tuple[list[Pair], list[Pair]]
    measures: tuple[Measure, ...]
    scale: int
    results: list[str]

    def __str__(self) -> str:
        """What was matched, the protocols, then the statistics, for a terminal."""
        lines = [
            f"{a.hr_path.name} <- {self.models[0]}: {a.sr_path.name}, {self.models[1]}: {b.sr_path.name}"
            for a, b in zip(*self.pairs, strict=True)
        ]
        return "\n".join([*lines, *protocol_lines(self.measures, self.scale), *self.results])


def compare_folders(
    hr_dir: Path,
    sr_dirs: tuple[Path, Path],
    scale: int,
    evaluation: Evaluation,
    out_csv: Path | None = None,
    *,
    progress: Progress | None = None,
) -> FolderComparison:
    """Score two folders as :func:`sisr.scoring.folders.score_folders` does, and compare them image by image.

    ``out_csv`` gets the tidy table of both; it is not written if an image fails.  The models are called what
    their folders are called; where the folders have one name, what the folders above them are called.
    """
    wanted = evaluation.parsed
    names = folder_names(*sr_dirs)
    matched = [match_folders(hr_dir, folder, scale) for folder in sr_dirs]
    scores = {}
    for name, pairs in zip(names, matched, strict=True):
        scores[name] = list(score_pairs(pairs, scale, evaluation, progress=progress, or_full=True))
    dataset = Path(hr_dir).resolve().name
    if out_csv is not None:
        write_models(Path(out_csv), scores, dataset=dataset, kernel=UNKNOWN_KERNEL, scale=scale)
    results = []
    for measure in wanted:
        columns = [[s.value for s in found if s.measure == measure] for found in scores.values()]
        # The digits of the table: the same statistics come out of the CSV.
        values = np.array([[float(measure.format(v)) for v in column] for column in columns]).T
        results += describe(dataset, [pair.image for pair in matched[0]], names, measure, values)
    return FolderComparison(names, (matched[0], matched[1]), wanted, scale, results)


def folder_names(a: Path, b: Path) -> tuple[str, str]:
    """Names that tell two folders apart: the last parts of their paths that differ."""
    parts = [Path(path).resolve().parts for path in (a, b)]
    if parts[0] == parts[1]:
        raise ScoreError(f"{a}: compared with itself")
    for first, second in zip(reversed(parts[0]), reversed(parts[1]), strict=False):
        if first != second:
            return first, second
    # One path ends as the other does, only higher up.
    return str(a), str(b)


def describe(
    dataset: str, images: Sequence[str], names: tuple[str, str], measure: Measure, values: Any
) -> list[str]:
    """Lines on one measure; ``values`` is ``(images, 2)``."""
    from sisr.analysis.statistics import ALPHA, verdicts
    from sisr.analysis.statistics.paired import images_needed
    from sisr.analysis.statistics.samples import Sample

    keys = [f"{dataset}/{image}" for image in images]
    order = np.argsort(np.array(keys), kind="stable")
    sample = Sample(
        dataset, "unknown", 0, measure, tuple(keys[i] for i in order), names, np.asarray(values)[order]
    )
    standing = verdicts.stand(sample)
    pair = standing.comparison
    unit = f" {measure.unit}" if measure.unit else ""
    width = max(len(name) for name in (*names, "difference")) + 2
    lines = [f"{measure.label} ({measure.id}, {measure.direction} is better), {_images(sample.n)}:"]
    for i, name in enumerate(names):
        interval = _interval(show(standing.lower[i], measure), show(standing.upper[i], measure))
        mean = show_mean(standing.means[i], standing.identical[i], measure)
        lines.append(f"  {name:<{width}}{mean}{unit}{interval}")
    interval = _interval(show_gap(pair.lower[0], measure), show_gap(pair.upper[0], measure))
    lines.append(
        f"  {'difference':<{width}}{show_gap(pair.difference[0], measure)}{unit}{interval}; paired, "
        f"{names[0]} minus {names[1]}"
    )
    wins, ties, losses = pair.wins[0], pair.ties[0], pair.losses[0]
    lines.append(f"  {'images':<{width}}{names[0]} better on {wins}, equal on {ties}, worse on {losses}")
    verdict = pair.verdict(0)
    p = "" if verdict == verdicts.UNTESTABLE else f"Wilcoxon p {show_p(pair.p[0])}, "
    lines.append(f"  {'test':<{width}}{p}effect size {signed(pair.effect[0])}")
    if not math.isnan(pair.detectable[0]):
        least = f"{fixed(pair.detectable[0], measure.digits + 1)}{unit}"
        lines.append(f"  {'detectable':<{width}}from {least} on (these images, power 0.8)")
    text = {
        verdicts.UNTESTABLE: f"{verdict}: {images_needed(1)} or more can show a difference",
        verdicts.CONTRARY: f"{verdict}: the mean is for one, most images are for the other",
        verdicts.UNDECIDED: f"{verdict}: these images show no difference (p ≥ {ALPHA})",
    }.get(verdict, f"{verdict} is better (p < {ALPHA})")
    lines.append(f"  {'verdict':<{width}}{text}")
    return lines


def _images(n: int) -> str:
    return f"{n} image{'s' * (n != 1)}"


def _interval(low: str, high: str) -> str:
    return "" if MISSING in (low, high) else f"  (95 % interval {low} to {high})"
