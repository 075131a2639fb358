"""Pages of the report that are HTML: one file each, which opens without a network."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr.analysis.shown_measures import heading, show, signed
from sisr.base.atomic import write_text

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")


def environment(folder: Path = TEMPLATES) -> Environment:
    """Templates of a folder: names are escaped, and a value that one needs and does not get is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    found.filters |= {"signed": signed, "heading": heading, "show": show}
    return found


def write_page(template: str, out: Path, **values: Any) -> None:
    """Render a template of this package."""
    write_text(out, environment().get_template(template).render(**values))


def data_uri(path: Path) -> str:
    """An image as text that a page can hold in itself."""
    kind = {".svg": "image/svg+xml", ".jpg": "image/jpeg", ".png": "image/png"}[path.suffix]
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
