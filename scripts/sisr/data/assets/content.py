"""What a file must contain, and how it gets its final name only when it does."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sisr.base.errors import SisrError

Algorithm = Literal["sha256", "sha256_prefix", "git_blob", "archive"]

#: Ending of files that are still being written; never a file anybody may read.
PART = ".part"

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Content:
    """What was found in a file: hashes in lower-case hexadecimal, size in bytes."""

    sha256: str
    git_blob: str
    bytes: int


@dataclass(frozen=True)
class Check:
    """Expected content: one hash (lower-case hexadecimal) and, where known, the size in bytes.

    ``sha256_prefix`` is for sources that document only the beginning.  ``git_blob`` is Git's id of the
    content, the SHA-1 of ``b"blob <size>\\0" + content`` (gitformat-pack, git hash-object).  ``archive``
    accepts any content: that of a member for which the hash of its archive vouches, which is checked first.
    """

    algorithm: Algorithm
    value: str
    bytes: int | None = None

    def accepts(self, content: Content) -> bool:
        """Whether ``content`` is the expected one."""
        if self.bytes is not None and content.bytes != self.bytes:
            return False
        if self.algorithm == "archive":
            return True
        if self.algorithm == "git_blob":
            return content.git_blob == self.value
        if self.algorithm == "sha256_prefix":
            return content.sha256.startswith(self.value)
        return content.sha256 == self.value

    def explain(self, content: Content) -> str:
        """``expected … , found …`` with both hashes and sizes, for an error message."""
        name = "git blob" if self.algorithm == "git_blob" else "sha256"
        found = content.git_blob if self.algorithm == "git_blob" else content.sha256
        start = "beginning " if self.algorithm == "sha256_prefix" else ""
        size = "" if self.bytes is None else f" ({self.bytes} bytes)"
        return f"expected {name} {start}{self.value}{size}, found {found} ({content.bytes} bytes)"


def inspect(path: Path) -> Content:
    """Hash a file in one pass.  Raises ``OSError`` if it cannot be read."""
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        sha256 = hashlib.sha256()
        # Identifies content by Git's rules; nothing secret depends on it.
        blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
        read = 0
        while block := stream.read(_BLOCK):
            sha256.update(block)
            blob.update(block)
            read += len(block)
    return Content(sha256.hexdigest(), blob.hexdigest(), read)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn a failure to write ``path`` (disk full, no permission) into one line.

    Not an :class:`~sisr.base.errors.AssetError`: this machine has to be put right, the asset is not
    "unavailable".
    """
    try:
        yield
    except OSError as error:
        raise SisrError(f"{path}: cannot write: {error.strerror or error}") from None


@contextmanager
def part_file(target: Path) -> Iterator[Path]:
    """Name of a new file beside ``target``, removed at the end unless :func:`commit` moved it away."""
    with writing(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
    part = target.parent / f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}{PART}"
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def commit(part: Path, target: Path) -> None:
    """Give a verified file its final name: on disk first, then renamed, so a crash leaves all or nothing."""
    with writing(target):
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(target)


def remove_parts(folder: Path) -> None:
    """Remove what a killed run left below ``folder``.  The caller holds the lock of that folder."""
    with writing(folder):
        for part in folder.rglob(f".*{PART}"):
            part.unlink(missing_ok=True)
