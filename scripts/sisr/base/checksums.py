"""Whether tables of a run are as it wrote them: ``SHA256SUMS`` beside them, as ``sha256sum -c`` reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sisr.base.atomic import write_text
from sisr.base.digest import file_digest
from sisr.base.errors import ScoreError

SUMS = "SHA256SUMS"


def write_sums(files: Sequence[Path], out: Path) -> None:
    """Write the checksums of files that lie beside ``out``."""
    write_text(out, "".join(f"{file_digest(path)}  {path.name}\n" for path in files))


def require_unaltered(path: Path) -> None:
    """Raise :class:`ScoreError` where a table has not the checksum that its run noted, if it noted one."""
    sums = path.with_name(SUMS)
    if not sums.is_file():
        return
    stated = dict(line.split("  ", 1)[::-1] for line in sums.read_text(encoding="utf-8").splitlines())
    if path.name in stated and (found := file_digest(path)) != stated[path.name]:
        raise ScoreError(
            f"{path}: altered after the run gathered it: sha256 {found[:12]}, expected "
            f"{stated[path.name][:12]} ({sums.name}); delete it, and the next run gathers it again"
        )
