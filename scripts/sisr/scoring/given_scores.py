"""Scores of SR images that have no HR: measures of the SR image alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sisr.base.errors import ScoreError
from sisr.base.images import read_image
from sisr.base.manifest import SrManifest
from sisr.data.user_images import cell_of
from sisr.scoring.metrics import Measure, parse_measure
from sisr.scoring.metrics.code import scorer_of
from sisr.scoring.score import Score, write_scores

log = logging.getLogger(__name__)


def score(
    sr_status: Path,
    scale: int,
    model: str,
    measures: Sequence[str],
    metric_files: Mapping[str, Path],
    out: Path,
) -> None:
    """Write the tidy table of one model: measures of the SR image alone.

    An image that a measure cannot be computed of, too small for NIQE for example, has no row, and the log
    says why.
    """
    done = SrManifest.read(sr_status)
    scorers: dict[Measure, Any] = {}
    if done.status == "ok":
        parsed = map(parse_measure, measures)
        scorers = {measure: scorer_of(measure, metric_files, scale) for measure in parsed}
    write_scores(out, _scores(done, scorers), **cell_of(scale, model)._asdict())


def _scores(done: SrManifest, scorers: Mapping[Measure, Any]) -> Iterator[Score]:
    for name, path in done.files.items():
        sr = read_image(path).array
        for measure, scorer in scorers.items():
            try:
                yield Score(name, measure, scorer(sr, sr))
            except ScoreError as error:
                log.warning("%s: %s", name, error)
