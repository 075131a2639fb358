"""What digests ask of single statements: what they define, run and register."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

#: Decorators and calls that have no effect but on what they stand at, unless these names are ones of our own.
_PURE = frozenset((
    "cache", "cached_property", "classmethod", "contextmanager", "dataclass", "field", "inference_mode",
    "lru_cache", "no_grad", "property", "staticmethod", "wraps",
))  # fmt: skip


BLOCKS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def never_run(test: ast.expr) -> bool:
    """Whether a condition is ``TYPE_CHECKING`` or ``__name__ == "__main__"``."""
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'")


def statements_in(tree: ast.AST, inside: bool = True) -> Iterator[ast.AST]:
    """A statement and all statements in it; without ``inside`` not those of functions and classes.

    None that is never run, and no expressions, which are most of a file and import nothing.
    """
    remaining = [tree]
    while remaining:
        node = remaining.pop()
        yield node
        if inside or not isinstance(node, BLOCKS):
            never = isinstance(node, ast.If) and never_run(node.test)
            for part in ("orelse",) if never else ("body", "orelse", "finalbody", "handlers", "cases"):
                remaining += getattr(node, part, ())


def defines(node: ast.AST) -> list[str]:
    """Names that a statement defines and does nothing else; none for another one."""
    if isinstance(node, BLOCKS):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if isinstance(node, (ast.Assign, ast.AnnAssign)) and len(names) == len(targets) else []


def is_pure(node: ast.AST, imported: Mapping[str, str]) -> bool:
    """Whether running a definition calls nothing that could have an effect elsewhere."""
    parts: Iterable[ast.AST | None] = ast.iter_child_nodes(node)
    if isinstance(node, BLOCKS):
        called = [one.func if isinstance(one, ast.Call) else one for one in node.decorator_list]
        if not all(_is_harmless(one, imported) for one in called):
            return False
        # The body of a function is not run yet.
        of_function = [] if isinstance(node, ast.ClassDef) else [*node.args.defaults, *node.args.kw_defaults]
        parts = [*node.bases, *node.keywords, *node.body] if isinstance(node, ast.ClassDef) else of_function
        if isinstance(node, ast.ClassDef) and node.keywords:
            return False
    elif isinstance(node, ast.Call) and not _is_harmless(node.func, imported):
        return False
    return all(part is None or is_pure(part, imported) for part in parts)


def _is_harmless(function: ast.expr, imported: Mapping[str, str]) -> bool:
    name = ast.unparse(function)
    first, _, last = name.partition(".")
    ours = imported.get(first, "").startswith("sisr")
    return (last.rpartition(".")[2] or first) in _PURE and not ours


def registration(node: ast.AST) -> tuple[str, str] | None:
    """(decorator, name) of a definition whose one decorator registers it by a name."""
    match getattr(node, "decorator_list", None):
        case [ast.Call(func=ast.Name(id=decorator), args=[ast.Constant(value=str(key))], keywords=[])]:
            return decorator, key
    return None


def entries_of(nodes: list[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    """Entries of a table of names of code."""
    for node in nodes:
        value = getattr(node, "value", None)
        if not isinstance(value, ast.Dict):
            continue
        keys = [_text(key) for key in value.keys]
        if all(key is not None for key in keys) and all(_text(one) is not None for one in value.values):
            yield from ((str(key), one) for key, one in zip(keys, value.values, strict=True))


def _text(node: ast.expr | None) -> str | None:
    """The text that an expression is; None for another one."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
