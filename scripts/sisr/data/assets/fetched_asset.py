"""The record of a fetched asset, ``resources/assets/<asset>.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from sisr.base.errors import AssetError, unknown
from sisr.data.assets.content import commit, part_file, writing


@dataclass(frozen=True)
class FetchedFile:
    """``path``: POSIX path relative to the record's folder; ``sha256`` and size of the verified content.

    ``url`` is the address that the content stands for, also where a mirror delivered it, so that a record
    does not depend on the machine.
    """

    path: str
    sha256: str
    bytes: int
    url: str


@dataclass(frozen=True)
class FetchedAsset:
    """What was fetched for an asset.

    ``status`` is ``ok``, or ``unavailable`` with the ``reason`` in one line and no files.  ``folder`` is
    where the record lies; it is not part of its content.
    """

    asset: str
    status: Literal["ok", "unavailable"]
    reason: str
    files: Mapping[str, FetchedFile]
    folder: Path = field(compare=False)

    @classmethod
    def read(cls, path: Path) -> FetchedAsset:
        """Read a record; :class:`AssetError` in one line if it is missing or not one."""
        path = Path(path)
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["status"] not in ("ok", "unavailable"):
                raise ValueError(f"status '{document['status']}'")
            files = {name: FetchedFile(**entry) for name, entry in document["files"].items()}
            asset, reason = str(document["asset"]), str(document["reason"])
        except OSError as error:
            raise AssetError(f"{path}: cannot read the record of a fetched asset: {error.strerror}") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            found = f"{type(error).__name__}: {error}"
            raise AssetError(f"{path}: not the record of a fetched asset: {found}") from None
        return cls(asset, document["status"], reason, files, path.parent.absolute())

    def write(self, path: Path) -> None:
        """Write atomically; the same content always gives the same bytes, and is not written again."""
        path = Path(path)
        document = {
            "asset": self.asset,
            "status": self.status,
            "reason": self.reason,
            "files": {name: vars(self.files[name]) for name in sorted(self.files)},
        }
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        data = text.encode("utf-8", "backslashreplace")
        if path.is_file() and path.read_bytes() == data:
            return
        with part_file(path) as part:
            with writing(path):
                part.write_bytes(data)
            commit(part, path)

    def path(self, name: str) -> Path:
        """Absolute path of a file.

        Raises :class:`AssetError` with the reason if the asset is unavailable, and for a name it does not
        have.
        """
        if self.status != "ok":
            raise AssetError(f"asset '{self.asset}' is unavailable: {self.reason}")
        if name not in self.files:
            raise AssetError(f"asset '{self.asset}': {unknown('file', name, self.files)}")
        return self.folder / self.files[name].path

    def paths(self) -> dict[str, Path]:
        """Absolute paths of all files by name."""
        return {name: self.path(name) for name in self.files}
