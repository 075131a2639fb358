"""The report and the site as one zip file, the same bytes for the same content."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from sisr.base.atomic import replacing

#: Already compressed: packing them again costs time and saves nothing.
_STORED = {".webp", ".png", ".jpg"}


def pack(report: Path, site: Path, out: Path, beside: Sequence[Path] = ()) -> None:
    """Write ``out`` with ``report.html``, the folder ``site`` and files ``beside`` them: links then work."""
    files = {"report.html": report}
    files |= {f"site/{path.relative_to(site)}": path for path in sorted(site.rglob("*")) if path.is_file()}
    files |= {path.relative_to(report.parent).as_posix(): path for path in beside}
    with replacing(out) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, path in files.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            stored = path.suffix in _STORED
            entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
