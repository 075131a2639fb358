"""Files that are either whole or absent."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sisr.base.errors import SisrError

# There is no call that only reads the mask; asking once, at import, keeps threads out of it.
_UMASK = os.umask(0o022)
os.umask(_UMASK)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder that becomes ``path`` when the block ends without error.

    An error of the system that names no file, as that of a full disk, gets the name of ``path``.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:60]}.", suffix=".part")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; results are to be read by whoever may read the folder.
        temporary.chmod(0o666 & ~_UMASK)
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None and error.filename is None:
            error.filename = str(path)
        raise


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically.

    Raises :class:`SisrError` for what is none: the name of a file in another encoding.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        name = text[: error.end].splitlines()[-1][-40:]
        raise SisrError(f"{path}: cannot hold '{name}', which is not UTF-8: rename it") from None
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically; the same content gives the same bytes."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
