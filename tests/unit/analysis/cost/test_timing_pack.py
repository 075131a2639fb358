"""Receipts of several models within a budget, and a pack that takes them where there is no network."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from safetensors.torch import save_file
from sisr.analysis.cost import pack_program, receipt_run, receipts
from sisr.analysis.cost.interleaving import SpreadTooLarge
from sisr.analysis.cost.receipt_run import WantedReceipt, closing, take_all
from sisr.analysis.cost.taking import Taking
from sisr.base.errors import ModelSkipped
from sisr.cli import app
from sisr.models import archs
from sisr.models.model_entries import get
from typer.testing import CliRunner

#: No time of a busy machine is refused.
STEADY = "--spread=99"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of resources with drawn weights of the ESPCN that a recipe trains."""
    resources = tmp_path_factory.mktemp("resources")
    path = resources / "trained/espcn-photos/x4.safetensors"
    path.parent.mkdir(parents=True)
    save_file(archs.build("espcn", 4).state_dict(), path)
    return resources


def candidates(*names: str) -> list[WantedReceipt]:
    return [WantedReceipt(get(name), 4, {}) for name in names]


def stand_ins(monkeypatch: pytest.MonkeyPatch, take: Any) -> None:
    monkeypatch.setattr(receipt_run, "largest_output", lambda *_: (160, 96))
    monkeypatch.setattr(receipt_run, "take", take)


def test_one_model_that_goes_wrong_is_told_and_others_go_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def take(model: Any, *_: object) -> Any:
        if model.id == "nearest":
            raise SpreadTooLarge("the reference's time spread by 7.0% or more in 9 rounds (3.0% allowed)")
        if model.id == "bilinear":
            raise ModelSkipped("no form for it")
        if model.id == "lanczos":
            os._exit(3)
        raise ImportError("No module named 'ncnn'")

    stand_ins(monkeypatch, take)
    said: list[str] = []
    found = take_all(
        candidates("nearest", "bilinear", "lanczos", "span"), Taking(), 100, tmp_path, said.append
    )
    assert said[0].startswith("4 receipts on cpu (") and said[0].endswith("100 s at most, 24 s each")
    assert "refused: the reference's time spread by 7.0% or more in 9 rounds" in said[1]
    assert "[2/4] bilinear x4: skipped: no form for it" in said[2]
    assert "failed: its process ended with 3" in said[3]
    assert "unavailable: No module named 'ncnn'" in said[4]
    lines, good = closing(found, tmp_path)
    assert (lines[0], lines[1], good) == (f"0 of 4 receipts in {tmp_path}", "refused: nearest x4", False)
    assert list(tmp_path.iterdir()) == []


def test_what_is_past_its_share_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_ins(monkeypatch, lambda *_: time.sleep(600))
    monkeypatch.setattr(receipt_run, "_PATIENCE", 0.2)
    begin = time.perf_counter()
    (found,) = take_all(candidates("nearest"), Taking(), 1, tmp_path, lambda _: None)
    assert time.perf_counter() - begin < 60
    assert found.status == "failed"
    assert "past its share of the budget" in found.reason


def test_the_command(tmp_path: Path) -> None:
    arguments = ["time", "bicubic", "--device=cpu", "--budget=15", STEADY, f"--out={tmp_path}"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    first, second, last = done.output.splitlines()
    assert first.endswith("1 thread: 15 s at most, 14 s each")
    assert second.startswith("[1/1] bicubic x4: ")
    assert last == f"1 of 1 receipts in {tmp_path}"
    (path,) = tmp_path.rglob("*.json")
    assert receipts.read(path)["allowed_spread"] == 99


def test_a_refused_receipt_is_written_nowhere(tmp_path: Path) -> None:
    arguments = ["time", "bicubic", "--device=cpu", "--budget=8", "--spread=0", f"--out={tmp_path}"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert "refused: the reference's time spread by" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["imdnn"], "unknown model 'imdnn'; did you mean 'imdn'"),
        (["rcan"], "rcan: the authors' archive of RCAN"),
        (["vdsr", "--scale=8"], "VDSR has weights for x2, x3, x4 only, not for x8"),
        (["bicubic", "--precision=int8"], "inference: unknown precision 'int8'"),
        (
            ["bicubic", "--largest=64x64"],
            "output '64x64': expected one of 1280x720, 640x360, 320x180,",
        ),
        (["espcn"], "not trained yet"),
    ],
)
def test_what_cannot_be_timed_is_one_line(tmp_path: Path, arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, ["time", *arguments, f"--resources={tmp_path}", f"--out={tmp_path}"])
    assert done.exit_code == 1
    assert message in done.output


def without_network(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a network namespace of its own, which has not even a loopback."""
    denied = subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False)
    if denied.returncode:
        pytest.skip("this system lets a user make no namespace without network")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("SISR_", "PYTHON"))}
    return subprocess.run(
        ["unshare", "-rn", *command],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="namespaces are Linux's")
def test_a_pack_runs_without_network(trained: Path, tmp_path: Path) -> None:
    """Two models, one with weights, on this machine's CPU; the receipts are the checkout's own."""
    pack = tmp_path / "pack.pyz"
    arguments = ["time", "espcn", "bicubic", f"--resources={trained}", f"--pack={pack}"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"{pack}: 2 models, ")
    out = tmp_path / "receipts"
    options = ["--device=cpu", "--budget=40", "--largest=160x96", STEADY, f"--out={out}"]
    # -I: neither the environment nor the current folder says where the library is.
    run = without_network(sys.executable, "-I", str(pack), *options)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1] == f"2 of 2 receipts in {out}"
    for name in ("espcn", "bicubic"):
        (path,) = out.rglob(f"{name}.json")
        assert receipts.stale(receipts.read(path), get(name)) == ""
    unpacked = tmp_path / "unpacked"
    with ZipFile(pack) as archive:
        archive.extractall(unpacked)
    again = without_network(sys.executable, "-I", str(unpacked / "__main__.py"), "--help")
    assert again.returncode == 0 and "--budget" in again.stdout


def test_what_a_pack_holds(trained: Path, tmp_path: Path) -> None:
    pack = tmp_path / "pack.zip"
    arguments = ["time", "espcn", "--scale=4", f"--resources={trained}", f"--pack={pack}"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    weights = trained / "trained/espcn-photos/x4.safetensors"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    with ZipFile(pack) as archive:
        document = json.loads(archive.read("pack.json"))
        (one,) = document["models"]
        assert one == {"model": "espcn", "scale": 4, "files": {"state": f"weights/{digest}/{weights.name}"}}
        assert archive.read(one["files"]["state"]) == weights.read_bytes()
        readme = archive.read("README.txt").decode()
        assert all(package in readme for package in pack_program.NEEDED.values())
        assert archive.read("__main__.py") == Path(pack_program.__file__).read_bytes()
        assert "scripts/sisr/upscaling/inference/runner.py" in archive.namelist()


def test_a_python_without_torch_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["pack.pyz"])
    monkeypatch.setattr(pack_program, "find_spec", lambda name: None if name in ("torch", "yaml") else name)
    said: list[str] = []
    monkeypatch.setattr("builtins.print", lambda text, **_: said.append(text))
    assert pack_program.main() == 1
    assert said == ["error: this Python lacks torch, PyYAML"]
