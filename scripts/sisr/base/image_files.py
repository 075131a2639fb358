"""Image files by their names: which endings are read, and which files of a folder are a set of images.

Nothing is opened here; :mod:`sisr.base.images` decodes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sisr.base.errors import ImageError

#: Formats that are read, with the endings that a folder is searched for.  Pillow knows more, among them some
#: that start other programs (EPS) or hold no raster.
FORMATS: dict[str, tuple[str, ...]] = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg"),
    "TIFF": (".tif", ".tiff"),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
#: Endings that are read, in lower case.
SUFFIXES = frozenset(suffix for suffixes in FORMATS.values() for suffix in suffixes)

#: Endings of images that are not read: of phones, of cameras, and of the web.
_NOT_READ = (
    *(".heic", ".heif", ".avif", ".jxl", ".jp2", ".svg", ".psd", ".exr", ".hdr"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf"),
)


def natural_key(name: str) -> tuple[Any, ...]:
    """Sort key by which ``img_2`` comes before ``img_10``; the same order on every machine."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return (*[(int(part), "") if part.isdecimal() else (-1, part) for part in parts], (-1, name))


def list_images(folder: Path) -> list[Path]:
    """Image files directly in a folder, by ending, in natural order; hidden files are left out.

    Raises
    ------
    ImageError : no such folder, or no image in it
    """
    folder = Path(folder)
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise ImageError(f"{folder}: expected a folder of images: {error.strerror}") from None
    found = [
        p for p in entries if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()
    ]
    if not found:
        raise ImageError(f"{folder}: no image in this folder (endings: {' '.join(sorted(SUFFIXES))})")
    return sorted(found, key=lambda path: natural_key(path.name))


def own_images(folder: Path) -> list[Path]:
    """Images directly in a folder of the user's own, as :func:`list_images` finds them.

    Raises
    ------
    ImageError
        As ``list_images``; or an image is of a kind that is not read, and no other file has its name, as
        the JPEG of a camera beside its raw file has.  Leaving it out in silence would change the set.
    """
    entries = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    read = {Path(name).stem for name in entries if Path(name).suffix.lower() in SUFFIXES}
    unread = [
        name for name in entries if Path(name).suffix.lower() in _NOT_READ and Path(name).stem not in read
    ]
    unread = sorted((name for name in unread if not name.startswith(".")), key=natural_key)
    if unread:
        kind = Path(unread[0]).suffix.lstrip(".").upper()
        more = f" (and {len(unread) - 1} more files)" if len(unread) > 1 else ""
        raise ImageError(
            f"{folder / unread[0]}: {kind} is not read{more}: convert to PNG, or take out of the folder"
        )
    return list_images(folder)
