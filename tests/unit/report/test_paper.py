"""Figures and tables for a paper."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sisr.analysis import summaries
from sisr.report import table_writers, tables
from sisr.report.cost_table import CostLine, CostTable, column_of
from sisr.report.figures import columns, crops, plots, style
from sisr.report.shown_run import Names
from sisr.scoring.metrics import parse_measure

MEASURES = tuple(parse_measure(text) for text in ("psnr@y-bt601", "lpips@alex-v0.1"))
NAMES = Names(MEASURES, {"a": "Model A", "b": "Model B & C"}, {"d": "Set"}, {"k": "Kernel"}, {})


@pytest.fixture
def scores() -> pd.DataFrame:
    rows = [
        ("d", f"i{i}", "k", 4, model, m.metric, m.protocol, 30.0 + place + i / 10)
        for place, model in enumerate(NAMES.models)
        for m in MEASURES
        for i in range(5)
    ]
    return pd.DataFrame(rows, columns=list(summaries.SCORE_COLUMNS))


def size(pdf: Path) -> tuple[float, float]:
    """Inches of the page."""
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", pdf.read_bytes())
    assert box is not None
    return float(box[1]) / 72, float(box[2]) / 72


def assert_vectors_with_fonts(pdf: Path) -> None:
    data = pdf.read_bytes()
    assert b"/FontFile2" in data, "TrueType outlines are in the file"
    assert b"/Type3" not in data


@pytest.mark.parametrize(("column", "inches"), columns.WIDTHS.items())
def test_a_plot_is_as_wide_as_the_column(
    scores: pd.DataFrame, tmp_path: Path, column: str, inches: float
) -> None:
    with style.in_column(inches):
        made = plots.quality(scores, NAMES, "k", 4, tmp_path / f"{column}.pdf")
    assert size(made)[0] == pytest.approx(inches, abs=1e-3)
    assert_vectors_with_fonts(made)
    made = plots.quality(scores, NAMES, "k", 4, tmp_path / "screen.pdf")
    assert size(made)[0] == pytest.approx(style.WIDTH, abs=1e-3)


@pytest.mark.parametrize(("column", "inches"), columns.WIDTHS.items())
def test_a_crop_figure_holds_the_pixels_of_the_files(tmp_path: Path, column: str, inches: float) -> None:
    rng = np.random.default_rng(0)
    hr = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    files = {"hr": hr, "a": hr[::-1], "b": hr[:, ::-1]}
    for name, pixels in {**files, "lr": hr[::4, ::4]}.items():
        Image.fromarray(np.ascontiguousarray(pixels)).save(tmp_path / f"{name}.png")
    image = crops.ImageFiles(
        tmp_path / "hr.png", tmp_path / "lr.png", {m: tmp_path / f"{m}.png" for m in "ab"}, 4
    )
    values = {"a": {"psnr@y-bt601": 30.0}, "b": {"psnr@y-bt601": 31.0}}
    text = crops.SheetText("title", NAMES.models, values, MEASURES)
    with style.in_column(inches):
        made = columns.crop_figure(image, (8, 4, 24, 16), text, tmp_path / f"{column}.pdf")
    assert size(made)[0] == pytest.approx(inches, abs=1e-3)
    assert_vectors_with_fonts(made)
    # The whole image and four tiles, of as many pixels as they have.
    sizes = re.findall(rb"/Height (\d+)[^>]*?/Width (\d+)|/Width (\d+)[^>]*?/Height (\d+)", made.read_bytes())
    found = sorted({tuple(int(n) for n in one if n) for one in sizes})
    assert {frozenset(pair) for pair in found} == {frozenset((40, 60)), frozenset((16, 24))}


@pytest.mark.parametrize("look", table_writers.LOOKS)
def test_a_table_has_the_marks_that_were_chosen_and_what_models_cost(scores: pd.DataFrame, look: str) -> None:
    status = pd.DataFrame(
        [("d", "k", 4, m, "ok", "", 5) for m in NAMES.models], columns=list(summaries.STATUS_COLUMNS)
    )
    table = tables.build(summaries.summarise(scores), status, NAMES, 4)
    parameters = column_of("Parameters", "K", "parameters", 1e3, 1)
    lines = (CostLine("Model B & C", ("12.5",), (12.5,)),)
    cost = CostTable(4, (parameters,), lines, (), ())
    text = table_writers.to_latex(table, table_writers.LOOKS[look], cost)
    chosen = table_writers.LOOKS[look]
    assert rf"\providecommand{{\best}}[1]{{{chosen.best}}}" in text
    assert rf"Best \best{{{chosen.names[0]}}}, second \second{{{chosen.names[1]}}}." in text
    assert r"Model & Parameters (K) & PSNR-Y $\uparrow$ & LPIPS $\downarrow$ \\" in text
    assert r"Model A & --- & \second{30.20} & \best{30.2000} \\" in text
    assert r"Model B \& C & 12.5 & \best{31.20} & \second{31.2000} \\" in text
    assert r"\begin{tabular}{lrrr}" in text
    assert r"\cmidrule(lr){3-4}" in text
