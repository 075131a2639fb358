"""Scores of SR images that have no HR: measures of the SR image alone."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sisr.base.errors import ScoreError
from sisr.base.images import read_image
from sisr.data.my_photos import cell_of
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

    A picture that a measure cannot be computed of, too small for NIQE for example, has no row, and the log
    says why.
    """
    status = json.loads(sr_status.read_text(encoding="utf-8"))
    scorers: dict[Measure, Any] = {}
    if status["status"] == "ok":
        parsed = map(parse_measure, measures)
        scorers = {measure: scorer_of(measure, metric_files, scale) for measure in parsed}
    write_scores(out, _scores(sr_status.parent, status["images"], scorers), **cell_of(scale, model)._asdict())


def _scores(
    folder: Path, images: Iterable[Mapping[str, Any]], scorers: Mapping[Measure, Any]
) -> Iterator[Score]:
    for image in images:
        sr = read_image(folder / image["file"]).array
        for measure, scorer in scorers.items():
            try:
                yield Score(image["name"], measure, scorer(sr, sr))
            except ScoreError as error:
                log.warning("%s: %s", image["name"], error)
