"""One word for one thing: what docs/glossary.md has on the left, and not what it has on the right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: Words of the glossary's right column that mean nothing else.
GONE = (
    "picture",
    "my_photos",
    "my photos",
    "outside number",
    "kind of model",
    "closest to the eye",
    "faithful",
)
TEXTS = [
    *(path for ending in ("*.py", "*.j2", "*.js", "*.css") for path in (ROOT / "scripts").rglob(ending)),
    *(
        path
        for ending in ("*.smk", "*.rst", "*.yaml", "Snakefile")
        for path in (ROOT / "workflow").rglob(ending)
    ),
    *(ROOT / "config").glob("*.yaml"),
    *(path for folder in (ROOT, ROOT / "config", ROOT / "docs") for path in folder.glob("*.md")),
]
#: Names that are stored in files which come with the project, keys that are refused with their new name, and
#: the history.
ALLOWED = {
    "scripts/sisr/training/train.py": 1,
    "workflow/schemas/config.schema.yaml": 2,
    "docs/glossary.md": 6,
}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_old_words_do_not_come_back(path: Path) -> None:
    found = re.findall("|".join(GONE), path.read_text(encoding="utf-8").lower())
    assert len(found) <= ALLOWED.get(path.relative_to(ROOT).as_posix(), 0), found
