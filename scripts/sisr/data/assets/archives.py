"""Reading wanted members of zip and tar files that may be hostile.

Nothing is ever extracted under a name that the archive chooses: members are found by their exact name and
handed out as streams.  An archive that tries something is refused as a whole all the same, since its wanted
members then deserve no trust either.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from gzip import BadGzipFile
from lzma import LZMAError
from pathlib import Path
from stat import S_IFMT, S_ISDIR, S_ISREG
from typing import IO, cast

from sisr.base.errors import ChecksumError


@dataclass(frozen=True)
class Limits:
    """Bounds of an archive: number of members, and their declared sizes added up (bytes)."""

    members: int = 50_000
    total: int = 8 << 30


@dataclass(frozen=True)
class _Member:
    """``kind``: "file", "folder", or what it is and should not be.  ``size``: as declared, in bytes."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes]]


#: What the standard library raises on damaged archives (RuntimeError: an encrypted member;
#: NotImplementedError: a compression it does not know).
_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    BadGzipFile,
    EOFError,
    NotImplementedError,
    RuntimeError,
)


def extract(
    archive: Path,
    wanted: Collection[str],
    receive: Callable[[str, IO[bytes]], None],
    limits: Limits | None = None,
    label: str = "",
) -> None:
    """Call ``receive(member, stream)`` once for each wanted member, in the archive's order.

    A stream yields at most the member's declared size.  The format is recognised by content: zip (also
    wheels), tar, tar.gz, tar.bz2, tar.xz.  ``label`` names the archive in messages (default: file name).

    Raises :class:`ChecksumError` in one line, before anything is handed out, if the archive lacks a wanted
    member, or holds an absolute path, ``..``, a link, a device, two members whose names differ in case only
    or not at all, or more than ``limits``; also if it is damaged, possibly after some members.
    """
    label = label or archive.name
    try:
        with ExitStack() as stack:
            if zipfile.is_zipfile(archive):
                members = _zip_members(stack.enter_context(zipfile.ZipFile(archive)))
            else:
                members = _tar_members(stack.enter_context(tarfile.open(archive, "r:*")))
            for member in _accepted(members, label, wanted, limits or Limits()):
                with member.open() as stream:
                    receive(member.name, stream)
    except _BROKEN as error:
        text = f"{label}: damaged archive: {error}"
        raise ChecksumError(text.replace("\n", " ")) from None


def _zip_members(container: zipfile.ZipFile) -> Iterator[_Member]:
    for info in container.infolist():
        mode = info.external_attr >> 16
        # Writers on systems without Unix modes leave the type empty.
        # Not info.is_dir(), which fails on a name that is empty, or empty up to a NUL.
        if info.filename.endswith("/") or S_ISDIR(mode):
            kind = "folder"
        elif S_ISREG(mode) or not S_IFMT(mode):
            kind = "file"
        else:
            kind = "link or special file"
        # orig_filename: as stored, where filename is already cut at NUL and has its separators replaced.
        yield _Member(info.orig_filename, kind, info.file_size, partial(container.open, info))


def _tar_members(container: tarfile.TarFile) -> Iterator[_Member]:
    for info in container:
        if info.isdir():
            kind = "folder"
        elif info.type in (tarfile.REGTYPE, tarfile.AREGTYPE):
            kind = "file"
        else:
            kind = "link" if info.issym() or info.islnk() else "special file"
        # extractfile gives None only for what is not a file.
        yield _Member(
            info.name, kind, info.size, cast(Callable[[], IO[bytes]], partial(container.extractfile, info))
        )


def _accepted(
    members: Iterable[_Member], archive: str, wanted: Collection[str], limits: Limits
) -> list[_Member]:
    """The wanted members, after a look at all of them."""
    found: dict[str, _Member] = {}
    files: set[str] = set()
    spelling: dict[str, str] = {}
    total = 0
    for count, member in enumerate(members, 1):
        total += member.size
        if count > limits.members:
            raise ChecksumError(f"{archive}: refused: more than {limits.members} members")
        if total > limits.total:
            raise ChecksumError(f"{archive}: refused: unpacks to more than {limits.total} bytes")
        if member.kind not in ("file", "folder"):
            raise ChecksumError(f"{archive}: refused: {member.name!r} is a {member.kind}")
        path = _plain(member.name, archive)
        for end in range(1, len(path) + 1):
            name = "/".join(path[:end])
            if spelling.setdefault(name.casefold(), name) != name:
                other = spelling[name.casefold()]
                raise ChecksumError(f"{archive}: refused: {other!r} and {name!r} differ in case only")
        name = "/".join(path)
        if member.kind == "file":
            if not name:
                raise ChecksumError(f"{archive}: refused: a member has no name")
            if name in files:
                raise ChecksumError(f"{archive}: refused: {name!r} is there twice")
            files.add(name)
            if name in wanted:
                found[name] = _Member(name, member.kind, member.size, member.open)
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ChecksumError(f"{archive}: has no member {missing[0]!r}")
    return list(found.values())


def _plain(name: str, archive: str) -> tuple[str, ...]:
    """Components of a relative path without ``.``; anything that could point elsewhere is refused."""
    drive = len(name) > 1 and name[1] == ":"
    if name.startswith("/") or drive or "\\" in name or "\0" in name or ".." in name.split("/"):
        raise ChecksumError(f"{archive}: refused: unsafe path {name!r}")
    return tuple(part for part in name.split("/") if part not in ("", "."))
