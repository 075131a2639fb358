"""The run's means beside published numbers, and the same pixels under all protocols."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sisr.base.cells import Cell
from sisr.base.images import write_png
from sisr.report.protocol_page import page as protocols_page
from sisr.report.reproduced_page import page
from sisr.scoring.metrics.fidelity import psnr
from sisr.scoring.metrics.protocol import fidelity_measures
from sisr.trust.protocol_table import of_cell, score
from sisr.trust.protocol_table import write as write_protocols
from sisr.trust.references import missing_measures
from sisr.trust.reproduced import compare, write

HEADER = "dataset,image,kernel,scale,model,metric,protocol,value\n"
STATUS = "dataset,kernel,scale,model,status,reason,images,seconds_per_image\n"
MEASURES = ["psnr@y-bt601", "ssim@y-bt601"]


def cell(dataset: str, model: str) -> Cell:
    return Cell(dataset, "matlab-bicubic", 4, model)


def tables(folder: Path, scores: list[str], status: list[str]) -> tuple[Path, Path]:
    (folder / "scores.csv").write_text(HEADER + "".join(f"{line}\n" for line in scores))
    (folder / "status.csv").write_text(STATUS + "".join(f"{line}\n" for line in status))
    return folder / "scores.csv", folder / "status.csv"


def test_verdicts(tmp_path: Path) -> None:
    cells = [cell("set5", model) for model in ("imdn", "bicubic", "vdsr", "edsr", "span", "carn-m", "swinir")]
    scores, status = tables(
        tmp_path,
        [
            *(f"set5,{i},matlab-bicubic,4,imdn,psnr,y-bt601,{v}" for i, v in enumerate((32.0, 32.41))),
            "set5,a,matlab-bicubic,4,bicubic,psnr,y-bt601-uint8,28.47",
            "set5,a,matlab-bicubic,4,swinir,psnr,y-bt601,32.97",
            "set5,a,matlab-bicubic,4,vdsr,psnr,y-bt601,31.00",
            "set5,a,matlab-bicubic,4,edsr,psnr,y-bt601,32.46",
            "set5,a,matlab-bicubic,4,span,psnr,y-bt601,32.20",
            "set5,a,matlab-bicubic,4,carn-m,psnr,y-bt601,31.88",
        ],
        ["set5,matlab-bicubic,4,edsr,failed,one shard,1,", "set5,matlab-bicubic,4,imdn,ok,,2,1"],
    )
    rows = compare(scores, status, cells, {}, ["psnr@y-bt601", "ssim@y-bt601"])
    found = {(r.reference.model, r.reference.measure): r.verdict for r in rows}
    assert found["imdn", "psnr@y-bt601"] == "agrees"  # 32.205 beside 32.21
    assert found["swinir", "psnr@y-bt601"] == "differs"  # 0.05 beyond
    assert found["bicubic", "psnr@y-bt601-uint8"] == "other pipeline"
    assert found["vdsr", "psnr@y-bt601"] == "other weights"
    assert found["edsr", "psnr@y-bt601"] == "not run"  # the mean of a part would not be comparable
    assert found["carn-m", "psnr@y-bt601"] == "erratum"
    assert ("bicubic", "lpips@alex-v0.1") not in found
    write(rows, tmp_path / "published.csv")
    with (tmp_path / "published.csv").open() as stream:
        first = next(csv.DictReader(stream))
    assert (first["ours"], first["published"], first["difference"]) == ("32.205000", "32.21", "-0.005000")
    page(rows, tmp_path / "published.html")
    text = (tmp_path / "published.html").read_text()
    assert "Beyond the tolerance" in text
    assert "failed: one shard" in text
    assert "31.88 by the weights of its authors" in text
    assert "carn (its authors)" in text
    assert "swinir (a third party)" in text
    assert "Printed, but wrong" in text


def test_gray_rule_that_the_run_lacks_is_computed_from_its_images(tmp_path: Path) -> None:
    hr_manifest, status_file, pairs = images(tmp_path)
    imdn = cell("set14", "imdn")
    assert missing_measures([imdn, cell("set5", "imdn")], MEASURES) == {
        imdn: ["psnr@y-bt601-replicate", "ssim@y-bt601-replicate"]
    }
    scores, status = tables(tmp_path, ["set14,gray,matlab-bicubic,4,imdn,psnr,y-bt601,30"], [])
    rows = compare(scores, status, [imdn], {imdn: (hr_manifest, [status_file])}, MEASURES)
    expected = np.mean([psnr(hr, sr, "y-bt601-replicate", 4) for hr, sr in pairs])
    ours = {r.reference.measure: r.ours for r in rows}
    assert ours["psnr@y-bt601-replicate"] == pytest.approx(expected, abs=1e-9)


def images(folder: Path) -> tuple[Path, Path, list[tuple[np.ndarray, np.ndarray]]]:
    """Manifest and status file of two images, one of them gray."""
    rng = np.random.default_rng(0)
    pairs, hr_entries, sr_entries = [], [], []
    for name, shape in (("gray", (64, 72)), ("colour", (64, 72, 3))):
        hr = rng.integers(0, 256, shape, dtype=np.uint8)
        sr = np.clip(hr.astype(int) + rng.integers(-9, 10, shape), 0, 255).astype(np.uint8)
        for kind, image in (("hr", hr), ("sr", sr)):
            (folder / kind).mkdir(exist_ok=True)
            write_png(folder / kind / f"{name}.png", image)
        pairs.append((hr, sr))
        hr_entries.append({"name": name, "file": f"hr/{name}.png"})
        sr_entries.append({"name": name, "file": f"sr/{name}.png", "seconds": 0})
    (folder / "hr.json").write_text(json.dumps({"images": hr_entries}))
    (folder / "sr.json").write_text(json.dumps({"status": "ok", "images": sr_entries}))
    return folder / "hr.json", folder / "sr.json", pairs


def test_same_pixels_have_a_value_under_every_protocol(tmp_path: Path) -> None:
    hr_manifest, status_file, pairs = images(tmp_path)
    pixels = of_cell("Noise", "set5", 4, hr_manifest, [status_file])
    means = score(pixels)
    assert list(means) == fidelity_measures()
    for protocol in ("y-bt601", "rgb", "yiq-nocrop", "y-bt601-crop6"):
        expected = np.mean([psnr(hr, sr, protocol, 4) for hr, sr in pairs])
        assert means[f"psnr@{protocol}"] == pytest.approx(expected, abs=1e-9)
    write_protocols({pixels: means}, tmp_path / "protocols.csv")
    assert (tmp_path / "protocols.csv").read_text().count("\n") == len(means) + 1
    protocols_page({pixels: means}, ["Nothing of RCAN."], tmp_path / "protocols.html")
    text = (tmp_path / "protocols.html").read_text()
    assert "Noise PSNR" in text
    assert "Nothing of RCAN." in text
    assert f"{means['ssim@y-bt601-downsampled']:.4f}" in text
