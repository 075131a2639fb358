"""Plain tables as pages for the browser, in the style of the result tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sisr.base.atomic import write_text
from sisr.report.pages import environment


@dataclass(frozen=True)
class Entry:
    """One cell of a listing: its text, how it is shown, and what a pointer that rests on it is told.

    ``kind``: empty, ``pass``, ``fail``, ``none`` (soft) or ``text`` (to the left, wrapped).
    """

    text: str
    kind: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Block:
    """One table of a page: columns as (heading, what is small below it); the first column names the row."""

    caption: str
    columns: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[Entry]]


@dataclass(frozen=True)
class Page:
    """A page of tables, with paragraphs before and after them."""

    title: str
    lead: Sequence[str]
    blocks: Sequence[Block]
    notes: Sequence[str] = field(default=())


def write_page(page: Page, path: Path) -> None:
    """One self-contained HTML file: no network, light and dark."""
    write_text(path, environment().get_template("listing.html.j2").render(page=page))
