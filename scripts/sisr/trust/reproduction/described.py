"""The run that an RO-Crate describes, and what is not as when it was made."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from sisr.base import registry
from sisr.base.digest import file_digest
from sisr.base.errors import ReproductionError
from sisr.run.config import checked
from sisr.trust.crate import CODE, CODE_FOLDERS, IDENTIFIER, METADATA, NO_CODE
from sisr.trust.provenance import git, machine, software

#: What a crate must hold, with their checksums, so that the run can be made again and compared.
_NEEDED = ("scores.csv", "config.yaml", "provenance.json")
#: What its provenance must say.
_NEEDED_OF_MADE = ("commit", "assets", "packages", "machine")
#: Changed files that are named one by one.
_MOST = 5


@dataclass(frozen=True)
class CrateOfRun:
    """A crate on disk: its folder, the run's provenance and configuration, and what sha256 it states."""

    folder: Path
    made: Mapping[str, Any]
    config: Mapping[str, Any]
    stated: Mapping[str, str]

    @property
    def name(self) -> str:
        return str(self.config["name"])

    @classmethod
    def read(cls, path: Path) -> CrateOfRun:
        """Read the crate of a run: a folder, its ``ro-crate-metadata.json``, or a zip file of the folder.

        Raises :class:`ReproductionError` in one line for what is no crate, is that of something else, or
        lacks a file.
        """
        from rocrate.model.entity import Entity
        from rocrate.rocrate import ROCrate

        if not path.exists():
            raise ReproductionError(f"{path}: no such file or folder; expected an RO-Crate")
        if path.is_dir() and not (path / METADATA).is_file():
            raise ReproductionError(f"{path}: expected a folder with {METADATA}, found none")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of parts that this does not need
                crate = ROCrate(path)
                workflow, title = crate.mainEntity, crate.name
                entities = {name: crate.get(name) for name in _NEEDED}
                checksums = {name: entity.get("sha256") for name, entity in entities.items() if entity}
                identifier = workflow.get("identifier") if isinstance(workflow, Entity) else None
        except Exception as error:  # the library takes for granted that a crate is one
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ReproductionError(f"{path}: not an RO-Crate: {reason}") from None
        folder = Path(crate.source)
        folder = folder if folder.is_dir() else folder.parent
        if identifier != IDENTIFIER:
            raise ReproductionError(
                f"{path}: the crate of something else: expected a run of '{IDENTIFIER}', found '{title}'"
            )
        for name in _NEEDED:
            if not isinstance(checksums.get(name), str):
                raise ReproductionError(f"{path}: the crate states no checksum of {name}")
            if not (folder / name).is_file():
                raise ReproductionError(f"{path}: {name} is part of the crate, but the file is missing")
        made = registry.read_json(folder / "provenance.json", "provenance")
        if missing := [key for key in _NEEDED_OF_MADE if key not in made]:
            where = folder / "provenance.json"
            raise ReproductionError(f"{where}: not the record of a run: '{missing[0]}' is missing")
        config = registry.read_yaml(folder / "config.yaml")
        checked(config, str(folder / "config.yaml"))
        return cls(folder, made, config, checksums)


def differences(crate: CrateOfRun) -> list[str]:
    """What is not as when the run was made, one line each; the results may differ for it."""
    return [*_changed_files(crate), *_code(crate), *_software(crate)]


def _changed_files(crate: CrateOfRun) -> Iterator[str]:
    for name, stated in crate.stated.items():
        found = file_digest(crate.folder / name)
        if found != stated:
            said = f"sha256 {found[:12]}, the crate says {stated[:12]}"
            yield f"{name} was changed after the crate was made: {said}"


def _code(crate: CrateOfRun) -> Iterator[str]:
    here, theirs = git("rev-parse", "HEAD"), crate.made["commit"]
    if theirs is None:
        yield "the commit of the run is unknown: it was made outside Git"
    elif theirs != here:
        known = git("cat-file", "-e", f"{theirs}^{{commit}}") is not None
        hint = f"git checkout {theirs[:12]}" if known else "this checkout does not have it"
        yield f"commit {theirs[:12]} in the crate, {here[:12] if here else 'none'} here ({hint})"
    if not (crate.folder / CODE).is_dir():
        yield f"the crate has no {CODE}/, so the code cannot be compared"
        return
    before, now = source_digests(crate.folder / CODE), source_digests(registry.ROOT)
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if changed:
        more = f" and {len(changed) - _MOST} more" if len(changed) > _MOST else ""
        yield f"the code is another one: {', '.join(changed[:_MOST])}{more}"


def source_digests(root: Path) -> dict[str, str]:
    """Path -> sha256 of the files that make up the workflow."""
    return {
        path.relative_to(root).as_posix(): file_digest(path)
        for name in CODE_FOLDERS
        for path in (root / name).rglob("*")
        if path.is_file() and _is_source(path.relative_to(root))
    }


def _is_source(path: Path) -> bool:
    return not any(fnmatch(part, pattern) for part in path.parts for pattern in NO_CODE)


def _software(crate: CrateOfRun) -> Iterator[str]:
    here, theirs = software(), crate.made
    if theirs.get("python") != here["python"]:
        yield f"Python {theirs.get('python')} in the crate, {here['python']} here"
    for package, version in theirs["packages"].items():
        found = here["packages"].get(package)
        if version is not None and version != found:
            yield f"{package} {version} in the crate, {found or 'none'} here"
    ours = machine()
    for part in ("processor", "gpus"):
        if theirs["machine"].get(part) != ours[part]:
            yield f"{part}: {_text(theirs['machine'].get(part))} in the crate, {_text(ours[part])} here"


def _text(value: Any) -> str:
    return (", ".join(value) if isinstance(value, list) else value) or "none"
