"""Which files of a finished run are not as its RO-Crate says: ``sisr verify``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from sisr.base.digest import file_digest
from sisr.base.errors import ReproductionError
from sisr.trust.crate import METADATA


def altered(run: Path) -> tuple[int, list[str]]:
    """How many files the crate of a results folder states the checksum of, and what differs, a line each.

    Images have none there, and of the copy of the code ``sisr reproduce`` says whether it is this one.
    Raises :class:`ReproductionError` for a folder without a crate, or with one that cannot be read.
    """
    stated = dict(_stated(run / METADATA))
    wrong = []
    for name, digest in stated.items():
        path = run / name
        if not path.is_file():
            wrong.append(f"{name}: missing")
        elif (found := file_digest(path)) != digest:
            wrong.append(f"{name}: altered: sha256 {found[:12]}, expected {digest[:12]}")
    return len(stated), wrong


def _stated(crate: Path) -> Iterator[tuple[str, str]]:
    try:
        graph = json.loads(crate.read_text(encoding="utf-8"))["@graph"]
        files = [one for one in graph if one.get("@type") == "File" and "sha256" in one]
    except OSError as error:
        raise ReproductionError(f"{crate}: cannot read: {error.strerror}; is the run finished?") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReproductionError(f"{crate}: not an RO-Crate: {type(error).__name__}: {error}") from None
    for one in files:
        yield str(one["@id"]), str(one["sha256"])
