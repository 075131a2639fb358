"""Which LR or SR file belongs to which HR file, by their names, as the field's distributions give them.

``baby_HR_x4`` and ``baby_LRBI_x4`` (RCAN), ``img_001_SRF_4_HR`` and ``_LR`` (SelfExSR), ``Canon_001_HR`` and
``Canon_001_LR4`` (RealSR), ``baby_GT``, ``0801`` and ``0801x4m`` (DIV2K), ``name4x``, ``name_MODEL_x4``.
Case and the kind of image file do not matter.  Where names leave a choice there is no match but an error.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from sisr.base.errors import ImageError

log = logging.getLogger(__name__)

#: What a file can say that it is.
Role = Literal["HR", "LR", "SR"]

_ROLES: dict[str, Role] = {"hr": "HR", "gt": "HR", "lr": "LR", "lq": "LR", "sr": "SR"}
_ROLE = r"(?:HR|GT|SR|LQ|LR(?:BI|BD|DN)?)"
#: ``x4``, ``4x``; DIV2K's mild, wild and difficult LR images have one letter more.
_FACTOR = r"(?:x\d+|\d+x)[mwd]?(?![a-z0-9])"
#: The end of an HR stem that says so, with the scale beside it: ``_HR``, ``_SRF_4_HR``, ``_HR_x4``.
_HR_MARK = re.compile(rf"(?:[_-]?{_FACTOR}|[_-]SRF_\d+)?[_-](?:HR|GT)(?:\d+|[_-]?{_FACTOR})?$", re.IGNORECASE)
#: A scale in what follows an image's name: ``x4``, ``_4x``, ``_SRF_4``, ``_LR4``, ``_LRx4``.
_SCALE = re.compile(rf"(?:^|[_-])(?:(?:{_ROLE}?x|{_ROLE}|SRF_)(\d+)|(\d+)x)[mwd]?(?![a-z0-9])", re.IGNORECASE)
#: What follows an image's name begins with a separator or a scale.
_REST = re.compile(rf"[_-]|{_FACTOR}", re.IGNORECASE)
_ROLE_MARK = re.compile(rf"[_-]({_ROLE})(?:x?\d+)?(?![a-z0-9])", re.IGNORECASE)


def references(files: Iterable[Path], scale: int | None = None) -> dict[str, Path]:
    """HR files by the names of their images, in the order of the files.

    A name is the file's stem without what marks it as HR.  Where some files are so marked, the others are
    the LR and SR images beside them and are left out; and where some are marked with ``scale``, so are those
    that are marked with another.

    Raises :class:`ImageError` for two files of one name, also if it differs in case alone, and for a file
    that is neither marked as HR nor named as one that is.
    """
    files = list(files)
    marks = _hr_marks(files)
    fitting = [path for path, mark in marks.items() if scale in (None, *(_scales(mark[0]) or [scale]))]
    names: dict[str, Path] = {}
    seen: dict[str, Path] = {}
    for path in fitting or marks or files:
        mark = marks.get(path)
        name = path.stem[: mark.start()] if mark else path.stem
        if (other := seen.setdefault(_folded(name), path)) != path:
            raise ImageError(f"{path.parent}: {other.name} and {path.name} are both HR of '{name}'")
        names[name] = path
    if marks:
        known = {_folded(path.stem[: mark.start()]) for path, mark in marks.items()}
        for path in files:
            stem = _folded(path.stem)
            if path not in marks and not any(_belongs(stem, name) for name in known):
                raise ImageError(
                    f"{path}: not marked as HR, as {next(iter(marks)).name} is, and no HR image of that name"
                )
    return names


def hr_images(files: Sequence[Path]) -> list[Path]:
    """Of a folder's images, the HR ones: all, unless some are marked as HR and others lie beside them."""
    return _said(files, "HR", references(files).values()) if _are_mixed(files) else list(files)


def lr_images(files: Sequence[Path], scale: int) -> list[Path]:
    """Of a folder's images, the LR ones: all, unless some are marked as HR and others lie beside them."""
    if not _are_mixed(files):
        return list(files)
    marks = _hr_marks(files)
    beside = [path for path in files if path not in marks]
    return _said(files, "LR", match(references(files, scale), beside, scale, "LR").values())


def _said(files: Sequence[Path], role: Role, taken: Iterable[Path]) -> list[Path]:
    """Those that are taken; that others are left out is told."""
    found = list(taken)
    folder, left = files[0].parent, len(files) - len(found)
    log.warning(
        "%s: %d images are %s by their names; %d beside them are not taken", folder, len(found), role, left
    )
    return found


def _are_mixed(files: Sequence[Path]) -> bool:
    return 0 < len(_hr_marks(files)) < len(files)


def _hr_marks(files: Iterable[Path]) -> dict[Path, re.Match[str]]:
    return {path: mark for path in files if (mark := _HR_MARK.search(path.stem)) and mark.start()}


def _belongs(stem: str, name: str) -> bool:
    return stem == name or (stem.startswith(name) and _REST.match(stem[len(name) :]) is not None)


def match(names: Mapping[str, Path], files: Iterable[Path], scale: int, role: Role = "SR") -> dict[str, Path]:
    """The LR or SR file of each HR image; ``names`` are those of :func:`references`.

    A file belongs to image ``NAME`` if its stem is that of the HR file, or ``NAME`` alone or followed by a
    scale, a model, a role or several of them.  The longest such ``NAME`` counts, so that ``img_2`` is never
    taken for a variant of ``img``.  Files that name another scale are left out.  Of several files of one
    image, those that say that they are something else than ``role`` are left out.

    Raises :class:`ImageError` for an image without a file, a file without an image, and several files of one
    image.
    """
    folded = {_folded(name): name for name in names}
    stems = {_folded(path.stem): name for name, path in names.items()}
    found: dict[str, dict[Path, Role | None]] = {name: {} for name in names}
    folder = Path()
    for path in files:
        folder = path.parent
        name, other_scale, marked = _owner(_folded(path.stem), folded, stems, scale)
        if name is not None:
            found[name][path] = marked
        elif other_scale is None:
            where = next(iter(names.values())).parent if names else "the HR images"
            raise ImageError(f"{path}: no HR image of that name in {where}")
    matched = {}
    for name, candidates in found.items():
        if not candidates:
            raise ImageError(f"{names[name]}: no {role} image for scale {scale} in {folder}")
        kept = [path for path, marked in candidates.items() if marked in (None, role)] or list(candidates)
        if len(kept) > 1:
            listed = ", ".join(path.name for path in kept)
            raise ImageError(f"{names[name]}: {len(kept)} {role} images in {folder}: {listed}")
        matched[name] = kept[0]
    return matched


def _owner(
    stem: str, names: Mapping[str, str], stems: Mapping[str, str], scale: int
) -> tuple[str | None, int | None, Role | None]:
    """The image that a stem belongs to, or the other scale that it names; and the role that it names."""
    for exact in (names, stems):
        if stem in exact:
            return exact[stem], None, _role(stem[len(_folded(exact[stem])) :])
    other_scale = None
    for name in sorted(names, key=len, reverse=True):
        rest = stem[len(name) :]
        if not rest or not _belongs(stem, name):
            continue
        scales = _scales(rest)
        if not scales or scale in scales:
            return names[name], None, _role(rest)
        other_scale = min(scales)
    return None, other_scale, None


def _role(rest: str) -> Role | None:
    mark = _ROLE_MARK.search(rest)
    return _ROLES[mark[1][:2].casefold()] if mark else None


def _scales(text: str) -> set[int]:
    return {int(first or second) for first, second in _SCALE.findall(text)}


def _folded(name: str) -> str:
    """For comparison: without case, and an accent is one character on every file system."""
    return unicodedata.normalize("NFC", name).casefold()
