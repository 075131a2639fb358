"""Image files by their names: which endings are read, and which files of a folder are a set of images.

Nothing is opened here; :mod:`sisr.base.images` decodes.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any

from sisr.base.errors import ImageError

#: Formats that are read, with the endings that a folder is searched for.  Pillow knows more, among them some
#: that start other programs (EPS) or hold no raster.
FORMATS: dict[str, tuple[str, ...]] = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp", ".mpo"),
    "TIFF": (".tif", ".tiff", ".btf", ".tf8"),
    "BMP": (".bmp", ".dib"),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
#: Endings that are read, in lower case.
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)

#: Endings of images that are not read: of phones and the web, of programs, of cameras.
_NOT_READ = frozenset(
    f".{ending}"
    for ending in re.findall(
        r"\w+",
        """
        heic heif hif avif avifs jxl jp2 j2k j2c jpc jpf jpx jpm jph jxr wdp hdp bpg flif qoi svg svgz ico cur
        exr hdr pfm pam psd psb xcf kra tga pcx sgi ras xbm xpm dds dpx cin fits eps
        raw dng cr2 cr3 crw nef nrw arw srf sr2 orf ori rw2 rwl raf pef srw x3f 3fr fff iiq mos mrw kdc dcr
        erf mef gpr
        """,
    )
)


def natural_key(name: str) -> tuple[Any, ...]:
    """Sort key by which ``img_2`` comes before ``img_10``; the same order on every machine."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return (*[(int(part), "") if part.isdecimal() else (-1, part) for part in parts], (-1, name))


def kind_not_read(path: Path) -> str | None:
    """What a file is by its ending, if it is an image of a kind that is not read."""
    return path.suffix[1:].upper() if path.suffix.lower() in _NOT_READ else None


def no_file(path: Path) -> str:
    """What something is that is no regular file, nor a link to one; empty for a file."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"a link that leads nowhere ({error.strerror})" if path.is_symlink() else ""
    if stat.S_ISREG(mode):
        return ""
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def list_images(folder: Path) -> list[Path]:
    """Image files directly in a folder, by ending, in natural order; hidden files are left out.

    Raises
    ------
    ImageError
        No such folder, or no image in it; or something has the ending of an image and cannot be read as one:
        an image of a kind that is not read, unless an image of its name is beside it, as the JPEG of a
        camera beside its raw file; a link that leads nowhere, a folder, a pipe, a device.  Leaving it out in
        silence would change the set.
    """
    folder = Path(folder)
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise ImageError(f"{folder}: expected a folder of images: {error.strerror}") from None
    entries.sort(key=lambda entry: natural_key(entry.name))
    found = [entry for entry in entries if entry.suffix.lower() in SUFFIXES]
    for entry in found:
        if what := no_file(entry):
            raise ImageError(f"{entry}: expected an image, found {what}: take it out of the folder")
    read = {entry.stem for entry in found}
    unread = [entry for entry in entries if kind_not_read(entry) and entry.stem not in read]
    if unread:
        more = f" (and {len(unread) - 1} more files)" if len(unread) > 1 else ""
        kind = f"{unread[0]}: {kind_not_read(unread[0])}"
        raise ImageError(f"{kind} is not read{more}: convert to PNG, or take out of the folder")
    if not found:
        raise ImageError(f"{folder}: no image in this folder (endings: {' '.join(sorted(SUFFIXES))})")
    return found
