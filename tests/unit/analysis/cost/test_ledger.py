"""The precision ledger: of numbers by hand, and of a small network in bf16."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sisr.analysis.cost.ledger import compare, ledger, ledger_job, why_not
from sisr.analysis.shown_measures import signed
from sisr.base.errors import ModelError, ModelUnavailable
from sisr.base.images import write_png
from sisr.models import archs
from sisr.models.model_entries import get
from sisr.report import ledger_page
from sisr.scoring.metrics.fidelity import psnr
from sisr.upscaling.engines.pytorch import TorchUpscaler
from sisr.upscaling.inference import options
from sisr.upscaling.inference.options import Execution, Options
from sisr.upscaling.inference.runner import Runner
from sisr.upscaling.networks import Network
from sisr.upscaling.upscale import ScaledModel
from skimage import data
from torch import nn


def test_difference_by_hand() -> None:
    """One of 100 values is 3.6 instead of 1: it rounds to 4, and HR is 1 everywhere."""
    hr = np.ones((10, 10), np.uint8)
    reference = np.full((10, 10), 1.2)
    other = reference.copy()
    other[5, 5] = 3.6
    found = compare(hr, reference, other, 1)
    assert (found.max_error, found.changed) == (pytest.approx(2.4), 0.01)
    # The border of one pixel is cut: a squared error of 9 in 64 values.
    assert found.psnr == pytest.approx(10 * math.log10(255**2 * 64 / 9))
    assert (found.psnr_fp32, found.delta_psnr) == (math.inf, -math.inf)
    same = compare(hr, reference, reference, 1)
    assert (same.delta_psnr, same.max_error, same.changed) == (0, 0, 0)


def test_an_output_that_is_not_finite_is_refused() -> None:
    hr = np.ones((8, 8), np.uint8)
    with pytest.raises(ModelError, match="not finite"):
        compare(hr, np.ones((8, 8)), np.full((8, 8), np.nan), 1)


def test_processors_run_bf16_only() -> None:
    assert why_not("bf16", "cpu") == ""
    assert why_not("fp16", "cpu") == "fp16 is for GPUs; this run used the CPU"
    assert why_not("tf32", "cpu") == "tf32 is for GPUs; this run used the CPU"


@pytest.fixture
def sets(tmp_path: Path) -> tuple[Path, Path]:
    """Manifests of two small HR and LR images, one of them gray."""
    images = {"astronaut": data.astronaut()[40:88, 190:254], "camera": data.camera()[60:108, 200:264]}
    for name, hr in images.items():
        write_png(tmp_path / f"hr/{name}.png", hr)
        write_png(tmp_path / f"lr/{name}.png", np.ascontiguousarray(hr[::2, ::2]))
    for kind in ("hr", "lr"):
        size = {"height": 48, "width": 64, "channels": 3}
        entries = [{"name": name, "file": f"{kind}/{name}.png", **size} for name in images]
        content = {"dataset": "tiny", "kernel": "k", "scale": 2, "images": entries}
        (tmp_path / f"{kind}.json").write_text(json.dumps(content))
    return tmp_path / "hr.json", tmp_path / "lr.json"


def test_ledger_of_a_small_network(sets: tuple[Path, Path], tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = archs.build("espcn", 2)
    network.start_from_zero_detail()
    weights = tmp_path / "espcn.safetensors"
    save_file(network.state_dict(), weights)
    out = tmp_path / "ledger.json"
    hr, lr = sets
    ledger_job(
        ScaledModel(get("espcn"), 2, lambda: {"state": weights}),
        hr_manifest=hr, lr_manifest=lr, out=out, execution=Execution("cpu"),
    )  # fmt: skip
    rows = json.loads(out.read_text())["rows"]
    assert [(row["image"], row["precision"], row["status"]) for row in rows] == [
        ("", "tf32", "not run"),
        ("", "fp16", "not run"),
        ("astronaut", "bf16", "ok"),
        ("camera", "bf16", "ok"),
    ]
    for row in rows[2:]:
        # bf16 has 8 bits: near mid-gray a step is half a level of 255, and a few of them add up.
        assert 0.05 < row["max_error"] < 8
        assert 0 < row["changed"] < 1
        assert row["delta_psnr"] == pytest.approx(row["psnr"] - row["psnr_fp32"], abs=2e-6)
        assert -1 < row["delta_psnr"] < 1
    from sisr.base.images import read_image
    from sisr.upscaling import engines

    reference = engines.load(get("espcn"), 2, {"state": weights})
    camera = read_image(lr.parent / "lr/camera.png").array
    expected = psnr(data.camera()[60:108, 200:264], reference(camera), "y-bt601", 2)
    assert rows[3]["psnr_fp32"] == pytest.approx(expected, abs=1e-6)


def test_a_image_that_runs_again_in_fp32_is_a_failure_of_the_precision(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A million times white is beyond fp16 and within bf16; black is within both."""
    monkeypatch.setattr(
        "sisr.analysis.cost.ledger.why_not", lambda precision, device: "no GPU" if precision == "tf32" else ""
    )
    module = nn.Sequential(*(nn.Conv2d(1, 1, 1, bias=False) for _ in range(2))).requires_grad_(False)
    for layer in module:
        layer.weight.fill_(1e3)  # type: ignore[union-attr, operator]
    network = Network(module, 1, 1, 1, False, "bright")

    def load(precision: str) -> TorchUpscaler:
        return TorchUpscaler(Runner(network, Options(precision=precision)), "y")  # type: ignore[arg-type]

    dark, light = np.zeros((6, 6), np.uint8), np.full((6, 6), 255, np.uint8)
    rows = ledger(load, [("dark", dark, dark), ("light", light, light)], 1, "cpu")
    found = {(row["image"], row["precision"]): (row["status"], row["reason"]) for row in rows}
    assert found["dark", "fp16"] == found["light", "bf16"] == ("ok", "")
    assert found["light", "fp16"] == ("failed", "not finite in fp16; inference runs it again in fp32")


def test_a_network_that_fails_in_a_precision_is_not_run_in_it() -> None:
    network = Network(nn.Identity(), 1, 1, 1, False, "fragile", supports_bf16=False)

    def load(precision: str) -> TorchUpscaler:
        runner = Runner(network, Options(precision=precision), label="Fragile")  # type: ignore[arg-type]
        return TorchUpscaler(runner, "y")

    image = np.zeros((6, 6), np.uint8)
    rows = ledger(load, [("one", image, image)], 1, "cpu")
    reasons = {row["precision"]: row["reason"] for row in rows}
    assert reasons["bf16"] == "Fragile is known to fail in bf16"
    assert {row["status"] for row in rows} == {"not run"}


def test_weights_that_nobody_has_are_a_reason(sets: tuple[Path, Path], tmp_path: Path) -> None:
    hr, lr = sets
    out = tmp_path / "ledger.json"
    ledger_job(
        ScaledModel(get("edge-informed-sr"), 4),
        hr_manifest=hr,
        lr_manifest=lr,
        out=out,
        execution=Execution("cpu"),
    )
    rows = json.loads(out.read_text())["rows"]
    assert {row["status"] for row in rows} == {"unavailable"}
    assert "never released" in rows[0]["reason"]


def test_table_and_page(sets: tuple[Path, Path], tmp_path: Path) -> None:
    def gone() -> dict[str, Path]:
        raise ModelUnavailable("vdsr.pth could not be fetched")

    hr, lr = sets
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    ledger_job(
        ScaledModel(get("vdsr"), 2, gone),
        hr_manifest=hr, lr_manifest=lr, out=first, execution=Execution("cpu"),
    )  # fmt: skip
    numbers = {
        "psnr_fp32": 30.0,
        "psnr": 29.5,
        "max_error": 1.25,
        "changed": 0.5,
        "status": "ok",
        "reason": "",
    }
    rows = [
        {"image": name, "precision": "bf16", "delta_psnr": delta, **numbers, "status": "ok", "reason": ""}
        for name, delta in (("astronaut", -0.5), ("camera", 0.1))
    ]
    document = {"model": "imdn", "scale": 2, "dataset": "tiny", "kernel": "k", "device": "A", "rows": rows}
    second.write_text(json.dumps(document))
    table, page = tmp_path / "precision.csv", tmp_path / "precision.html"
    labels = {"imdn": "IMDN", "vdsr": "VDSR"}
    ledger_page.write([first, second], csv_path=table, html_path=page, models=labels)
    found = list(csv.DictReader(table.open()))
    assert tuple(found[0]) == ledger_page.COLUMNS
    assert [(row["model"], row["precision"], row["status"]) for row in found[:3]] == [
        ("vdsr", precision, "unavailable") for precision in options.LOWER_PRECISIONS
    ]
    assert (found[3]["delta_psnr"], found[3]["psnr"]) == ("-0.5", "29.5")
    text = page.read_text()
    # By hand: the mean of -0.5 and 0.1 is -0.2.
    for part in ("−0.2000", "−0.5000", "1.250", "vdsr.pth could not be fetched", "tiny (LR by k), on A."):
        assert part in text
    assert text.index("IMDN") < text.index("VDSR")


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0000"), (-0.00001, "0.0000"), (-0.0123, "−0.0123"), (1.5, "+1.5000")]
)
def test_signs(value: float, text: str) -> None:
    assert signed(value, 4) == text
