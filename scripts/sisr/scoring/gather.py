"""From the cells' files to the tables of a run: ``scores.csv``, ``status.csv`` and ``timings.csv``."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from sisr.base.atomic import replacing
from sisr.base.cells import SCORE_COLUMNS, Cell
from sisr.base.csv_files import write_rows
from sisr.base.manifest import SrManifest

STATUS_COLUMNS = (
    "dataset", "kernel", "scale", "model", "status", "reason", "images", "seconds_per_image", "notes",
)  # fmt: skip

#: One row a job of upscaling or of scoring.  What depends on the time is in this table, and nothing of it in
#: the scores.
TIMING_COLUMNS = (
    "dataset", "kernel", "scale", "model", "shard", "job", "status", "images", "started", "seconds",
    "cpu_seconds", "compute_seconds", "attempt", "host", "device", "hardware", "threads", "peak_mib",
    "peak_gpu_mib",
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


def gather_status(
    cells: Sequence[Cell],
    shards: Mapping[str, int],
    parts: Sequence[Path],
    out: Path,
    absent: Mapping[Cell, str] | None = None,
    shipped: Path | None = None,
) -> None:
    """One row a cell: its status, the reason, how many images, the median seconds of compute an image, and
    what was not plain about the runs.

    ``parts`` are the status files of every cell and shard, in the order of ``cells``; ``absent`` says of
    cells whose dataset is not there why; ``shipped`` is a table of the same columns, of cells whose scores
    come with the project.  The seconds are for orientation only: other jobs ran at the same
    time.
    """
    remaining = iter(parts)
    rows: list[list[object]] = []
    for cell in cells:
        done = [SrManifest.read(next(remaining)) for _ in range(shards[cell.dataset])]
        worst = min(done, key=lambda shard: _WORST_FIRST.index(shard.status))
        seconds = sorted(image.seconds for shard in done for image in shard.images)
        median = f"{seconds[len(seconds) // 2]:.4f}" if seconds else ""
        notes = dict.fromkeys(note for shard in done for note in shard.notes)
        rows.append([*cell, worst.status, worst.reason, len(seconds), median, "; ".join(notes)])
    rows += [[*cell, "unavailable", reason, 0, "", ""] for cell, reason in (absent or {}).items()]
    if shipped is not None:
        with shipped.open(encoding="utf-8", newline="") as stream:
            rows += [[*row] for row in list(csv.reader(stream))[1:]]
    write_rows(out, STATUS_COLUMNS, rows)


def gather_timings(
    cells: Sequence[Cell],
    shards: Mapping[str, int],
    upscaled: Sequence[Path],
    scored: Sequence[Path],
    out: Path,
) -> None:
    """Two rows a cell and shard, of upscaling and of scoring: when and where the job ran, and what it took.

    ``upscaled`` are status files, as for :func:`gather_status`, ``scored`` what
    :func:`sisr.scoring.score.score_cell` writes beside the scores, in the same order.  ``seconds`` of
    upscaling are those from its wait for a GPU to its last file, ``compute_seconds`` those of the network
    alone, over all images.
    """
    remaining = zip(upscaled, scored, strict=True)
    rows = []
    for cell in cells:
        count = shards[cell.dataset]
        for index in range(count):
            of_sr, of_scores = next(remaining)
            done = SrManifest.read(of_sr)
            compute = sum(image.seconds for image in done.images)
            of_shard = {**cell._asdict(), "shard": f"{index}of{count}", "status": done.status}
            rows.append(
                {
                    **of_shard,
                    **(done.job or {}),
                    "job": "upscale",
                    "images": len(done.images),
                    "device": done.device,
                    "threads": done.threads,
                    "compute_seconds": f"{compute:.6f}",
                }
            )
            job = json.loads(of_scores.read_text(encoding="utf-8"))["job"]
            rows.append({**of_shard, **job, "job": "score"})
    write_rows(out, TIMING_COLUMNS, rows)
