"""sisr bench on real images and networks, as far as the scores: what follows is that of any run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from sisr.data.assets import fetch
from sisr.run.bench import id_of
from sisr.run.workspace import outer_environment
from sisr.scoring.shipped_index import index
from tiny_project import CHECKOUT

pytestmark = [pytest.mark.workflow, pytest.mark.mirror, pytest.mark.slow]

SET5 = "set5/matlab-bicubic/x4"
Bench = Callable[..., str]


@pytest.fixture
def bench(mirror: Path, resources: Path, tmp_path: Path) -> Bench:
    """Call the command in a folder of its own, and give what it says; downloads are shared between tests."""
    (tmp_path / "resources").mkdir()
    (tmp_path / "resources/assets").symlink_to(resources / "assets")

    def called(network: Path, *options: str) -> str:
        name = id_of(network.stem)
        scale = options[options.index("--scale") + 1] if "--scale" in options else "4"
        target = f"results/bench-{name}-x{scale}/verdict.txt"
        command = [sys.executable, "-c", "from sisr.cli import app; app()", "bench", network]
        done = subprocess.run(
            [*command, "--dataset", "set5", "--mirror", mirror, *options, "--", "--", target],
            cwd=tmp_path,
            env={**outer_environment(), "PYTHONPATH": str(CHECKOUT / "scripts")},
            capture_output=True,
            text=True,
            check=False,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return called


@pytest.fixture
def weights(mirror: Path, resources: Path) -> Path:
    """IMDN at x4, as its authors published it."""
    fetched = fetch("imdn-x4", resources=resources, mirror=str(mirror), progress=False)
    return fetched.path("IMDN_x4.pth")


def test_a_published_network_under_another_name_ties_with_its_row(
    bench: Bench, weights: Path, tmp_path: Path
) -> None:
    network = tmp_path / "somebody_s.pth"
    shutil.copy(weights, network)
    said = bench(network)
    assert "somebody_s.pth: imdn x4, RGB" in said
    models = len(index().sets[SET5].models)
    assert f"of {models + 1})" in said
    assert "Against IMDN (shipped), of the same architecture: PSNR-Y 0.000 dB on all 5 images" in said
    psnr = said.split("PSNR-Y ↑ on Set5")[1].split("LPIPS ↓ on Set5")[0].splitlines()
    (row,) = [line for line in psnr if line.strip().startswith(">")]
    (twin,) = [line for line in psnr if "IMDN (shipped)" in line and "=" in line]
    assert "32.21" in row
    assert "0.000 dB" in twin
    assert "0 / 5 / 0" in twin


@pytest.mark.release
def test_a_damaged_network_is_behind_and_says_on_which_images(
    bench: Bench, weights: Path, tmp_path: Path
) -> None:
    state = torch.load(weights, map_location="cpu", weights_only=True)
    noise = torch.Generator().manual_seed(1)
    damaged = {
        name: value + 0.01 * value.std() * torch.randn(value.shape, generator=noise)
        if value.ndim == 4
        else value
        for name, value in state.items()
    }
    torch.save(damaged, tmp_path / "damaged.pth")
    said = bench(tmp_path / "damaged.pth", "--against", "imdn,bicubic")
    assert "Against IMDN (shipped), of the same architecture: PSNR-Y is behind on 5 of 5 images" in said
    losses = re.findall(r"^  set5/(\w+): −(\d+\.\d+) dB$", said, re.MULTILINE)
    assert {image for image, _ in losses} == {"baby", "bird", "butterfly", "head", "woman"}
    assert [float(loss) for _, loss in losses] == sorted((float(loss) for _, loss in losses), reverse=True)
    assert "next worse: Bicubic (shipped)" in said


@pytest.mark.parametrize(
    ("scale", "mean"), [pytest.param(2, "38.27", marks=pytest.mark.release), (4, "32.63")]
)
def test_images_of_another_program_are_placed(
    scale: int, mean: str, bench: Bench, mirror: Path, resources: Path, tmp_path: Path
) -> None:
    """RCAN's published images of Set5, which give the means of its paper's table 2 (Zhang et al., 2018)."""
    fetched = fetch("rcan-set5-outputs", resources=resources, mirror=str(mirror), progress=False)
    folder = tmp_path / "RCAN"
    folder.mkdir()
    for name, path in fetched.paths().items():
        if name.startswith(f"x{scale}/"):
            shutil.copy(path, folder / Path(name).name)
    said = bench(folder, "--scale", str(scale))
    assert f"set5 x{scale}: SR images in {folder}" in said
    assert f"PSNR-Y ↑ {mean} (1 of" in said
