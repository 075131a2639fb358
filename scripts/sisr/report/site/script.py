"""Data as scripts: what a page that was opened from disk may load."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def script(name: str, value: Any) -> str:
    """``SISR.define(name, value);`` as JavaScript that no name in the data can break out of."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # What ends a script element or a line for some parser must not occur, also inside strings.
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f"SISR.define({json.dumps(name)},{text});\n"


def write_script(path: Path, name: str, value: Any) -> None:
    """Write :func:`script` to a file of a folder that a rule makes whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script(name, value), encoding="utf-8")
