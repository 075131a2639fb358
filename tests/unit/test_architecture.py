"""docs/architecture.md: its rooms and their imports are those of the tree, its paths lead where they say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from sisr.base import digest
from test_rooms import FILES, PACKAGE, imported

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TEXT = (DOCS / "architecture.md").read_text(encoding="utf-8")
ROOMS = re.findall(r"(?m)^\| \[`(\w+)`\]\(.*?\) \| [^|]+ \| (\d+): ([^|]+) \| \d+ \| ([^|]+) \|$", TEXT)
PATHS = re.findall(
    r"(?m)^\| [^|]+ \| `(\w+)` \| \[`(\w+)`\]\(([^)]+)\) \| \[`(\w+)`\]\(([^)]+)\) \| `([^|]+)` \|$", TEXT
)


def source_of(link: str, function: str) -> str:
    text = (DOCS / link).read_text(encoding="utf-8")
    (node,) = (n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == function)
    return str(ast.get_source_segment(text, node))


def dotted(link: str, function: str) -> str:
    return f"{digest._module((DOCS / link).resolve())}.{function}"


def test_the_map_has_all_rooms_and_what_they_import() -> None:
    found: dict[str, set[str]] = {}
    for path, parts in FILES.items():
        if parts[0] != "__init__":
            found.setdefault(parts[0], set()).update(set(imported(path)) - {parts[0]})
    assert {room: set(re.findall(r"\w+", to)) for room, _, _, to in ROOMS} == found
    for room, _, names, _ in ROOMS:
        folder = PACKAGE / room if room != "cli" else PACKAGE
        for name in re.findall(r"`([\w/]+)`", names):
            path = folder / name if name.endswith("/") else folder / f"{name}.py"
            assert path.exists(), path


def test_readme_leads_here_and_links_lead_on() -> None:
    assert "](docs/architecture.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#]+)", TEXT)
    assert [link for link in links if not (DOCS / link).exists()] == []


@pytest.mark.parametrize(("rule", "called", "caller", "function", "file", "line"), PATHS)
def test_a_readers_path_leads_to_the_line(
    rule: str, called: str, caller: str, function: str, file: str, line: str
) -> None:
    rules = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow/rules").rglob("*.smk"))
    script = re.search(rf"(?ms)^rule {rule}:.*?^    script:\s+\"(?:\.\./)+scripts/(\w+)\.py\"", rules)
    assert script
    assert dotted(caller, called) in digest.reach([script[1]])
    assert dotted(file, function) in digest.reach([dotted(caller, called)])
    assert source_of(caller, called)
    assert line in source_of(file, function)


def test_there_are_the_four_paths() -> None:
    assert [path[0] for path in PATHS] == ["score", "make_lr", "upscale", "comparison"]
