"""Datasets that the user brings: folders of images that the benchmark may not, or cannot, download.

Their entry in ``config/datasets.yaml`` has the key ``get``, one line that says where they are had, and mostly
a table of the images in ``config/datasets/``.  A run can do without them.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sisr.base import registry

#: Environment variable with the absent datasets of a run, by which its jobs go: a machine of theirs may have
#: other folders.
ABSENT = "SISR_ABSENT"

#: Columns of a table of images: name; size in pixels and digest of the pixels where they are known.
COLUMNS = ("image", "width", "height", "pixels")


def absent(datasets: Iterable[str], config: Path = registry.CONFIG) -> dict[str, str]:
    """Datasets that the user has to bring and has not, with the reason in one line."""
    told = os.environ.get(ABSENT)
    found = {}
    for dataset in datasets:
        entry = registry.entry("datasets", dataset, config)
        if "get" not in entry:
            continue
        there = dataset not in told.split(",") if told is not None else folder_of(entry).is_dir()
        if not there:
            found[dataset] = f"no folder {entry['path']}: {entry['get']}"
    return found


def folder_of(entry: Mapping[str, Any]) -> Path:
    return Path(entry["path"]).expanduser()


def table_of(entry: Mapping[str, Any], config: Path = registry.CONFIG) -> Path | None:
    """The table of a dataset's images; None for an entry without one."""
    name = entry.get("expected", {}).get("table")
    return None if name is None else registry.find(f"datasets/{name}", config)


def images_of(table: Path) -> dict[str, dict[str, str]]:
    """Rows of a table of images by name; a column that is not known is left out, or empty."""
    with table.open(encoding="utf-8", newline="") as stream:
        return {row["image"]: row for row in csv.DictReader(stream, delimiter="\t")}
