"""Digest of the code that a rule runs.

Snakemake sees a change of a script, but not of a module that the script imports.  A rule that passes
``code_digest("scoring")`` in its ``params`` runs again when that module, or any module of this package
that it imports (directly or not), is edited; touching a file changes nothing.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


@cache
def code_digest(*modules: str) -> str:
    """sha256 (16 hex digits) over modules of ``sisr`` and everything of ``sisr`` that they import.

    ``modules`` are dotted names below the package (``"scoring"``, ``"engines.opencv"``).
    """
    files: dict[Path, None] = {}
    for module in modules:
        _collect(_path(module), files)
    content = hashlib.sha256()
    for path in sorted(files):
        content.update(f"{path.relative_to(PACKAGE)}\0".encode())
        content.update(path.read_bytes())
    return content.hexdigest()[:16]


def file_digest(path: str | Path) -> str:
    """sha256 of a file of the user's, in hex; read again only when its size or time has changed."""
    stat = Path(path).stat()
    return _file_digest(str(path), stat.st_size, stat.st_mtime_ns)


@cache
def _file_digest(path: str, _size: int, _time: int) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def static_digest(folder: str) -> str:
    """sha256 (16 hex digits) over a folder of ``sisr`` without its Python files: templates, scripts."""
    content = hashlib.sha256()
    for path in sorted((PACKAGE / folder).iterdir()):
        if path.suffix != ".py" and path.is_file():
            content.update(f"{path.name}\0".encode())
            content.update(path.read_bytes())
    return content.hexdigest()[:16]


def _collect(path: Path, files: dict[Path, None]) -> None:
    if path in files:
        return
    files[path] = None
    for imported in _imports(path):
        _collect(imported, files)


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    """Files of this package that a file imports anywhere, also inside functions."""
    names: set[str] = set()
    for node in _statements(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "sisr":
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names if alias.name.split(".")[0] == "sisr")
    found = (_find(name.removeprefix("sisr").lstrip(".")) for name in sorted(names))
    return tuple(p for p in found if p is not None and p != PACKAGE / "__init__.py")


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """All statements, also inside others.  Expressions, which are most of a file and import nothing, are not
    visited: each start of Snakemake waits for this.
    """
    remaining = [tree]
    while remaining:
        node = remaining.pop()
        yield node
        for part in ("body", "orelse", "finalbody", "handlers", "cases"):
            remaining += getattr(node, part, ())


def _find(module: str) -> Path | None:
    base = PACKAGE.joinpath(*module.split(".")) if module else PACKAGE
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _path(module: str) -> Path:
    path = _find(module)
    if path is None:
        raise ValueError(f"no module sisr.{module}")
    return path
