"""Digests of many files of the user's own, by content.

A file that took another's place may be older than it (``cp -p``, ``mv``, ``unzip``): times do not tell.
A folder of 10,000 images costs one look at each file's size and times; only those that changed are read.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from sisr.base.atomic import write_text
from sisr.base.digest import UNSURE, file_digest, stamp_of


def files_digest(files: Iterable[Path], kept: Path, write: bool = True) -> str:
    """sha256, in hex, over the names and the content of files.

    ``kept``: a file of what earlier calls found, by size, times and inode; it is written only with ``write``.
    """
    known: dict[str, list[object]] = {}
    with suppress(OSError, ValueError):
        known = json.loads(kept.read_text(encoding="utf-8"))
    found: dict[str, list[object]] = {}
    total = hashlib.sha256()
    for path in sorted(files):
        stat = path.stat()
        stamp, key = stamp_of(stat), str(path.absolute())
        before = known.get(key)
        digest = str(before[1]) if before is not None and before[0] == stamp else file_digest(path)
        if time.time() - stat.st_ctime > UNSURE:
            found[key] = [stamp, digest]
        total.update(f"{path.name}\0{digest}\n".encode("utf-8", "surrogateescape"))
    if write and any(known.get(key) != value for key, value in found.items()):
        with suppress(OSError):  # a folder that cannot be written to costs time only
            write_text(kept, json.dumps({**known, **found}, separators=(",", ":")))
    return total.hexdigest()
