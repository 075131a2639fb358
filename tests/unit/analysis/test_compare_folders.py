"""``sisr score`` on folders as other programs write them, and ``--compare``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sisr.analysis.compare_folders import folder_names
from sisr.base.errors import ScoreError
from sisr.base.images import write_png
from sisr.cli import app
from typer.testing import CliRunner

#: How programs name the result for img.png at x4.
NAMING = {
    "BasicSR": "{}_EDSR_Lx4_f256b32_DIV2K_official.png",
    "KAIR": "{}_x4_SwinIR.png",
    "RCAN": "{}_RCAN_x4.png",
}


@pytest.fixture
def hr(tmp_path: Path) -> Path:
    """Eight images of 40x44, the last one gray."""
    rng = np.random.default_rng(1)
    for i in range(8):
        shape = (44, 40) if i == 7 else (44, 40, 3)
        write_png(tmp_path / "Set" / f"img_{i}.png", rng.integers(20, 230, shape, dtype=np.uint8))
    return tmp_path / "Set"


def degrade(hr: Path, folder: Path, name: str, amount: int) -> Path:
    """SR images that differ from HR by noise, named as a program names them; gray becomes RGB as OpenCV has
    it."""
    from sisr.base.image_files import list_images
    from sisr.base.images import read_image

    for seed, path in enumerate(list_images(hr)):
        pixels = read_image(path).array.astype(int)
        if pixels.ndim == 2:
            pixels = np.repeat(pixels[:, :, None], 3, axis=2)
        noise = np.random.default_rng(seed).integers(-amount, amount + 1, pixels.shape[:2])[:, :, None]
        write_png(folder / name.format(path.stem), (pixels + noise).astype(np.uint8))
    return folder


def run(*arguments: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["score", *map(str, arguments), "--lpips", "none"])
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize("program", NAMING)
def test_names_of_other_programs(program: str, hr: Path, tmp_path: Path) -> None:
    sr = degrade(hr, tmp_path / program, NAMING[program], 5)
    text = run("-s", 4, hr, sr, "-o", tmp_path / "a.csv")
    assert f"img_7.png <- {NAMING[program].format('img_7')}" in text
    assert (
        "protocol y-bt601: PSNR/SSIM on Y (BT.601), border of 4 pixels cut, gray images on [0, 255]" in text
    )
    plain = degrade(hr, tmp_path / "plain", "{}.png", 5)
    run("-s", 4, hr, plain, "-o", tmp_path / "b.csv")
    a, b = (pd.read_csv(tmp_path / f"{name}.csv").drop(columns="model") for name in "ab")
    pd.testing.assert_frame_equal(a, b)


def test_compare_two_folders(hr: Path, tmp_path: Path) -> None:
    good = degrade(hr, tmp_path / "good" / "Set", NAMING["BasicSR"], 5)
    bad = degrade(hr, tmp_path / "bad" / "Set", NAMING["KAIR"], 9)
    out = tmp_path / "scores.csv"
    text = run("-s", 4, hr, "--compare", good, bad, "-o", out)
    scores = pd.read_csv(out)
    assert scores["model"].drop_duplicates().tolist() == ["good", "bad"]
    psnr = scores[scores["metric"] == "psnr"].pivot(index="image", columns="model", values="value")
    d = psnr["good"] - psnr["bad"]
    assert f"difference  {d.mean():+.3f} dB" in text
    assert f"good        {psnr['good'].mean():.2f} dB" in text
    assert "good better on 8, equal on 0, worse on 0" in text
    assert f"Wilcoxon p = {stats.wilcoxon(d).pvalue:.3f}, effect size +1.00" in text
    assert "verdict     good is better (p < 0.05)" in text
    assert "img_0.png <- good: img_0_EDSR_Lx4_f256b32_DIV2K_official.png, bad: img_0_x4_SwinIR.png" in text


def test_compare_says_what_few_or_identical_images_cannot_show(hr: Path, tmp_path: Path) -> None:
    for i in range(5, 8):
        (hr / f"img_{i}.png").unlink()
    exact, noisy = degrade(hr, tmp_path / "exact", "{}.png", 0), degrade(hr, tmp_path / "noisy", "{}.png", 9)
    text = run("-s", 4, hr, "--compare", exact, noisy, "-o", tmp_path / "s.csv")
    assert "exact       inf dB  (95 % interval inf to inf)" in text
    assert "difference  +inf dB" in text
    assert "verdict     too few images: 6 or more can show a difference" in text
    assert "p =" not in text
    assert "detectable" not in text.split("SSIM")[0]


def test_bad_input_is_one_line(hr: Path, tmp_path: Path) -> None:
    sr = degrade(hr, tmp_path / "sr", "{}.png", 5)
    small = tmp_path / "small"
    for i in range(8):
        write_png(small / f"img_{i}.png", np.zeros((11, 10, 3), np.uint8))
    out = tmp_path / "x.csv"
    for arguments, message in (
        (["--compare", sr, small], "img_0: expected SR of 40x44, found 10x11"),
        (["--compare", sr, sr], "compared with itself"),
        ([sr, "--compare", sr, small], "give either SR_DIR or --compare A B"),
        ([], "give either SR_DIR or --compare A B"),
    ):
        text = run("-s", 4, hr, *arguments, "-o", out, code=1)
        assert text.startswith("error: ") and text.count("\n") == 1 and message in text
        assert not out.exists()


def test_folder_names_differ() -> None:
    assert folder_names(Path("/r/EDSR/Set5"), Path("/r/RCAN/Set5")) == ("EDSR", "RCAN")
    assert folder_names(Path("/r/a"), Path("/q/b")) == ("a", "b")
    assert len(set(folder_names(Path("/r/a"), Path("/r/r/a")))) == 2
    with pytest.raises(ScoreError, match="compared with itself"):
        folder_names(Path("/r/a"), Path("/r/x/../a"))
