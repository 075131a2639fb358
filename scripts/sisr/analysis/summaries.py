"""From the tidy score table to means per dataset or pool: reading, checking and averaging."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from sisr.base import averages, registry
from sisr.base.cells import SCORE_COLUMNS
from sisr.base.checksums import require_unaltered
from sisr.base.errors import ConfigError, ScoreError

#: Columns of ``status.csv`` that the tables need; it may have more.
STATUS_COLUMNS = ("dataset", "kernel", "scale", "model", "status", "reason", "images")


SUMMARY_COLUMNS = (
    "group", "kernel", "scale", "model", "metric", "protocol", "mean", "n", "expected", "note",
    "identical", "worth",
)  # fmt: skip


#: Columns that name one value of the tidy table; the same key twice is an error.
_KEY = list(SCORE_COLUMNS[:-1])


def read_scores(path: Path) -> pd.DataFrame:
    """Tidy score table of a run, checked by :func:`check_scores`; names stay strings, ``inf`` is a value.

    One that was altered after its run wrote it is refused (:mod:`sisr.base.checksums`).

    From CSV or Parquet (:mod:`sisr.scoring.parquet`), with the same result.
    """
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path, columns=list(SCORE_COLUMNS))
        frame["scale"] = frame["scale"].astype("int64")
    else:
        frame = _read_csv(path, SCORE_COLUMNS)
        frame["value"] = pd.to_numeric(frame["value"], errors="coerce")
    check_scores(frame, str(path))
    return frame


def read_status(path: Path) -> pd.DataFrame:
    """Status table of a run: one row a cell with status, reason and number of images."""
    return _read_csv(path, STATUS_COLUMNS)


def _read_csv(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    require_unaltered(path)
    # Without keep_default_na=False a model or image that is called "NA" or "null" would vanish.
    try:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except FileNotFoundError:
        raise ScoreError(f"{path}: no such file") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ScoreError(f"{path}: not a table: {str(error).splitlines()[0]}") from None
    if missing := [name for name in columns if name not in frame.columns]:
        raise ScoreError(f"{path}: column '{missing[0]}' is missing; found {', '.join(frame.columns)}")
    frame = frame[list(columns)]
    scale = pd.to_numeric(frame["scale"], errors="coerce")
    if (bad := ~(scale.between(1, 99) & (scale % 1 == 0))).any():
        row = int(bad.to_numpy().argmax())
        raise ScoreError(f"{path}:{row + 2}: scale '{frame['scale'].iloc[row]}' is not a number from 1 to 99")
    return frame.assign(scale=scale.astype(int))


def check_scores(scores: pd.DataFrame, source: str = "scores") -> None:
    """Raise :class:`ScoreError`, naming the cell, for a value that is not a number or is given twice."""
    for bad, problem in (
        (scores["value"].isna(), "is not a number"),
        (scores.duplicated(_KEY), "is given twice"),
    ):
        if bad.any():
            row = scores[bad].iloc[0]
            raise ScoreError(
                f"{source}: {row.metric}@{row.protocol} of image '{row.image}' in cell "
                f"{row.dataset}/{row.kernel}/x{row.scale}/{row.model} {problem}"
            )


def summarise(
    scores: pd.DataFrame,
    pools: Mapping[str, Sequence[str]] | None = None,
    expected: Mapping[str, int] | None = None,
) -> pd.DataFrame:
    """Means over the images of each dataset and of each pool of datasets.

    A pool is averaged over its images, not over the means of its datasets: Set14 + Urban100 is one mean over
    114 images.  It appears for a kernel and scale only where each of its datasets was scored there.

    Parameters
    ----------
    scores : tidy table with the columns ``SCORE_COLUMNS``; ``value`` may be ``inf``.
    pools : label of the pool -> ids of its datasets.
    expected : dataset -> number of its images.  A dataset that is not named has as many as any model was
        scored on.

    Returns
    -------
    Long table with the columns ``SUMMARY_COLUMNS``.  ``mean`` is NaN, and ``note`` says why, where ``n`` (the
    images scored) is less than ``expected``: a mean over the images that a model happened to finish would not
    be comparable.  ``identical`` are the infinite values, which the mean leaves out, and ``worth`` is what
    models are ranked by (:mod:`sisr.base.averages`).

    Raises
    ------
    ScoreError : a value is NaN or given twice, or there are more images than expected.
    ConfigError : a pool has the name of a dataset, or names a dataset twice.
    """
    check_scores(scores)
    groups, counts = group_members(scores, pools, expected)

    rows: list[tuple[object, ...]] = []
    for group, members in groups.items():
        part = scores[scores["dataset"].isin(members)]
        want = sum(counts.get(name, 0) for name in members)
        for (kernel, scale), here in part.groupby(["kernel", "scale"], sort=False):
            if here["dataset"].nunique() < len(members):
                continue
            worths = _worths(here, want)
            for (model, metric, protocol), one in here.groupby(["model", "metric", "protocol"], sort=False):
                n = len(one)
                mean, identical = averages.mean(one["value"]) if n == want else (math.nan, 0)
                note = "" if n == want else f"{n} of {want} images scored"
                worth = worths.get((model, metric, protocol), mean)
                rows.append(
                    (group, kernel, scale, model, metric, protocol, mean, n, want, note, identical, worth)
                )
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def _worths(here: pd.DataFrame, want: int) -> dict[tuple[object, ...], float]:
    """(model, metric, protocol) -> what it is ranked by, where that is not its mean for sure."""
    infinite = here[here["value"] == math.inf]
    found: dict[tuple[object, ...], float] = {}
    for metric, protocol in dict.fromkeys(zip(infinite["metric"], infinite["protocol"], strict=True)):
        unit = registry.load("metrics").get(metric, {}).get("unit", "")
        column = here[(here["metric"] == metric) & (here["protocol"] == protocol)]
        models = {m: list(v) for m, v in column.groupby("model")["value"] if len(v) == want}
        for model, worth in zip(models, averages.worths(list(models.values()), unit), strict=True):
            found[model, metric, protocol] = worth
    return found


def group_members(
    scores: pd.DataFrame,
    pools: Mapping[str, Sequence[str]] | None = None,
    expected: Mapping[str, int] | None = None,
) -> tuple[dict[str, list[str]], dict[str, int]]:
    """Datasets of each group, datasets first, then pools; and the number of images of each dataset.

    Arguments and errors are those of :func:`summarise`.
    """
    counts = {
        str(name): int(n) for name, n in scores.groupby("dataset", sort=False)["image"].nunique().items()
    }
    for name, number in (expected or {}).items():
        if counts.get(name, 0) > number:
            raise ScoreError(f"scores: dataset {name} has {counts[name]} images, expected {number}")
    order = [name for name in expected or {} if name in counts]
    groups = {name: [name] for name in (*order, *(name for name in counts if name not in order))}
    counts |= expected or {}
    for pool, members in (pools or {}).items():
        if pool in counts:
            raise ConfigError(f"pool '{pool}': a dataset has this name")
        if len(set(members)) < len(members):
            raise ConfigError(f"pool '{pool}': names a dataset twice: {', '.join(members)}")
        groups[pool] = list(members)
    return groups, counts
