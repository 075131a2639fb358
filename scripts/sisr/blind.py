"""Pictures without HR: the user's own are the LR images, and only the SR image can be looked at.

There is no truth to compare with, so such pictures are no cells of the benchmark: no PSNR, no phase, no
errors, no place in a viewer.  What can be had is measures of the SR image alone (NIQE), which say how
natural it looks and not whether it is right, and crops beside the LR.
"""

from __future__ import annotations

import json
import logging
import math
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from sisr import summaries, table_writers
from sisr.atomic import write_json
from sisr.cells import Cell
from sisr.datasets import relative
from sisr.errors import ImageError, ScoreError
from sisr.gather import gather_scores, gather_status
from sisr.images import read_image
from sisr.metrics import Measure, files, parse_measure
from sisr.my_photos import DATASET, GIVEN, GIVEN_LABEL
from sisr.scoring import Score, write_scores

if TYPE_CHECKING:
    import pandas as pd

    from sisr.shown_run import Names

log = logging.getLogger(__name__)


def names_of(measures: Sequence[str], models: Sequence[str]) -> Names:
    """Labels of what is shown of such pictures."""
    from sisr.shown_run import names

    return replace(names(measures, models, [DATASET], [], {}), kernels={GIVEN: GIVEN_LABEL})


def take_lr(pictures: Path, scale: int, out_dir: Path, manifest: Path) -> dict[str, Any]:
    """Make an LR set of pictures as they are, in the form of :func:`sisr.degrade.make_lr`.

    ``pictures`` is the manifest of :func:`sisr.datasets.prepare`.  Raises :class:`ImageError` for a picture
    whose SR would be too large to be read again.
    """
    document = json.loads(pictures.read_text(encoding="utf-8"))
    most = 2 * (Image.MAX_IMAGE_PIXELS or math.inf)  # beyond it Pillow refuses a file
    out_dir.mkdir(parents=True, exist_ok=True)
    images = []
    for image in document["images"]:
        height, width = image["height"], image["width"]
        if height * width * scale**2 > most:
            raise ImageError(
                f"{DATASET}/{image['name']}: x{scale} of {width}x{height} pixels has "
                f"{height * width * scale**2 / 1e6:.0f} million, expected at most {most / 1e6:.0f} million; "
                "give a smaller picture or restrict the scales"
            )
        target = out_dir / f"{image['name']}.png"
        shutil.copyfile(pictures.parent / image["file"], target)
        kept = {key: image[key] for key in ("height", "width", "channels", "sha256")}
        images.append({"name": image["name"], "file": relative(target, manifest), **kept})
    content = {"dataset": DATASET, "kernel": GIVEN, "scale": scale, "images": images}
    write_json(manifest, content)
    return content


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
    scorers = {}
    if status["status"] == "ok":
        from sisr.metrics.niqe import NiqeScorer

        for measure in map(parse_measure, measures):
            parameters = files.require(measure, metric_files)[0]
            scorers[measure] = NiqeScorer(parameters, measure.protocol, scale)
    write_scores(out, _scores(sr_status.parent, status["images"], scorers), **_cell(scale, model)._asdict())


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


def _cell(scale: int, model: str) -> Cell:
    return Cell(DATASET, GIVEN, scale, model)


def make_tables(
    parts: Mapping[str, tuple[Path, Path]], scale: int, scores: Path, status: Path, out: Path, shown: Names
) -> None:
    """Gather scores and status of all models at one scale, and write ``out/x{scale}.*`` as for the cells.

    ``parts``: model -> its tidy table and its status file.  Means are over the pictures that every measure
    has of every model; the heading says so where some are left out.
    """
    from sisr.shown_run import standings
    from sisr.statistics.report import with_certainty

    gather_scores([table for table, _ in parts.values()], scores)
    cells = [_cell(scale, model) for model in parts]
    gather_status(cells, {DATASET: 1}, [path for _, path in parts.values()], status)
    frame = summaries.read_scores(scores)
    ran = summaries.read_status(status)
    pictures = max(ran["images"].astype(int), default=0)
    frame = complete(frame)
    count = frame["image"].nunique()
    if count < pictures:
        label = f"{shown.datasets[DATASET]} without {pictures - count} too small or flat"
        shown = replace(shown, datasets={DATASET: label})
    expected = {DATASET: count}
    summary = summaries.summarise(frame, shown.pools, expected)
    table_writers.render(
        with_certainty(summary, standings(frame, expected, scale, shown)),
        ran,
        shown.measures,
        scale,
        out,
        models=shown.models,
        groups=shown.groups,
        kernels=shown.kernels,
        pools=shown.pools,
    )


def complete(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of pictures that every model has every measure of."""
    columns = ["model", "metric", "protocol"]
    everything = len(scores[columns].drop_duplicates())
    return scores[scores.groupby("image")["value"].transform("size") == everything]
