"""From the cells' files to the two tables of a run: ``scores.csv`` and ``status.csv``."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from sisr.atomic import replacing
from sisr.config import Cell
from sisr.tidy import SCORE_COLUMNS

STATUS_COLUMNS = (
    "dataset", "kernel", "scale", "model", "status", "reason", "images", "seconds_per_image", "notes",
)  # fmt: skip

#: Which status a cell of several shards has: the first of these that any shard has.
_WORST_FIRST = ("failed", "oom", "unavailable", "skipped", "ok")


def gather_scores(parts: Sequence[Path], out: Path) -> None:
    """Concatenate the cells' tables in the order given; streams, so memory does not grow with the run.

    Within a cell the rows of all shards are in the order of image and measure that scoring wrote.  The
    values are copied as text: gathering cannot change a digit.
    """
    with replacing(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        stream.write(",".join(SCORE_COLUMNS) + "\n")
        for part in parts:
            with part.open(encoding="utf-8", newline="") as rows:
                header = rows.readline().rstrip("\r\n").split(",")
                if tuple(header) != SCORE_COLUMNS:
                    raise ValueError(f"{part}: columns {header}, expected {list(SCORE_COLUMNS)}")
                for line in rows:
                    stream.write(line)


def gather_status(cells: Sequence[Cell], shards: Mapping[str, int], parts: Sequence[Path], out: Path) -> None:
    """One row a cell: its status, the reason, how many images, the median seconds of compute an image, and
    what was not plain about the runs.

    ``parts`` are the status files of every cell and shard, in the order of ``cells``.  The seconds are for
    orientation only: other jobs ran at the same time.
    """
    remaining = iter(parts)
    with replacing(out) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(STATUS_COLUMNS)
        for cell in cells:
            documents = [
                json.loads(next(remaining).read_text(encoding="utf-8")) for _ in range(shards[cell.dataset])
            ]
            worst = min(documents, key=lambda document: _WORST_FIRST.index(document["status"]))
            seconds = sorted(image["seconds"] for document in documents for image in document["images"])
            median = f"{seconds[len(seconds) // 2]:.4f}" if seconds else ""
            notes = dict.fromkeys(note for document in documents for note in document.get("notes", ()))
            writer.writerow([*cell, worst["status"], worst["reason"], len(seconds), median, "; ".join(notes)])
