"""What sisr bench says of a network, from a finished run."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path

from sisr.base.cells import SCORE_COLUMNS
from sisr.base.csv_files import write_rows
from sisr.base.manifest import HrImage, HrManifest
from sisr.report.bench_verdict import Verdict, make_verdict
from sisr.report.shown_run import ShownRun, names
from sisr.scoring.gather import STATUS_COLUMNS

IMAGES = [f"img{i:02}" for i in range(10)]
#: PSNR of the first image, and how much more each further one has.
PSNR = {"mine": (30.0, 0.5), "imdn": (30.0, 0.5), "bicubic": (27.0, 0.5), "dat-light": (30.4, 0.5)}


def verdict(
    folder: Path, psnr: dict[str, list[float]], cost: str = "", twins: tuple[str, ...] = ()
) -> Verdict:
    """Of the model `mine` in a run with these values."""
    folder.mkdir(parents=True)
    rows = [
        ["set5", image, "matlab-bicubic", 4, model, "psnr", "y-bt601", f"{value:.6f}"]
        for model, values in psnr.items()
        for image, value in zip(IMAGES, values, strict=True)
    ]
    write_rows(folder / "scores.csv", SCORE_COLUMNS, rows)
    states = [
        ["set5", "matlab-bicubic", 4, model, "ok" if model in psnr else "failed", "no memory", 10, "", ""]
        for model in PSNR
    ]
    write_rows(folder / "status.csv", STATUS_COLUMNS, states)
    images = tuple(
        HrImage(name=name, file=f"set5/{name}.png", height=8, width=8, channels=3) for name in IMAGES
    )
    HrManifest(path=folder / "hr/set5.json", dataset="set5", images=images).write()
    if cost:
        (folder / "cost.csv").write_text(cost)
    shown = names(["psnr@y-bt601"], [m for m in PSNR if m != "mine"], ["set5"], ["matlab-bicubic"], {})
    shown = replace(shown, models={**shown.models, "mine": "Mine"})
    run = ShownRun(folder / "scores.csv", {"set5": folder / "hr/set5.json"}, shown)
    return Verdict(run, folder / "status.csv", folder / "cost.csv" if cost else None, "mine", 4, twins)


def values(model: str) -> list[float]:
    first, step = PSNR[model]
    return [first + step * i for i in range(len(IMAGES))]


def test_a_network_that_is_another_ties_with_it_on_every_image(tmp_path: Path) -> None:
    lines = list(verdict(tmp_path / "r", {model: values(model) for model in PSNR}, twins=("imdn",)).lines())
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
    psnr = {**{model: values(model) for model in PSNR}, "mine": mine}
    lines = list(verdict(tmp_path / "r", psnr, twins=("imdn",)).lines())
    at = lines.index("Against IMDN, of the same architecture: PSNR-Y is behind on 7 of 10 images")
    assert lines[at + 1 : at + 7] == [
        "  set5/img03: −0.300 dB",
        "  set5/img07: −0.300 dB",
        "  set5/img02: −0.200 dB",
        "  set5/img06: −0.200 dB",
        "  set5/img01: −0.100 dB",
        "  and 2 more, see scores.csv",
    ]


def test_published_values_of_its_size(tmp_path: Path) -> None:
    """IMDN's paper prints 32.21 on Set5 at x4 (config/references.yaml); LapSRN is of its size, DAT is not."""
    cost = "model,scale,parameters,multiply_adds\nmine,4,715176,40885865472\n"
    lines = list(verdict(tmp_path / "r", {model: values(model) for model in PSNR}, cost).lines())
    assert lines[1] == "Cost: 715,176 parameters, 40.9 G multiply-adds for 1280x720"
    at = next(i for i, line in enumerate(lines) if line.startswith("Published values of networks of half to"))
    below = lines[at + 1 :]
    assert any(
        line.split()[:2] == ["IMDN", "Set5"] and "+ PSNR-Y 32.21 (here 32.25)" in line for line in below
    )
    assert any(line.split()[:2] == ["DAT-light", "Set5"] and "− PSNR-Y 32.57" in line for line in below)
    assert not any(line.split()[0] in ("DAT", "EDSR", "HAT") for line in below)


def test_without_parameters_all_sizes_count(tmp_path: Path) -> None:
    lines = list(verdict(tmp_path / "r", {model: values(model) for model in PSNR}).lines())
    assert any(line.startswith("Published values of networks of any size") for line in lines)
    # Nothing of its architecture: the next better one is what it is behind.
    assert "Against DAT-light: PSNR-Y is behind on 10 of 10 images" in lines


def test_a_network_that_did_not_run_says_why(tmp_path: Path) -> None:
    one = verdict(tmp_path / "r", {model: values(model) for model in PSNR if model != "mine"})
    assert list(one.lines()) == ["Mine at x4", "  Set5: failed: no memory"]


def test_page_and_text_say_the_same(tmp_path: Path) -> None:
    one = verdict(tmp_path / "r", {model: values(model) for model in PSNR})
    one = replace(
        one, run=replace(one.run, names=replace(one.shown, models={**one.shown.models, "mine": "<i>"}))
    )
    make_verdict([one], tmp_path / "v.txt", tmp_path / "v.html")
    page = (tmp_path / "v.html").read_text()
    assert "<i>" not in page
    assert (tmp_path / "v.txt").read_text() in html.unescape(page)
