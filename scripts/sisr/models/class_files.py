"""Files of a network that is one's own Python class: the file that has the class, and what it imports.

Authors publish a file out of their repository: ``from .block import X``, ``from models.block import X`` or
``import block`` mean files beside or above it.  They are found by reading, without running anything, since
the workflow asks for them when it plans: each import is looked for in the folder of the file that has it,
and then in those above, up to the one where all of the dotted name is there.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

#: What the file's own package is called, by its absolute folder, so that relative imports reach any level.
ROOT = "_foreign"
#: Where installed packages are: what lies there, and above, is nobody's own.
_INSTALLED = ("site-packages", "dist-packages")


def split(name: str) -> tuple[str, str]:
    """(module or file, class) of ``package.module:Class`` or ``file.py:Class``.

    >>> split("~/nets/net.py:Net")
    ('~/nets/net.py', 'Net')
    """
    where, _, class_name = name.rpartition(":")
    return where, class_name


def file_of(name: str) -> Path | None:
    """The file of ``file.py:Class``, or of ``package.module:Class`` below the current folder; None where the
    module can only be installed.
    """
    where, _ = split(name)
    if where.endswith(".py"):
        return Path(where).expanduser()
    below = Path(*where.split(".")).with_suffix(".py")
    return below if below.is_file() else None


@dataclass(frozen=True)
class Sources:
    """What a file is made of: dotted names of modules with their files, of packages with their folders.

    ``name`` is the module of the file itself.  A package's ``__init__.py`` is among ``initial`` where
    something of it is imported.
    """

    name: str
    modules: dict[str, Path] = field(default_factory=dict)
    packages: dict[str, Path] = field(default_factory=dict)
    initial: dict[str, Path] = field(default_factory=dict)

    def files(self) -> list[Path]:
        """All files, each once: the first is that of the class."""
        return list(dict.fromkeys([*self.modules.values(), *self.initial.values()]))


def read(file: Path) -> Sources:
    """Everything that a file imports of its own package; what cannot be parsed imports nothing."""
    path = file.absolute()
    package = ".".join([ROOT, *(re.sub(r"\W", "_", part) for part in path.parent.parts[1:])])
    found = Sources(f"{package}.{path.stem}")
    found.modules[found.name] = path
    found.packages[ROOT] = Path(path.anchor)
    _add_packages(found, package, path.parent)
    seen: set[tuple[str, Path]] = set()
    while remaining := [one for one in (*found.modules.items(), *found.initial.items()) if one not in seen]:
        for module, source in remaining:
            seen.add((module, source))
            own_package = module if (module, source) in found.initial.items() else module.rpartition(".")[0]
            for level, wanted, names in _imports(source):
                _resolve(found, source.parent, own_package, level, wanted, names)
    return found


def _imports(source: Path) -> Iterator[tuple[int, str, list[str]]]:
    """(level, dotted module, names) of every import in a file, in functions too; of ``import x`` no names."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.level, node.module or "", [alias.name for alias in node.names]


def _resolve(found: Sources, folder: Path, package: str, level: int, wanted: str, names: list[str]) -> None:
    parts = wanted.split(".") if wanted else []
    if level:
        for _ in range(level - 1):
            folder, package = folder.parent, package.rpartition(".")[0]
        if package:
            _add(found, folder, [*package.split(".")], parts, names)
        return
    # Of the standard library's names only a file beside it is meant, as where Python runs it.
    above = [folder, *folder.parents][: 1 if parts[0] in sys.stdlib_module_names else None]
    for root in above:
        if root.name in _INSTALLED or root == Path(root.anchor):
            return
        if _add(found, root, [], parts, names):
            return


def _add(found: Sources, root: Path, prefix: list[str], parts: list[str], names: list[str]) -> bool:
    """Note a module below a folder, and the packages around it; False where it is not there."""
    target = root.joinpath(*parts)
    dotted = ".".join([*prefix, *parts])
    source = target.with_name(f"{target.name}.py") if parts else target
    is_file = bool(parts) and source.is_file()
    inside = [name for name in names if _is_module(target / name)]
    initial = target / "__init__.py"
    if not is_file and not inside and not initial.is_file():
        return False
    folder = root
    for depth, part in enumerate(parts[:-1], 1):
        folder = folder / part
        _add_packages(found, ".".join([*prefix, *parts[:depth]]), folder)
    if is_file and not initial.is_file():
        found.modules.setdefault(dotted, source)
        return True
    _add_packages(found, dotted, target)
    if initial.is_file() and (not names or set(names) - set(inside)):
        found.initial.setdefault(dotted, initial)
    for name in inside:
        _add(found, target, dotted.split("."), [name], [])
    return True


def _add_packages(found: Sources, dotted: str, folder: Path) -> None:
    """Note a package; of the folders above it those that the file's own name goes through."""
    while dotted not in found.packages:
        found.packages[dotted] = folder
        if not dotted.startswith(f"{ROOT}."):
            return
        dotted, folder = dotted.rpartition(".")[0], folder.parent


def _is_module(target: Path) -> bool:
    return target.with_name(f"{target.name}.py").is_file() or (target / "__init__.py").is_file()
