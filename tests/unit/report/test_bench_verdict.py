"""What sisr bench says of a network, from a finished run."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from sisr.base.cells import SCORE_COLUMNS
from sisr.base.csv_files import write_rows
from sisr.base.errors import ScoreError
from sisr.base.manifest import HrImage, HrManifest
from sisr.report.bench_verdict import Verdict, twins_of
from sisr.report.run_summary import FinishedScores
from sisr.scoring.gather import STATUS_COLUMNS

IMAGES = [f"img{i:02}" for i in range(10)]
#: PSNR of the first image, and how much more each further one has.
PSNR = {"mine": (30.0, 0.5), "imdn": (30.0, 0.5), "bicubic": (27.0, 0.5), "dat-light": (30.4, 0.5)}


def finished(folder: Path, psnr: dict[str, list[float]], cost: str = "") -> FinishedScores:
    folder.mkdir(parents=True)
    suite = {
        "datasets": ["set5"],
        "kernels": ["matlab-bicubic"],
        "scales": [4],
        "models": ["imdn", "bicubic", "dat-light", "mine"],
    }
    own = folder / "own.yaml"
    own.write_text("models:\n  mine: {label: Mine, path: net.pth}\n")
    config = {
        "name": "bench",
        "suites": {"bench": suite},
        "metrics": ["psnr@y-bt601"],
        "registries": [str(own)],
        "extras": ["none"],
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    rows = [
        ["set5", image, "matlab-bicubic", 4, model, "psnr", "y-bt601", f"{value:.6f}"]
        for model, values in psnr.items()
        for image, value in zip(IMAGES, values, strict=True)
    ]
    write_rows(folder / "scores.csv", SCORE_COLUMNS, rows)
    states = [
        ["set5", "matlab-bicubic", 4, model, "ok" if model in psnr else "failed", "", 10, "", ""]
        for model in suite["models"]
    ]
    write_rows(folder / "status.csv", STATUS_COLUMNS, states)
    images = tuple(
        HrImage(name=name, file=f"set5/{name}.png", height=8, width=8, channels=3) for name in IMAGES
    )
    HrManifest(path=folder / "hr/set5.json", dataset="set5", images=images).write()
    if cost:
        (folder / "cost.csv").write_text(cost)
    return FinishedScores.read(folder)


def values(model: str) -> list[float]:
    first, step = PSNR[model]
    return [first + step * i for i in range(len(IMAGES))]


def test_a_network_that_is_another_ties_with_it_on_every_image(tmp_path: Path) -> None:
    scores = finished(tmp_path / "r", {model: values(model) for model in PSNR})
    lines = list(Verdict(scores, "mine", 4, ["imdn"]).lines())
    assert "  Set5 (10 images)  PSNR-Y ↑ 32.25 (2 of 4)" in lines
    rows = {line.split("  ")[2].strip(): line for line in lines if line.startswith(("    ", "  >"))}
    (equal,) = [line for line in lines if "= the same on every image" in line]
    assert "IMDN" in equal
    assert "0.000 dB" in equal
    assert "0 / 10 / 0" in equal
    (ahead,) = [line for line in lines if "DAT-light" in line and "dB" in line]
    assert "−0.400 dB" in ahead
    assert "▼ worse" in ahead
    assert "  next better: DAT-light; next worse: Bicubic" in lines
    assert "Against IMDN, of the same architecture: PSNR-Y 0.000 dB on all 10 images" in lines
    assert rows


def test_a_damaged_network_names_the_images_that_it_loses(tmp_path: Path) -> None:
    mine = [value - 0.1 * (i % 4) for i, value in enumerate(values("imdn"))]
    scores = finished(tmp_path / "r", {**{model: values(model) for model in PSNR}, "mine": mine})
    lines = list(Verdict(scores, "mine", 4, ["imdn"]).lines())
    at = lines.index("Against IMDN, of the same architecture: PSNR-Y is behind on 7 of 10 images")
    assert lines[at + 1 : at + 7] == [
        "  set5/img03: −0.300 dB",
        "  set5/img07: −0.300 dB",
        "  set5/img02: −0.200 dB",
        "  set5/img06: −0.200 dB",
        "  set5/img01: −0.100 dB",
        f"  and 2 more, see {tmp_path / 'r/scores.csv'}",
    ]


def test_published_values_of_its_size(tmp_path: Path) -> None:
    """IMDN's paper prints 32.21 on Set5 at x4 (config/references.yaml); LapSRN is of its size, DAT is not."""
    cost = "model,scale,parameters,multiply_adds\nmine,4,715176,40885865472\n"
    scores = finished(tmp_path / "r", {model: values(model) for model in PSNR}, cost)
    lines = list(Verdict(scores, "mine", 4).lines())
    assert lines[0] == "Cost: 715,176 parameters, 40.9 G multiply-adds for 1280x720"
    at = next(i for i, line in enumerate(lines) if line.startswith("Published values of networks of half to"))
    below = lines[at + 1 :]
    assert any(
        line.split()[:2] == ["IMDN", "Set5"] and "+ PSNR-Y 32.21 (here 32.25)" in line for line in below
    )
    assert any(line.split()[:2] == ["DAT-light", "Set5"] and "− PSNR-Y 32.57" in line for line in below)
    assert not any(line.split()[0] in ("DAT", "EDSR", "HAT") for line in below)


def test_without_parameters_all_sizes_count(tmp_path: Path) -> None:
    scores = finished(tmp_path / "r", {model: values(model) for model in PSNR})
    lines = list(Verdict(scores, "mine", 4).lines())
    assert any(line.startswith("Published values of networks of any size") for line in lines)
    # Nothing of its architecture: the next better one is what it is behind.
    assert "Against DAT-light: PSNR-Y is behind on 10 of 10 images" in lines


def test_a_network_that_did_not_run_is_one_line(tmp_path: Path) -> None:
    scores = finished(tmp_path / "r", {model: values(model) for model in PSNR if model != "mine"})
    with pytest.raises(ScoreError, match="mine: failed: "):
        list(Verdict(scores, "mine", 4).lines())


def test_twins_are_of_the_same_architecture_with_the_same_arguments() -> None:
    assert twins_of("imdn", {}, ["bicubic", "imdn", "vdsr"]) == ["imdn"]
    assert twins_of("imdn", {"width": 3}, ["imdn"]) == []
