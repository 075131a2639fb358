"""The rooms of the library: a module imports from its own room and from those to its left, anywhere in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import sisr

PACKAGE = Path(sisr.__file__).parent
CORE = (
    *("base", "data", "lr", "models", "upscaling", "scoring", "run", "analysis"),
    *("inquiry", "trust", "report"),
)
MAY_IMPORT = {room: set(CORE[: place + 1]) for place, room in enumerate(CORE)}
# Beside the core, which knows nothing of either: a run has trained weights, however they were made.
MAY_IMPORT["training"] = {"base", "data", "lr", "models", "scoring", "training"}
MAY_IMPORT["studies"] = {*CORE, "training", "studies"}
MAY_IMPORT["commands"] = {*CORE, "training", "commands"}
MAY_IMPORT["cli"] = {"commands"}
LARGEST = 450
PARAMETERS = 7
#: Typer takes the options of a command from its signature.
DICTATED = {
    *("commands.benching.bench", "commands.judging.score", "commands.imaging.upscale"),
    *("commands.inquiring.explain", "commands.timekeeping.time_models"),
}
FILES = {path: path.relative_to(PACKAGE).with_suffix("").parts for path in sorted(PACKAGE.rglob("*.py"))}
MODULES = [parts for parts in FILES.values() if parts[-1] not in ("__init__", "__main__")]
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def imported(path: Path) -> Iterator[str]:
    """Rooms that a file imports from: at its top, within functions, and for types alone."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("sisr."))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            module = (node.module or "").split(".")
            if module[0] == "sisr":
                yield from module[1:2] or (a.name for a in node.names if not a.name.startswith("__"))


def test_only_rooms_and_the_command_line_lie_at_the_top() -> None:
    assert {parts[0] for parts in FILES.values()} == {*MAY_IMPORT, "__init__"}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_rooms_to_its_left(room: str) -> None:
    found = {(path, other) for path, parts in FILES.items() if parts[0] == room for other in imported(path)}
    assert [f"{path} imports {other}" for path, other in sorted(found) if other not in MAY_IMPORT[room]] == []


def test_no_two_modules_or_packages_share_a_name() -> None:
    packages = {parts[:n] for parts in FILES.values() for n in range(1, len(parts))}
    names = [parts[-1] for parts in {*packages, *MODULES}]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []


def test_no_two_public_classes_share_a_name() -> None:
    names = [n.name for tree in TREES.values() for n in tree.body if isinstance(n, ast.ClassDef)]
    assert sorted(n for n in set(names) if names.count(n) > 1 and not n.startswith("_")) == []


def test_no_module_of_the_core_is_too_large() -> None:
    sizes = {
        path: len(path.read_text(encoding="utf-8").splitlines())
        for path in FILES
        if FILES[path][0] != "studies"
    }
    assert {str(path): size for path, size in sizes.items() if size > LARGEST} == {}


def parameters(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    given = function.args
    named = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    rest = [one.arg for one in (given.vararg, given.kwarg) if one]
    return [name for name in named + rest if name not in ("self", "cls")]


def test_no_function_has_too_many_parameters() -> None:
    found = {
        ".".join((*FILES[path], node.name))
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and len(parameters(node)) > PARAMETERS
    }
    assert found == DICTATED
