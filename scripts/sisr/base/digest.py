"""Digests of what the code of a rule means.

Snakemake sees neither the modules that a script imports nor whether an edit of them means anything.  A rule
that passes ``code_digest("tables")`` in its ``params`` runs again when something changes that its script
``scripts/tables.py`` can reach, and at no other edit:

* **What counts** of a file is its syntax tree without comments, docstrings and formatting, under names as
  imports resolve them.  It is written out here, and not by ``ast.dump`` whose form differs between versions
  of Python: a digest is the same under all of them, as long as they parse a statement into the same tree.
* **What is reached** are definitions: functions, classes and constants at the top of a module, each as a
  whole.  A definition reaches the names that it mentions, wherever in it, be it as a local variable;
  ``module.name`` reaches that name, and a module that is mentioned in any other way all of its names.  Names
  in annotations, and what stands under ``TYPE_CHECKING``, reach nothing, since they are never evaluated.
* **What an import runs** is reached with the module: its parents, what it imports, and its statements that
  define nothing or call something, among them decorators (except :data:`sisr.base.syntax._PURE`).
* **Strings** reach what they name: ``"sisr.upscaling.engines.opencv"`` the module,
  ``"sisr.models.archs.espcn:ESPCN"`` the class, ``"sisr.models.archs.*"`` every module of the folder, the
  name of a file beside the code, as of a template, that file.
* **Choices** narrow what is open: ``only={"sisr.models.model_entries.ENGINES": ["torch"]}`` takes one entry
  of a table of strings, or one of the functions that a decorator registers by a name.  A choice that is
  itself ``module:attribute`` reaches that, also in a folder (``{"sisr.models.archs.*": [...]}``).  Without
  a choice all count.
* **Installed packages** count where a choice names them: by name, version and the meaning of that module.

What these cannot see is not used in this package, which a test holds it to: ``globals()``, ``eval``, classes
found by their base, names of modules put together at run time, annotations that are read.

Each start of Snakemake needs digests, so what was found in a file is kept (:func:`keep_in`) until its size,
times or inode change.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from sisr.base import extensions, syntax
from sisr.base.atomic import write_text
from sisr.base.errors import ConfigError
from sisr.base.syntax import BLOCKS, defines, entries_of, is_pure, never_run, registration, statements_in

#: Folder of the scripts and of this package.
SCRIPTS = Path(__file__).resolve().parents[2]

#: Fields of the syntax tree that are not part of its meaning.
_SAYS_NOTHING = frozenset(("ctx", "kind", "type_comment", "type_ignores"))
_NAME = re.compile(r"(sisr(?:\.\w+)+(?:\.\*)?)(?::(\w+))?")
#: Seconds after a change of a file in which another one might not show in its times.
UNSURE = 2.0


# Definition or "" for what an import runs -> [digest of its meaning, dotted names that it reaches].
Units = dict[str, list[Any]]


def code_digest(*entries: str, only: Mapping[str, Iterable[str]] | None = None) -> str:
    """sha256 (16 hex digits) over the meaning of all that entries can reach.

    ``entries`` are dotted names below ``scripts``: of scripts (``"make_lr"``), modules
    (``"sisr.scoring.score"``) or definitions (``"sisr.report.result_plots.make_plots"``); ``only`` has those
    of tables and registering decorators.
    """
    chosen = tuple(sorted((name, tuple(sorted(set(keys)))) for name, keys in (only or {}).items()))
    return _digest(entries, chosen)


@cache
def _digest(entries: tuple[str, ...], chosen: tuple[tuple[str, tuple[str, ...]], ...]) -> str:
    reached = reach(entries, dict(chosen))
    content = "".join(f"{name}\0{digest}\0" for name, digest in sorted(reached.items()))
    return _sha256(content.encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def reach(entries: Iterable[str], only: Mapping[str, Iterable[str]] | None = None) -> dict[str, str]:
    """Dotted name of everything that entries can reach -> digest of its meaning."""
    files, chosen = _files(), only or {}
    for name in entries:
        if _split(name, files) is None:
            raise ValueError(f"no module {name}")
    for name in chosen:
        module, rest = _split(name, files) or ("", "")
        if not module or (rest != "*" and rest not in _summary(files[module])["units"]):
            raise ValueError(f"no folder, table or decorator {name}")
    found: dict[str, str] = {}
    remaining = list(entries)
    seen = set(remaining)
    while remaining:
        for name, digest, names in _reached(remaining.pop(), files, chosen):
            if name not in found:
                found[name] = digest
                remaining += set(names) - seen
                seen.update(names)
    return found


def _reached(
    name: str, files: Mapping[str, Path], chosen: Mapping[str, Iterable[str]]
) -> Iterable[tuple[str, str, list[str]]]:
    """What a name stands for, as (name, digest, names that it reaches)."""
    if name.startswith("/"):  # beside the code
        return [(name, *_summary(files[name])["units"][""])]
    if ":" in name:  # a choice
        return [(name, *_of_target(name, files))]
    if name.endswith(".*"):
        inside = [module for module in files if module.startswith(name[:-1])]
        return [(name, "", list(chosen.get(name, inside)))]
    return _in_module(name, files, chosen)


def _in_module(
    name: str, files: Mapping[str, Path], chosen: Mapping[str, Iterable[str]]
) -> Iterator[tuple[str, str, list[str]]]:
    """What a dotted name stands for."""
    place = _split(name.removeprefix("!"), files)
    if place is None:
        return
    module, rest = place
    summary = _summary(files[module])
    units: Units = summary["units"]
    parent = module.rpartition(".")[0]
    run, names = units[""]
    registered = [
        f"{module}.{function}"
        for decorator, key, function in summary["registered"]
        if decorator not in chosen or key in chosen[decorator]
    ]
    yield module, run, [*names, *registered, *([f"!{parent}"] if parent else [])]
    if name.startswith("!"):
        return
    first = rest.partition(".")[0]
    imported = summary["imported"]
    if first and (first in units or first in imported or first in summary["bound"]):
        wanted = [first]
    else:  # all of the module, also where it is said to have what is not seen in it
        wanted = [key for key in units if key and not key.endswith("]")]
        wanted += [key for key in imported if imported[key].startswith("sisr.")]
    for key in wanted:
        if f"{module}.{key}" in chosen and any(unit.startswith(f"{key}[") for unit in units):
            for entry in chosen[f"{module}.{key}"]:
                if ":" in entry:
                    yield f"{module}.{key}[{entry}]", "", [entry]
                elif (unit := f"{key}[{entry}]") in units:
                    yield f"{module}.{unit}", *units[unit]
        elif key in units:
            yield f"{module}.{key}", *units[key]
        if key in imported:
            # What another module has under this name.
            yield f"{module}.{key}=", imported[key], [imported[key] + rest.removeprefix(first)]


def _of_target(target: str, files: Mapping[str, Path]) -> tuple[str, list[str]]:
    """(digest, names) of ``module:attribute``: of ours what it reaches, of a package what it is."""
    module = target.partition(":")[0]
    if module in files:
        return "", [target.replace(":", ".").rstrip(".")]
    path, package = extensions.place(module), extensions.provider_of(target.rstrip(":"))
    if path is None:
        raise ConfigError(f"'{target}': no module {module} is installed")
    digest, _ = _Reader(module, path.stem == "__init__").unit(ast.parse(path.read_bytes()).body)
    return _sha256(f"{package}\0{digest}".encode()), []


def _split(name: str, files: Mapping[str, Path]) -> tuple[str, str] | None:
    """(module, what follows) of a dotted name; None for what is not ours."""
    module, rest = name, ""
    while module and module not in files:
        module, _, last = module.rpartition(".")
        rest = f"{last}.{rest}" if rest else last
    return (module, rest) if module else None


def _module(path: Path) -> str:
    """Dotted name of a file."""
    parts = path.relative_to(SCRIPTS).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _files() -> dict[str, Path]:
    """Dotted name of every module, and "/name" of every file beside the code; listed once a process."""
    found = {}
    for folder, folders, names in os.walk(SCRIPTS):
        folders[:] = [name for name in folders if name != "__pycache__"]
        above = Path(folder).relative_to(SCRIPTS).parts
        for name in names:
            path = Path(folder, name)
            if path.suffix == ".py":
                found[_module(path)] = path
            elif above:
                found[f"/{name}"] = path
    return found


# --- what a file says --------------------------------------------------------------------------------------


class _Reader:
    """Writes out the meaning of statements of one module, and notes which names they mention."""

    def __init__(self, module: str, package: bool) -> None:
        self.module, self.package = module, package
        self.imported: dict[str, str] = {}
        self.defined: set[str] = set()
        self.text: list[str] = []
        self.names: set[str] = set()
        self.local: dict[str, str] = {}
        self.mentioned: set[str] = set()
        self.quiet = False

    def unit(self, nodes: Iterable[ast.AST]) -> list[Any]:
        """Digest of some statements, and the dotted names that they reach."""
        self.text, self.names, self.local = [], set(), {}
        statements = list(nodes)
        for node in statements:
            if isinstance(node, BLOCKS):
                for inner in statements_in(node):
                    if isinstance(inner, (ast.Import, ast.ImportFrom)):
                        self.local.update(self.bindings(inner))
        self.write(statements)
        return [_sha256("".join(self.text).encode("utf-8", "surrogatepass")), sorted(self.names)]

    def bindings(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
        """(name here, dotted name) of what a statement imports."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
            return
        base = self.module.split(".")[: len(self.module.split(".")) - node.level + self.package]
        source = ".".join([*(base if node.level else []), *filter(None, [node.module])])
        for alias in node.names:
            if alias.name == "*":
                raise ValueError(f"{self.module}:{node.lineno}: import * hides what it imports")
            yield alias.asname or alias.name, f"{source}.{alias.name}"

    def targets(self, name: str) -> list[str]:
        """Dotted names that a name may stand for, the likeliest first; none for a local one or a builtin."""
        found = [self.local.get(name), self.imported.get(name)]
        return [*filter(None, found), *([f"{self.module}.{name}"] if name in self.defined else [])]

    def mention(self, name: str, attributes: str = "") -> None:
        """Write a name with attributes."""
        targets = [f"{target}{attributes}" for target in self.targets(name)]
        self.text.append(f"{targets[0] if targets else name + attributes};")
        if not self.quiet:
            self.mentioned.add(name)
            self.names.update(targets)

    def write(self, node: Any) -> None:
        """Write out a part of the syntax tree."""
        if isinstance(node, ast.Name):
            self.mention(node.id)
        elif isinstance(node, ast.Constant):
            self.constant(node.value)
        elif isinstance(node, ast.Attribute):
            self.attribute(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            self.runs(node)
        elif isinstance(node, ast.If) and never_run(node.test):
            self.write(node.orelse)
        elif isinstance(node, ast.AST):
            self.fields(node)
        elif isinstance(node, list):
            self.text.append("[")
            for item in node:
                if not (
                    isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant)
                ):  # docstrings, "..."
                    self.write(item)
            self.text.append("]")
        else:
            self.text.append(f"{node!r},")

    def fields(self, node: ast.AST) -> None:
        self.text.append(f"{type(node).__name__}(")
        quiet = self.quiet
        for field in node._fields:
            value = getattr(node, field, None)
            if isinstance(node, ast.JoinedStr):  # Python 3.12 adds empty strings
                value = [part for part in node.values if getattr(part, "value", None) != ""]
            # Empty ones are left out, since newer versions of Python have more fields.
            if value is not None and value != [] and field not in _SAYS_NOTHING:
                self.text.append(f"{field}=")
                self.quiet = quiet or field in ("annotation", "returns")
                self.write(value)
        self.quiet = quiet
        self.text.append(")")

    def attribute(self, node: ast.Attribute) -> None:
        """``module.name`` is a name of its own; what is an attribute of something else is not known."""
        chain = f".{node.attr}"
        root = node.value
        while isinstance(root, ast.Attribute):
            chain, root = f".{root.attr}{chain}", root.value
        if isinstance(root, ast.Name):
            self.mention(root.id, chain)
        else:
            self.text.append(f"of{chain}(")
            self.write(root)
            self.text.append(")")

    def constant(self, value: object) -> None:
        self.text.append(f"{value!r},")
        if isinstance(value, str) and not self.quiet:
            named = _NAME.fullmatch(value)
            if named:
                self.names.add(".".join(filter(None, named.groups())))
            elif f"/{value}" in _files():
                self.names.add(f"/{value}")

    def runs(self, node: ast.Import | ast.ImportFrom) -> None:
        """What the statement imports of ours is run; of others, the names that are used say what counts."""
        dotted = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for name in (*dotted, *(target for _, target in self.bindings(node))):
            if name.startswith("sisr"):
                self.names.add(f"!{name}")


def _read(path: Path) -> dict[str, Any]:
    """What a module says: its units, what it imports and registers, and names that running it binds."""
    module = _module(path)
    body = ast.parse(path.read_bytes()).body
    reader = _Reader(module, path.stem == "__init__")
    imported = reader.imported
    for node in body:
        for inner in statements_in(node, inside=False):
            if isinstance(inner, (ast.Import, ast.ImportFrom)):
                imported.update(reader.bindings(inner))
    definitions: dict[str, list[ast.AST]] = {}
    run, run_names, registered = [], [], []
    for node in body:
        names = defines(node)
        key = registration(node)
        if key is not None:
            registered.append([*key, *names])
        elif not names or not is_pure(node, imported):
            if isinstance(node, BLOCKS):
                run_names.append(f"{module}.{node.name}")
            else:
                run.append(node)
                names = []
        for name in names:
            definitions.setdefault(name, []).append(node)
    bound = {inner.id for node in run for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    reader.defined = {*definitions, *bound}
    units = {name: reader.unit(nodes) for name, nodes in definitions.items()}
    for name, nodes in definitions.items():
        units |= {f"{name}[{key}]": reader.unit([value]) for key, value in entries_of(nodes)}
    digest, reached = reader.unit(run)
    # Imports whose names nobody uses are there for what they do.
    unused = sorted(imported[name] for name in imported.keys() - reader.mentioned)
    units[""] = [_sha256("".join([digest, *unused]).encode()), [*reached, *run_names]]
    for one in registered:
        one[0] = next(iter(reader.targets(one[0])), one[0])
    return {"units": units, "imported": imported, "registered": registered, "bound": sorted(bound)}


def _beside(path: Path) -> dict[str, Any]:
    """What a file beside the code says, as a module of one unit: its bytes, and other files that it names."""
    source = path.read_bytes()
    words = {f"/{word}" for word in re.findall(r"[\w.-]+", source.decode("utf-8", "replace"))}
    return {"units": {"": [_sha256(source), sorted(words & _files().keys() - {f"/{path.name}"})]}}


# --- what is kept ----------------------------------------------------------------------------------------

_kept: dict[str, Any] = {}


def keep_in(file: Path, write: bool) -> None:
    """Use what an earlier process found in files that are still the same; with ``write``, add what is new."""
    with suppress(OSError, ValueError):
        document = json.loads(file.read_text(encoding="utf-8"))
        if document["made_by"] == _maker():
            _kept.update(document["files"])
    if write:
        before = dict(_kept)
        for path in _files().values():
            _summary(path)
        if _kept != before:
            text = json.dumps({"made_by": _maker(), "files": _kept}, separators=(",", ":"))
            with suppress(OSError):  # a folder that cannot be written to costs time only
                write_text(file, text)


def _maker() -> list[Any]:
    return [
        list(sys.version_info[:2]),
        str(SCRIPTS),
        *stamp_of(Path(__file__).stat()),
        *stamp_of(Path(syntax.__file__).stat()),
    ]


def stamp_of(stat: os.stat_result) -> list[int]:
    """Size, times and inode of a file: what changes when its content does."""
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


@cache
def _summary(path: Path) -> dict[str, Any]:
    stat = path.stat()
    key = str(path)
    kept = _kept.get(key)
    if kept is not None and kept["stamp"] == stamp_of(stat):
        return kept
    summary = _read(path) if path.suffix == ".py" else _beside(path)
    # A file that was changed a moment ago may change again without a later time.
    if time.time() - stat.st_ctime > UNSURE:
        _kept[key] = {"stamp": stamp_of(stat), **summary}
    return summary


# --- the user's files ------------------------------------------------------------------------------------


def file_digest(path: str | Path) -> str:
    """sha256 of a file of the user's, in hex; read again only when its size, times or inode have changed."""
    return _file_digest(str(path), *stamp_of(Path(path).stat()))


@cache
def _file_digest(path: str, *_stamp: int) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
