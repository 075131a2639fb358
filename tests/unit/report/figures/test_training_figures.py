"""Figures and CSV of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sisr.base.errors import ConfigError, TrainingError
from sisr.base.images import write_png
from sisr.report.figures.crop_choice import Region
from sisr.report.figures.training_curves import crops_side_by_side
from sisr.report.figures.training_curves import curves as draw_curves
from sisr.training import curves

ROWS = [
    {"iteration": 10.0, "learning_rate": 1e-3, "loss": 0.5, "psnr_y": 25.0, "l_pix": 0.25, "l_percep": 0.25},
    {
        "iteration": 20.0,
        "learning_rate": 1e-4,
        "loss": 0.25,
        "psnr_y": 26.5,
        "l_pix": 0.125,
        "l_percep": 0.125,
    },
]


def test_csv_there_and_back(tmp_path: Path) -> None:
    path = tmp_path / "x4.csv"
    curves.write_csv(path, [*ROWS, {"iteration": 30.0, "learning_rate": 1e-5, "loss": 0.2}])
    assert path.read_text().splitlines()[0] == "iteration,learning_rate,loss,psnr_y,l_percep,l_pix"
    assert path.read_text().splitlines()[3] == "30,1e-05,0.2,,,"
    assert curves.read_csv(path) == [*ROWS, {"iteration": 30.0, "learning_rate": 1e-5, "loss": 0.2}]


@pytest.mark.parametrize("text", ["", "iteration,loss\n1,x\n", "a,b\n1,2\n"])
def test_what_is_no_curve_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x4.csv"
    path.write_text(text)
    with pytest.raises(TrainingError, match=r"x4\.csv: "):
        curves.read_csv(path)
    with pytest.raises(TrainingError, match=r"none\.csv: not the curves"):
        curves.read_csv(tmp_path / "none.csv")


def test_history_is_the_mean_since_the_last_point() -> None:
    history = curves.History()
    for value in (1.0, 2.0):
        history.add({"l_g_pix": value, "l_g_gan": 1.0, "l_d_real": 7.0})
    history.close(2, 0.1, None)
    history.add({"l_g_pix": 5.0, "l_g_gan": 1.0, "l_d_real": 7.0})
    history.close(3, 0.1, 20.0)
    assert [row["loss"] for row in history.rows] == [2.5, 6.0]  # without the discriminator's
    assert [row.get("psnr_y") for row in history.rows] == [None, 20.0]


def test_curves_are_drawn_and_are_the_same_bytes(tmp_path: Path) -> None:
    without = [{key: value for key, value in row.items() if key != "psnr_y"} for row in ROWS]
    for name in ("a.svg", "b.svg"):
        draw_curves({"One": ROWS, "Two": without}, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    draw_curves({}, tmp_path / "none.png")
    assert (tmp_path / "none.png").stat().st_size > 1000


def test_crops_show_the_pixels(tmp_path: Path) -> None:
    """The middle of a crop of one colour has that colour; a region outside the image is named."""
    files = {}
    for heading, value in (("HR", 200), ("without", 90), ("with", 30)):
        pixels = np.zeros((40, 60, 3), np.uint8)
        pixels[10:30, 20:50] = value
        write_png(tmp_path / f"{heading}/a.png", pixels)
        files[heading] = {"a": tmp_path / f"{heading}/a.png"}
    out = tmp_path / "crops.png"
    columns = list(files.items())
    crops_side_by_side(columns, [("a", Region(20, 10, 30, 20))], out, below={("with", "a"): "LPIPS 0.1"})
    image = np.asarray(Image.open(out).convert("RGB"))
    height, width = image.shape[:2]
    for place, value in enumerate((200, 90, 30)):
        assert image[height // 2, int((place + 0.5) * width / 3)].tolist() == [value] * 3
    with pytest.raises(ConfigError, match=r"a: \[50, 10, 30, 20\] is outside its 60x40"):
        crops_side_by_side(columns, [("a", Region(50, 10, 30, 20))], out, below={})
