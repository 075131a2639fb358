"""Errors a person can act on.

Every exception below carries a message of one line that names the file or key, what was expected and what
was found.  The command line prints that line and exits with 1; a workflow script lets it end the job.
Any other exception is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

#: Characters of a message.
_LONGEST = 4000


class SisrError(Exception):
    """Base of all errors that are the input's fault, not the program's.

    Names in a message are the user's: what would break the line, or turn it around on a terminal, is escaped,
    and of a line of pages the middle is left out.

    >>> str(SisrError("a\\nb.png: not an image"))
    'a\\\\nb.png: not an image'
    """

    def __str__(self) -> str:
        said = "".join(one if one.isprintable() else ascii(one)[1:-1] for one in super().__str__())
        return said if len(said) <= _LONGEST else f"{said[: _LONGEST // 2]} … {said[-_LONGEST // 2 :]}"


class ConfigError(SisrError):
    """A key or value of a configuration or registry is wrong."""


class AssetError(SisrError):
    """An asset could not be fetched from any of its sources.

    ``brief`` says the same without addresses and paths, for result tables, which are the same on every
    machine that fails alike.
    """

    def __init__(self, message: str, brief: str | None = None) -> None:
        super().__init__(message)
        self.brief = brief or message


class ChecksumError(AssetError):
    """A file was obtained, but its content is not what the registry says."""


class ImageError(SisrError):
    """An image file cannot be read, or has a size or kind that the stage cannot use."""


class ManifestError(SisrError):
    """A manifest, or the status of an upscaling job, cannot be read or lacks something."""


class ModelError(SisrError):
    """Weights or output of a model are not usable (wrong keys, wrong scale, non-finite output)."""


class TrainingError(SisrError):
    """Training cannot start or go on: wrong data, a loss that is no number, a full disk."""


class TrainingStopped(TrainingError):
    """Training was interrupted; the same command goes on from the last checkpoint."""


class ModelUnavailable(SisrError):
    """The model exists but cannot be had here: its weights were never released or could not be fetched."""


class ModelSkipped(SisrError):
    """The model does not do what the cell asks for (for example has no weights for the scale)."""


class ScoreError(SisrError):
    """Images cannot be compared: missing partner, different size, or smaller than the crop."""


class ReproductionError(SisrError):
    """A run cannot be made again from its crate, or came out differently."""


class StudyError(SisrError):
    """A study cannot be made of what it is given: images too small, no network."""


#: How libraries say that memory ended, in errors of classes that mean other things as well.
_OUT_OF_MEMORY = (
    "can't allocate memory",
    "out of memory",
    "bad_alloc",
    "bad allocation",
    "allocate memory for",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ended: Python's and NumPy's error, torch's for a GPU, and those of native libraries."""
    if isinstance(error, SisrError | OSError):
        return False
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(said in text for said in _OUT_OF_MEMORY)


def out_of_memory(error: BaseException) -> str:
    """One line for such an error.

    >>> out_of_memory(MemoryError())
    'out of memory'
    """
    said = str(error).strip().splitlines()
    return f"out of memory: {said[0]}" if said else "out of memory"


def first_line(error: BaseException) -> str:
    """What an error of a library says, in one line; its type where it says nothing.

    >>> first_line(RuntimeError("no kernel\\nat line 3")), first_line(KeyError())
    ('no kernel', 'KeyError')
    """
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Message for a name that is not in a registry, with the closest known name as a hint.

    >>> unknown("kernel", "matlab-bicubik", ["matlab-bicubic", "matlab-box"])
    "unknown kernel 'matlab-bicubik'; did you mean 'matlab-bicubic'?"
    """
    names = sorted(known)
    # "bicubic" may be meant for any of several names that hold it; a typo is near one.
    holding = [known_name for known_name in names if len(name) > 2 and name in known_name]
    close = holding or get_close_matches(name, names, n=1, cutoff=0.5)
    quoted = " or ".join(f"'{known_name}'" for known_name in close[:4])
    hint = f"did you mean {quoted}?" if close else f"known: {', '.join(names) or 'none'}"
    return f"unknown {kind} '{name}'; {hint}"
