"""Code digests: an edit anywhere below a module changes it, anything else does not."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
from sisr import digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "sisr"
    shutil.copytree(digest.PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(digest, "PACKAGE", copy)
    for cached in (digest.code_digest, digest._imports):
        cached.cache_clear()
    yield copy
    for cached in (digest.code_digest, digest._imports):
        cached.cache_clear()


def digests(*modules: str) -> list[str]:
    digest.code_digest.cache_clear()
    digest._imports.cache_clear()
    return [digest.code_digest(module) for module in modules]


def test_editing_ssim_changes_scoring_and_not_upscaling(package: Path) -> None:
    scoring, upscaling, engine = digests("scoring", "upscale", "engines.pytorch")
    source = package / "metrics" / "structural.py"
    source.write_text(source.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    after = digests("scoring", "upscale", "engines.pytorch")
    assert after[0] != scoring
    assert after[1:] == [upscaling, engine]


def test_touching_changes_nothing(package: Path) -> None:
    before = digests("scoring")
    (package / "metrics" / "structural.py").touch()
    assert digests("scoring") == before


def test_a_module_imported_inside_a_function_counts(package: Path) -> None:
    before = digests("results")
    source = package / "figures" / "crops.py"
    source.write_text(source.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")
    assert digests("results") != before


def test_imports_are_found_in_every_kind_of_statement() -> None:
    source = """
import sisr.a
if x:
    import sisr.b
else:
    import sisr.c
try:
    import sisr.d
except ImportError:
    import sisr.e
finally:
    import sisr.f
match x:
    case 1:
        import sisr.g
class A:
    def f(self):
        with x, y:
            while x:
                import sisr.h
y = lambda: 1 if x else 2
"""
    kinds = (ast.Import, ast.ImportFrom)
    for text in (source, *(path.read_bytes() for path in digest.PACKAGE.rglob("*.py"))):
        tree = ast.parse(text)
        found = {ast.dump(node) for node in digest._statements(tree) if isinstance(node, kinds)}
        assert found == {ast.dump(node) for node in ast.walk(tree) if isinstance(node, kinds)}


def test_unknown_module_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no module"):
        digest.code_digest("nothing.like.this")
