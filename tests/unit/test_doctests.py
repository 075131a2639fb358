"""The examples in docstrings give what they show."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import sisr

PACKAGE = Path(sisr.__file__).parent
WITH_EXAMPLES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))
NAMES = [
    ".".join(("sisr", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in WITH_EXAMPLES
]


@pytest.mark.parametrize("name", NAMES)
def test_examples(name: str) -> None:
    module = import_module(name)
    options = doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(module, optionflags=options, extraglobs={"np": np}).failed == 0
    # One that is skipped shows nothing that holds.
    assert "doctest: +SKIP" not in Path(str(module.__file__)).read_text(encoding="utf-8")


def test_what_people_call_has_examples() -> None:
    rooms = {name.split(".")[1] for name in NAMES}
    assert {"base", "lr", "models", "upscaling", "scoring", "analysis"} <= rooms
    assert len(NAMES) >= 15
