"""What all tests share: the asset mirror, and a registry folder that a test can change."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def mirror() -> Path:
    """Folder of the asset mirror; tests that need it are skipped, with the reason, where there is none."""
    value = os.environ.get("SISR_MIRROR")
    if not value:
        pytest.skip("SISR_MIRROR is not set: no real test images and weights")
    folder = Path(value)
    if not folder.is_dir():
        pytest.skip(f"SISR_MIRROR={value} is not a folder")
    return folder


@pytest.fixture(scope="session")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that assets are fetched into, once for the session and for all workers."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "resources"


@pytest.fixture
def config_copy(tmp_path: Path) -> Path:
    """A copy of ``config/`` that a test may edit."""
    target = tmp_path / "config"
    shutil.copytree(ROOT / "config", target)
    return target
