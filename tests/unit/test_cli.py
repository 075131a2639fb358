"""The command line: same numbers as the library, one line and exit code 1 for what is the user's fault."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sisr.base.images import read_image, write_png
from sisr.base.joblog import job
from sisr.cli import app
from sisr.lr.kernels.matlab import imresize
from sisr.models import archs
from sisr.scoring.metrics.fidelity import psnr
from typer.testing import CliRunner

runner = CliRunner()


@pytest.fixture
def hr(tmp_path: Path) -> Path:
    """Two images, 41x38 and 40x40; the second is gray."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[0:40, 0:41]
    base = (120 + 50 * np.sin(rows / 5) + 40 * np.cos(columns / 3)).astype(np.uint8)
    folder = tmp_path / "hr"
    colour = np.stack([base, base[::-1], rng.integers(90, 110, base.shape, dtype=np.uint8)], axis=2)
    write_png(folder / "one.png", np.ascontiguousarray(colour[:38]))
    write_png(folder / "two.png", np.ascontiguousarray(base[:, :40]))
    return folder


def run(*arguments: object, code: int = 0) -> str:
    result = runner.invoke(app, [str(argument) for argument in arguments])
    output = result.output
    assert result.exit_code == code, output
    if code == 1:
        assert output.startswith("error: ")
        assert output.count("\n") == 1, output
    return output


@pytest.mark.parametrize(
    ("table", "entry"),
    [
        ("datasets", "urban100"),
        ("kernels", "matlab-bicubic"),
        ("models", "vdsr"),
        ("protocols", "y-bt601"),
        ("metrics", "lpips"),
        ("assets", "set5"),
    ],
)
def test_list(table: str, entry: str) -> None:
    assert any(line.startswith(f"{entry} ") for line in run("list", table).splitlines())


def test_inference_options_of_upscale(hr: Path, tmp_path: Path) -> None:
    """The tile is in the notes on stderr, the pixels are those of the whole image; and what is refused."""
    net = tmp_path / "net.pth"
    torch.manual_seed(0)
    torch.save(archs.build("carn-m", 2).state_dict(), net)
    common = ("upscale", "-m", net, "-s", 2, "--device", "cpu", hr)
    output = run(*common, tmp_path / "plain")
    assert "tiles" not in output
    output = run(*common, tmp_path / "tiled", "--tile", 16, "--no-channels-last")
    assert "tile 16" in output and "channels_last False" in output
    assert "tiles of 16 pixels; the network looks 21 pixels far; 0" in output.replace("\n", " ")
    for name in ("one", "two"):
        plain, tiled = (read_image(tmp_path / of / f"{name}.png").array for of in ("plain", "tiled"))
        assert np.abs(plain.astype(int) - tiled).max() <= 1
    low = run(*common, tmp_path / "low", "--precision", "bf16", "--memory-mib", 900, "--batch", 2)
    assert "precision bf16" in low
    for options, words in (
        (("--precision", "fp8"), "inference: unknown precision 'fp8'; did you mean 'fp32'?"),
        (("--precision", "tf32"), "inference: precision tf32 exists on CUDA only, the device is cpu"),
        (("--tile", 5), "inference: tile: expected 0 or at least 16, found 5"),
        (("--batch", -1), "inference: batch: expected 0 or more, found -1"),
        (("--cuda-graphs",), "inference: cuda_graphs exist on CUDA only, the device is cpu"),
        (("--cuda-graphs", "--compile"), "compile and cuda_graphs exclude each other"),
    ):
        assert words in run(*common, tmp_path / "no", *options, code=1)
    refused = run("upscale", "-m", "bicubic", "-s", 2, hr, tmp_path / "no", "--tile", 32, code=1)
    assert "Bicubic is no PyTorch network, which alone have: tile" in refused
    refused = run("upscale", "-m", net, "-s", 2, hr, tmp_path / "no", "--device", "gpu", code=1)
    assert "device: expected auto, cpu, cuda, cuda:N or mps, found 'gpu'" in refused


def test_list_of_models_says_what_matters() -> None:
    lines = {line.split()[0]: line for line in run("list", "models").splitlines()}
    assert "VDSR; torch; x2 x3 x4; 664,704 parameters; licence: MIT" in lines["vdsr"]
    assert "unavailable: weights were never released" in lines["edge-informed-sr"]
    assert lines["bicubic"].endswith("; licence: MIT")
    assert "licence: Apache-2.0; weights GPL-3.0 (also stated: Apache-2.0, by" in lines["span"]


def test_degrade_upscale_score(hr: Path, tmp_path: Path) -> None:
    lr, sr, out = tmp_path / "lr", tmp_path / "sr", tmp_path / "scores.csv"
    run("degrade", "--kernel", "matlab-bicubic", "--scale", 2, hr, lr)
    image = read_image(hr / "one.png").array[:38, :40]
    assert np.array_equal(read_image(lr / "one.png").array, imresize(image, 0.5))
    run("upscale", "--model", "bicubic", "--scale", 2, lr, sr)
    expected_sr = imresize(imresize(image, 0.5), 2)
    assert np.array_equal(read_image(sr / "one.png").array, expected_sr)
    output = run("score", "--scale", 2, hr, sr, "--out", out, "--lpips", "none")
    assert "y-bt601" in output
    with out.open(encoding="utf-8", newline="") as stream:
        rows = {(row["image"], row["metric"]): float(row["value"]) for row in csv.DictReader(stream)}
    assert set(rows) == {(i, m) for i in ("one", "two") for m in ("psnr", "ssim")}
    assert rows["one", "psnr"] == pytest.approx(psnr(image, expected_sr, "y-bt601", 2), abs=1e-6)


def test_one_image_and_several_protocols(hr: Path, tmp_path: Path) -> None:
    run("upscale", "-m", "nearest", "-s", 2, hr / "one.png", tmp_path / "big")
    assert [path.name for path in (tmp_path / "big").iterdir()] == ["one.png"]
    out = tmp_path / "o.csv"
    shutil.copytree(hr, tmp_path / "same")
    run(
        "score",
        "-s",
        2,
        hr,
        tmp_path / "same",
        "--protocol",
        "y-bt601",
        "--protocol",
        "rgb",
        "--lpips",
        "none",
        "-o",
        out,
    )
    text = out.read_text(encoding="utf-8")
    assert ",rgb,inf" in text
    assert ",y-bt601,inf" in text


def test_errors_are_one_line(hr: Path, tmp_path: Path) -> None:
    sr = tmp_path / "sr"
    assert "did you mean 'bicubic'" in run("upscale", "-m", "bicubik", "-s", 2, hr, sr, code=1)
    assert "did you mean 'matlab-bicubic'" in run("degrade", "-k", "matlab-bicubik", "-s", 2, hr, sr, code=1)
    assert "x4 only" in run("upscale", "-m", "realesrgan", "-s", 2, hr, sr, code=1)
    assert str(tmp_path / "none") in run(
        "degrade", "-k", "matlab-bicubic", "-s", 2, tmp_path / "none", sr, code=1
    )
    assert "not trained yet" in run(
        "upscale", "-m", "espcn", "-s", 2, hr, sr, "--resources", tmp_path / "r", code=1
    )
    assert "nothing.yaml: no such file" in run("train", "nothing", "-s", 2, code=1)
    assert "study-start/x4.safetensors: not trained yet; run: sisr train study-start" in run(
        "train", "study-l1", "-s", 4, "--resources", tmp_path / "r", code=1
    )
    assert "give asset ids or --all" in run("fetch", code=1)
    assert "did you mean 'set5'" in run("fetch", "set55", "--resources", tmp_path / "r", code=1)
    write_png(sr / "one.png", np.zeros((30, 30, 3), np.uint8))
    write_png(sr / "two.png", np.zeros((40, 40), np.uint8))
    output = run("score", "-s", 2, hr, sr, "-o", tmp_path / "x.csv", "--lpips", "none", code=1)
    assert "40x38" in output
    assert "30x30" in output
    assert not (tmp_path / "x.csv").exists()


def test_nothing_is_overwritten(hr: Path, tmp_path: Path) -> None:
    shutil.copy(hr / "one.png", hr / "one.tif")
    assert "would overwrite the result of one.png" in run(
        "upscale", "-m", "nearest", "-s", 2, hr, tmp_path, code=1
    )
    (hr / "one.tif").unlink()
    before = (hr / "one.png").read_bytes()
    assert "hr/one.png: is read by this command" in run("upscale", "-m", "nearest", "-s", 2, hr, hr, code=1)
    assert (hr / "one.png").read_bytes() == before


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (MemoryError(), "error: out of memory\n"),
        (MemoryError("Unable to allocate 9 TiB"), "error: out of memory: Unable to allocate 9 TiB\n"),
        (RuntimeError("[enforce fail] can't allocate memory\nat a place"), "can't allocate memory\n"),
    ],
)
def test_no_memory_is_one_line(
    error: Exception, said: str, hr: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("sisr.lr.degrade.degrade_folder", fails)
    assert run("degrade", hr, tmp_path / "lr", "-k", "matlab-bicubic", "-s", 2, code=1).endswith(said)
    log = tmp_path / "log"
    with pytest.raises(SystemExit), job(log):
        fails()
    assert "Traceback" in log.read_text()


def test_help_names_every_command() -> None:
    text = run("--help")
    assert all(name in text for name in ("list", "fetch", "degrade", "upscale", "score"))


@pytest.mark.parametrize("arguments", ["list models", "list kernels"])
def test_what_nobody_reads_ends_in_silence(arguments: str) -> None:
    """As before ``| head``."""
    program = Path(sys.executable).with_name("sisr")
    run = subprocess.run(
        ["bash", "-c", f"{program} {arguments} | true"], capture_output=True, text=True, check=False
    )
    assert (run.stdout, run.stderr) == ("", "")
