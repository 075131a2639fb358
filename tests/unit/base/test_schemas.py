"""The schemas of registries and files are themselves valid: what reads them does not look again."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
from sisr.base import registry


@pytest.mark.parametrize("path", sorted(registry.SCHEMAS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_schema_is_one(path: Path) -> None:
    jsonschema.Draft202012Validator.check_schema(registry.read_yaml(path))
