"""Quality against time and parameters."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure
from sisr.analysis.summaries import summarise
from sisr.report.figures import quality_cost, style
from sisr.report.figures.quality_cost import Resource, quality_against
from sisr.report.shown_run import Names
from sisr.scoring.gather import SCORE_COLUMNS
from sisr.scoring.metrics.protocol import Measure

PSNR = Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, "", True)
MODELS = {f"m{i}": f"Model number {i}" for i in range(20)}
NAMES = Names((PSNR,), MODELS, {"set5": "Set5", "set14": "Set14"}, {"k": "MATLAB bicubic"}, {})
#: The first two need nothing; the last has no value; neighbours are close together.
PARAMETERS = Resource("Parameters", "not counted", {f"m{i}": 1e4 * 1.4**i * (i > 1) for i in range(19)}, {})


@pytest.fixture
def summary() -> pd.DataFrame:
    rows = [
        (dataset, "i", "k", 4, model, "psnr", "y-bt601", 28 + 0.1 * i)
        for dataset in ("set5", "set14")
        for i, model in enumerate(MODELS)
    ]
    return summarise(pd.DataFrame(rows, columns=list(SCORE_COLUMNS)))


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Figure]]:
    saved: list[Figure] = []
    save = style.save

    def keep(figure: Figure, path: Path) -> Path:
        save(figure, path)
        figure.draw_without_rendering()
        saved.append(figure)
        return path

    monkeypatch.setattr(style, "save", keep)
    yield saved


def test_labels_of_twenty_models_do_not_overlap(
    summary: pd.DataFrame, tmp_path: Path, figures: list[Figure]
) -> None:
    quality_against(summary, PARAMETERS, NAMES, "k", 4, tmp_path / "a.png")
    for axis in figures[0].axes:
        boxes = [text.get_window_extent() for text in axis.texts if text.get_text() in MODELS.values()]
        assert len(boxes) == 19
        for a, b in itertools.combinations(boxes, 2):
            overlap = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(overlap) <= 0
        assert "not counted: Model number 19" in [text.get_text() for text in axis.texts]


def test_zero_stands_apart_from_the_logarithmic_axis(
    summary: pd.DataFrame, tmp_path: Path, figures: list[Figure]
) -> None:
    quality_against(summary, PARAMETERS, NAMES, "k", 4, tmp_path / "a.png")
    axis = figures[0].axes[0]
    assert axis.get_xscale() == "log"
    ticks = {
        label.get_text(): at for at, label in zip(axis.get_xticks(), axis.get_xticklabels(), strict=True)
    }
    assert next(iter(ticks)) == "0"
    # All ticks with a number stand where they say; that of zero stands beside the smallest value.
    numbers = {"100,000": 1e5, "1 M": 1e6}
    assert {name: at for name, at in ticks.items() if name in numbers} == pytest.approx(numbers)
    [band] = axis.patches
    smallest = min(value for value in PARAMETERS.values.values() if value > 0)
    assert ticks["0"] < band.get_extents().transformed(axis.transData.inverted()).x1 < smallest


def test_front_is_of_cheaper_and_better(summary: pd.DataFrame, tmp_path: Path, figures: list[Figure]) -> None:
    """m2 costs as m1 but is better; m3 is dearer than m2 and worse than none."""
    time = Resource("Time", "not timed", {"m1": 1.0, "m2": 1.0, "m3": 5.0, "m0": 9.0}, {"m3": (4.0, 7.0)})
    quality_against(summary, time, NAMES, "k", 4, tmp_path / "a.png")
    lines = {line.get_label(): line.get_xydata().tolist() for line in figures[0].axes[0].lines}
    front = sorted(map(tuple, lines["Pareto front"]))
    assert front == [pytest.approx((1.0, 28.2)), pytest.approx((5.0, 28.3))]
    assert lines["_spread"] == [pytest.approx([4.0, 28.3]), pytest.approx([7.0, 28.3])]


def test_same_bytes_each_time_and_nothing_to_draw(summary: pd.DataFrame, tmp_path: Path) -> None:
    first = quality_against(summary, PARAMETERS, NAMES, "k", 4, tmp_path / "a.svg").read_bytes()
    assert quality_against(summary, PARAMETERS, NAMES, "k", 4, tmp_path / "b.svg").read_bytes() == first
    nothing = Resource("Time (s)", "not timed", {}, {})
    assert quality_against(summary, nothing, NAMES, "k", 4, tmp_path / "c.svg").stat().st_size > 500


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001, "0.001"), (0.05, "0.05"), (1, "1"), (2000, "2,000"), (1e6, "1 M"), (5e7, "50 M")],
)
def test_ticks_are_written_as_people_do(value: float, text: str) -> None:
    assert quality_cost._power(value) == text
    assert quality_cost._power(10 ** math.log10(value)) == text
