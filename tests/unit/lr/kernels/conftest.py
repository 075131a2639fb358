"""Gold LR sets, made with MATLAB, from the asset mirror."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PAN = "raw.githubusercontent.com/zhaohengyuan1/PAN/4d045d18592c5771cd3990da88f292812774e538/datasets"


@pytest.fixture
def gold() -> Path:
    """Folder with ``{Set5,Set14}/HR/*.png`` and ``{Set5,Set14}/LR_bicubic/X{2,4}/*x{2,4}.png``."""
    mirror = os.environ.get("SISR_MIRROR")
    if not mirror:
        pytest.skip("SISR_MIRROR is not set: no gold LR sets")
    folder = Path(mirror).expanduser() / PAN
    if not folder.is_dir():
        pytest.skip(f"the mirror has no {PAN}")
    return folder
