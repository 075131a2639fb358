from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from sisr.base import registry
from sisr.models import compat

torch = pytest.importorskip("torch")


def run(code: str) -> str:
    """Run in a fresh interpreter, since the stand-ins matter before the first import only."""
    environment = {**os.environ, "PYTHONPATH": str(registry.ROOT / "scripts")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_basicsr_imports_and_nothing_is_declared_twice() -> None:
    if not (find_spec("basicsr") and find_spec("torchvision")):
        pytest.skip("no BasicSR")
    code = (
        "from sisr.models import compat; compat.prepare_torchvision(); import basicsr.archs.rrdbnet_arch; "
        "import torchvision.models; print(compat.prepare_torchvision())"
    )
    assert run(code).endswith("False")


def test_cuda_torch_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(compat, "_library", None)
    monkeypatch.setattr(torch.library, "Library", pytest.fail)
    monkeypatch.setattr(compat, "_loads", lambda _: False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    assert compat.prepare_torchvision() is False
    assert compat._library is None
