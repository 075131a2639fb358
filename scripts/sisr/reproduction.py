"""``sisr reproduce``: run again what an RO-Crate describes, and compare.

The run is made anew in a folder of its own, also the weights that it trained; only downloads are shared with
other runs, and their content is checked against the crate.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from sisr import registry
from sisr.assets.manifest import Manifest
from sisr.atomic import write_text
from sisr.config import read as read_config
from sisr.crate import CODE, CODE_FOLDERS, IDENTIFIER, METADATA
from sisr.digest import file_digest
from sisr.errors import ReproductionError
from sisr.metrics import parse_measure
from sisr.provenance import git, machine, software
from sisr.render import outer_environment

#: What a crate must hold, with their checksums, so that the run can be made again and compared.
_NEEDED = ("scores.csv", "config.yaml", "provenance.json")
#: Folders that runs write into.
_MADE = ("results", "resources")
#: Differences of a kind that are listed one by one.
_MOST = 5
#: Dataset, image, kernel, scale, model, metric, protocol.
Key = tuple[str, ...]


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
        from rocrate.rocrate import ROCrate

        if not path.exists():
            raise ReproductionError(f"{path}: no such file or folder; expected an RO-Crate")
        if path.is_dir() and not (path / METADATA).is_file():
            raise ReproductionError(f"{path}: expected a folder with {METADATA}, found none")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of parts that this does not need
                crate = ROCrate(path)
        except (ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ReproductionError(f"{path}: not an RO-Crate: {reason}") from None
        folder = Path(crate.source)
        folder = folder if folder.is_dir() else folder.parent
        workflow = crate.mainEntity
        if workflow is None or isinstance(workflow, str) or workflow.get("identifier") != IDENTIFIER:
            raise ReproductionError(
                f"{path}: the crate of something else: expected a run of '{IDENTIFIER}', found '{crate.name}'"
            )
        stated = {}
        for name in _NEEDED:
            entity = crate.get(name)
            if entity is None or not isinstance(entity.get("sha256"), str):
                raise ReproductionError(f"{path}: the crate states no checksum of {name}")
            if not (folder / name).is_file():
                raise ReproductionError(f"{path}: {name} is part of the crate, but the file is missing")
            stated[name] = entity["sha256"]
        try:
            made = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
            made["commit"], made["assets"], made["packages"], made["machine"]
        except (ValueError, KeyError, TypeError) as error:
            raise ReproductionError(
                f"{folder / 'provenance.json'}: not the record of a run: {type(error).__name__}: {error}"
            ) from None
        return cls(folder, made, registry.read_yaml(folder / "config.yaml"), stated)


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
    before, now = _digests(crate.folder / CODE), _digests(registry.ROOT)
    changed = sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))
    if changed:
        more = f" and {len(changed) - _MOST} more" if len(changed) > _MOST else ""
        yield f"the code is another one: {', '.join(changed[:_MOST])}{more}"


def _digests(root: Path) -> dict[str, str]:
    """Path -> sha256 of the files that make up the workflow."""
    return {
        path.relative_to(root).as_posix(): file_digest(path)
        for name in CODE_FOLDERS
        for path in (root / name).rglob("*")
        if path.is_file() and _is_source(path.relative_to(root))
    }


def _is_source(path: Path) -> bool:
    return not any(
        part == "__pycache__" or part.startswith(".") or part.endswith(".egg-info") for part in path.parts
    )


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


def rerun(
    crate: CrateOfRun,
    out: Path,
    *,
    cores: int,
    downloads: Path,
    arguments: Sequence[str] = (),
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Path:
    """Run the crate's configuration in ``out`` as far as its scores; returns the folder of the new results.

    An interrupted one is finished by the same call.

    Parameters
    ----------
    downloads : folder of fetched assets, shared with other runs
    arguments : more of Snakemake's
    progress : called with the number of finished jobs and of all

    Raises
    ------
    ReproductionError
        ``out`` holds something else, or Snakemake failed.
    ConfigError
        The registries of this checkout do not have what the configuration names.
    """
    config = _absolute(crate.config)
    read_config(config, str(crate.folder / "config.yaml"))
    _prepare(crate, out, config, downloads)
    target = f"results/{crate.name}"
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(registry.ROOT / "workflow" / "Snakefile"),
        "--directory", str(out), "--configfile", str((out / "config.yaml").absolute()),
        "--cores", str(cores), *arguments, "--", f"{target}/provenance.json",
    ]  # fmt: skip
    log = out / "reproduce.log"
    last = ""
    with (
        log.open("w", encoding="utf-8") as stream,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=_environment(),
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            stream.write(line)
            if counted := re.match(r"(\d+) of (\d+) steps", line):
                progress(int(counted[1]), int(counted[2]))
            if said := re.match(r"error: (.*)", line):
                last = f": {said[1]}"
    if process.returncode != 0:
        raise ReproductionError(f"{log}: Snakemake ended with status {process.returncode}{last}")
    return out / target


def _environment() -> dict[str, str]:
    """Ours, with a mirror that is found from another folder."""
    environment = outer_environment()
    mirror = environment.get("SISR_MIRROR")
    return {**environment, "SISR_MIRROR": _from_here(mirror)} if mirror else environment


def _from_here(path: str) -> str:
    """A path as an absolute one if it is of something in the current folder; addresses stay."""
    return str(Path(path).absolute()) if Path(path).exists() else path


def _absolute(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with paths that also lead somewhere from another folder."""
    out = dict(config)
    if out.get("mirror"):
        out["mirror"] = _from_here(out["mirror"])
    if isinstance(out.get("my_photos"), Mapping):
        out["my_photos"] = {**out["my_photos"], "path": _from_here(out["my_photos"]["path"])}
    return out


def _prepare(crate: CrateOfRun, out: Path, config: Mapping[str, Any], downloads: Path) -> None:
    """The folder of the new run: its configuration, and links to what is not made anew."""
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    there = out / "config.yaml"
    if out.exists() and not out.is_dir():
        raise ReproductionError(f"{out}: expected a folder, found a file")
    if there.is_file() and there.read_text(encoding="utf-8") != text:
        raise ReproductionError(f"{out}: holds another run's reproduction; give another folder with --out")
    if not there.is_file() and out.exists() and any(out.iterdir()):
        raise ReproductionError(f"{out}: expected an empty folder; give another one with --out")
    write_text(there, text)
    downloads.mkdir(parents=True, exist_ok=True)
    # Relative paths of the user's own, of pictures and of networks, start where Snakemake is started: what
    # lies there is seen in the new folder too, but for what a run makes.
    links = {
        out / entry.name: entry
        for entry in Path.cwd().iterdir()
        if entry.name not in _MADE
        and not entry.name.startswith(".")
        and entry not in (out.absolute(), *out.absolute().parents)
    }
    for link, target in {**links, out / "resources" / "assets": downloads}.items():
        if not os.path.lexists(link):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(target.absolute())


class Difference(NamedTuple):
    """Two values of one score that are not the same; ``shown`` if also not by the digits that tables show."""

    key: Key
    before: float
    now: float
    shown: bool

    @property
    def size(self) -> float:
        return abs(self.now - self.before)

    def __str__(self) -> str:
        dataset, image, kernel, scale, model, metric, protocol = self.key
        return (
            f"{metric}@{protocol} of {image} ({dataset}, {kernel} x{scale}, {model}) is {self.before:g} "
            f"in the crate and {self.now:g} here, difference {self.size:.2g}"
        )


@dataclass(frozen=True)
class Outcome:
    """How a new run compares with a crate.

    ``same_bytes``: the tables are the same, byte for byte.  ``inputs``: what went in and is not the same.
    ``missing``: scores that only one of both has, with where.  ``differing``: scores with two values.
    ``notes``: what else is not the same, and explains rather than decides.
    """

    values: int
    same_bytes: bool
    inputs: Sequence[str]
    missing: Sequence[tuple[Key, str]]
    differing: Sequence[Difference]
    notes: Sequence[str]

    @property
    def reproduced(self) -> bool:
        """Whether everything is the same to the last digit shown, made from the same inputs."""
        return not (self.inputs or self.missing or any(found.shown for found in self.differing))

    def __str__(self) -> str:
        if self.inputs:
            return f"not the same inputs: {self.inputs[0]}{_and_more(self.inputs)}"
        if self.missing:
            key, where = self.missing[0]
            named = f"{key[5]}@{key[6]} of {key[1]} ({key[0]}, {key[2]} x{key[3]}, {key[4]})"
            return f"{len(self.missing)} of {self.values} scores are {where} only, first {named}"
        if self.same_bytes:
            return f"identical: the same {self.values} scores, byte for byte"
        shown = [found for found in self.differing if found.shown]
        if shown:
            worst = max(shown, key=lambda found: found.size * 10 ** _digits(found.key))
            return (
                f"{len(shown)} of {self.values} scores differ in digits that are shown; the largest: {worst}"
            )
        if not self.differing:
            return f"the same {self.values} scores, in other bytes (order or spelling)"
        return (
            f"the same to the last digit shown: {self.values} scores, {len(self.differing)} differ beyond it"
        )

    def by_measure(self) -> list[str]:
        """The largest difference of each measure, one line each."""
        worst: dict[str, Difference] = {}
        for found in self.differing:
            measure = f"{found.key[5]}@{found.key[6]}"
            if measure not in worst or found.size > worst[measure].size:
                worst[measure] = found
        return [f"largest difference: {found}" for found in worst.values()]


def _and_more(items: Sequence[object]) -> str:
    return f" (and {len(items) - 1} more)" if len(items) > 1 else ""


def compare(crate: CrateOfRun, results: Path) -> Outcome:
    """Compare a new run's inputs and scores with the crate's."""
    before, now = crate.folder / "scores.csv", results / "scores.csv"
    one = _scores(before)
    same_bytes = file_digest(before) == file_digest(now)
    other = one if same_bytes else _scores(now)
    missing = [(key, "in the crate") for key in one if key not in other]
    missing += [(key, "in the new run") for key in other if key not in one]
    differing = [
        Difference(key, value, other[key], _visible(key, value, other[key]))
        for key, value in one.items()
        if key in other and value != other[key]
    ]
    made = json.loads((results / "provenance.json").read_text(encoding="utf-8"))
    inputs = [
        *_assets(crate.made["assets"], results.parents[1] / "resources" / "assets"),
        *_pictures(crate.folder / "hr", results / "hr"),
        *_unlike("file of a model of one's own", crate.made.get("own_files", {}), made["own_files"]),
    ]
    return Outcome(
        values=len(one),
        same_bytes=same_bytes,
        inputs=inputs,
        missing=missing,
        differing=differing,
        notes=[
            *_unavailable(crate.made["assets"], made["assets"]),
            *_unlike("weights trained anew", crate.made.get("trained", {}), made["trained"]),
        ],
    )


def _scores(path: Path) -> dict[Key, float]:
    """Scores by what they are of; :class:`ReproductionError` for a table that is none."""
    found: dict[Key, float] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        rows = csv.reader(stream)
        header = next(rows, [])
        if len(header) != 8 or header[-1] != "value":
            raise ReproductionError(
                f"{path}: not a table of scores: its columns are {', '.join(header) or 'none'}"
            )
        for row in rows:
            try:
                *key, value = row
                found[tuple(key)] = float(value)
            except ValueError:
                raise ReproductionError(f"{path}:{rows.line_num}: not a score: {','.join(row)}") from None
    return found


def _digits(key: Key) -> int:
    return parse_measure(f"{key[5]}@{key[6]}").digits


def _visible(key: Key, one: float, other: float) -> bool:
    """Whether two values differ by half a unit of the last digit that tables show, or more."""
    return not abs(one - other) < 0.5 * 10 ** -_digits(key)


def _assets(before: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """Assets whose files, as they are on this disk, are not those of the run."""
    for name, entry in before.items():
        if not (folder / f"{name}.json").is_file():
            yield f"asset '{name}' is not in this checkout"
            continue
        manifest = Manifest.read(folder / f"{name}.json")
        paths = manifest.paths() if manifest.status == "ok" else {}
        for file, expected in entry["files"].items() if paths else ():
            found = file_digest(paths[file]) if file in paths else None
            if found != expected:
                said = f"sha256 {found[:12]}" if found else "missing"
                yield f"asset '{name}': {file} is {said}, sha256 {expected[:12]} in the crate"


def _unavailable(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name, entry in before.items():
        found = now.get(name, {}).get("status")
        if found is not None and found != entry["status"]:
            yield f"asset '{name}' is {found} here and was {entry['status']} in the run"


def _pictures(before: Path, now: Path) -> Iterator[str]:
    """HR pictures that are not those of the run, by the manifests of the datasets."""
    for path in sorted(before.glob("*.json")):
        there, here = _hashes(path), _hashes(now / path.name)
        yield from _unlike(f"picture of '{path.stem}'", there, here)


def _hashes(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    images = json.loads(path.read_text(encoding="utf-8"))["images"]
    return {image["name"]: image["sha256"] for image in images if "sha256" in image}


def _unlike(kind: str, before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for name in dict.fromkeys([*before, *now]):
        one, other = (str(found.get(name, "none"))[:12] for found in (before, now))
        if one != other:
            yield f"{kind}: {name} is {other} here and was {one} in the run (sha256)"
