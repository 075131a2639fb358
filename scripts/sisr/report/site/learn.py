"""What a learner finds on the site: the studies of the run, or else those of ``docs/studies``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sisr.base import registry

DOCS = registry.CONFIG.parent / "docs"
#: Kinds of figures that a page can show.
_SHOWN = {".svg", ".webp", ".jpg", ".png"}
#: A row of the table of studies: title, page, question, outcome.
_ROW = r"^\| \[([^\]]+)\]\(([^)]+)\) \| (.+?) \| (.+?) \|$"


@dataclass(frozen=True)
class Lesson:
    """One study: the question it asks, what came out, its figures, and whether they are of this run."""

    id: str
    title: str
    question: str
    outcome: str
    figures: tuple[Path, ...]
    own: bool


def lessons(own: Mapping[str, Sequence[Path]], docs: Path = DOCS) -> list[Lesson]:
    """All lessons in the order of the table of ``docs/studies/README.md``: its rows say question and outcome.

    ``own``: files that the run made, by study; its figures, and its findings (JSON) for the outcome, take the
    place of those of the documentation.  Without the documentation, which an installed library lacks, the
    run's alone.
    """
    index = docs / "studies" / "README.md"
    text = index.read_text(encoding="utf-8") if index.is_file() else ""
    known = {
        _id(target): (title, question, outcome)
        for title, target, question, outcome in re.findall(_ROW, text, re.MULTILINE)
    }
    found = []
    for name in dict.fromkeys([*known, *own]):
        title, question, outcome = known.get(name, (name.replace("_", " ").capitalize(), "", ""))
        files = own.get(name) or sorted((docs / "images").glob(f"*{name}_*"))
        # Images first: they show what the curves count.
        figures = sorted(
            (path for path in files if path.suffix in _SHOWN), key=lambda path: path.suffix == ".svg"
        )
        said = [json.loads(path.read_text(encoding="utf-8")) for path in files if path.suffix == ".json"]
        outcome = " ".join(said[0]["findings"]) if said else outcome
        found.append(Lesson(name, title, question, outcome, tuple(figures), name in own))
    return found


def _id(target: str) -> str:
    """``misr`` of ``misr.md``, ``loss_study`` of ``../training.md#the-loss-study``."""
    return target.rpartition("#")[2].removesuffix(".md").removeprefix("the-").replace("-", "_")
