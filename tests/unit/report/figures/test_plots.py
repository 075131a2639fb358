from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sisr.analysis.summaries import summarise
from sisr.report.figures import plots, style
from sisr.report.shown_run import Names
from sisr.scoring.gather import SCORE_COLUMNS
from sisr.scoring.metrics.protocol import Measure

PSNR = Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, "", True)
LPIPS = Measure("lpips", "alex-v0.1", "LPIPS", "", "lower", 4, 6, "", False)
MODELS = {f"model-{i}": f"Model number {i}" for i in range(14)}
KERNELS = {"matlab-bicubic": "MATLAB bicubic", "opencv-area": "OpenCV area"}
DATASETS = {"set5": "Set5", "urban": "Urban"}
NAMES = Names((PSNR, LPIPS), MODELS, DATASETS, KERNELS, {})


@pytest.fixture
def scores() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    rows = []
    for (dataset, count), kernel, (i, model) in itertools.product(
        {"set5": 5, "urban": 30}.items(), KERNELS, enumerate(MODELS)
    ):
        for image in range(count):
            # The models lie close together, the hard case for labels.
            psnr, lpips = 28 + 0.05 * i + rng.normal(0, 0.2), 0.3 - 0.002 * i + rng.normal(0, 0.01)
            for measure, value in ((PSNR, psnr), (LPIPS, lpips)):
                cell = (dataset, f"i{image}", kernel, 4, model)
                rows.append((*cell, measure.metric, measure.protocol, value))
    return pd.DataFrame(rows, columns=list(SCORE_COLUMNS))


Draw = Callable[[pd.DataFrame, Path], Path]


def draw_quality(scores: pd.DataFrame, out: Path) -> Path:
    return plots.quality(scores, NAMES, "matlab-bicubic", 4, out)


def draw_trade_off(scores: pd.DataFrame, out: Path) -> Path:
    return plots.perception_distortion(summarise(scores), NAMES, "matlab-bicubic", 4, out)


ALL = pytest.mark.parametrize("draw", [draw_quality, draw_trade_off])


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Figure]]:
    """Figures that were saved, drawn, so that positions can be asked for."""
    saved: list[Figure] = []
    save = style.save

    def keep(figure: Figure, path: Path) -> Path:
        save(figure, path)
        figure.draw_without_rendering()
        saved.append(figure)
        return path

    monkeypatch.setattr(style, "save", keep)
    yield saved


@ALL
def test_svg_is_the_same_bytes_each_time(draw: Draw, scores: pd.DataFrame, tmp_path: Path) -> None:
    first = draw(scores, tmp_path / "a.svg").read_bytes()
    np.random.rand(3)  # a figure that drew from the global generator would change
    assert draw(scores, tmp_path / "b.svg").read_bytes() == first
    assert b"<dc:date>" not in first
    root = ElementTree.fromstring(first)
    assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(style.WIDTH * 72)


@ALL
def test_nothing_is_clipped(draw: Draw, scores: pd.DataFrame, tmp_path: Path, figures: list[Figure]) -> None:
    draw(scores, tmp_path / "a.png")
    [figure] = figures
    page = figure.bbox
    for text in figure.findobj(lambda artist: hasattr(artist, "get_text")):
        if text.get_visible() and text.get_text() and text.axes is not None:
            box = text.get_window_extent()
            assert box.x0 >= page.x0 - 1 and box.x1 <= page.x1 + 1, text.get_text()
            assert box.y0 >= page.y0 - 1 and box.y1 <= page.y1 + 1, text.get_text()


def test_labels_of_crowded_points_do_not_overlap(
    scores: pd.DataFrame, tmp_path: Path, figures: list[Figure]
) -> None:
    draw_trade_off(scores, tmp_path / "a.png")
    for axis in figures[0].axes:
        boxes = [text.get_window_extent() for text in axis.texts if text.get_text() in MODELS.values()]
        assert len(boxes) == len(MODELS)
        for a, b in itertools.combinations(boxes, 2):
            overlap = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(overlap) <= 0


def test_infinite_values_are_left_out_and_said_to_be(
    scores: pd.DataFrame, tmp_path: Path, figures: list[Figure]
) -> None:
    here = (scores["model"] == "model-2") & (scores["metric"] == "psnr") & (scores["dataset"] == "set5")
    scores.loc[here, "value"] = np.inf
    draw_quality(scores, tmp_path / "a.png")
    draw_trade_off(scores, tmp_path / "b.png")
    texts = [[t.get_text() for axis in figure.axes for t in axis.texts] for figure in figures]
    assert "inf × 5, not drawn" in texts[0]
    assert "not drawn (inf): Model number 2" in texts[1]
    for axis in figures[0].axes:
        assert np.isfinite(axis.get_xlim()).all()


def test_panels_of_a_measure_share_their_axis(
    scores: pd.DataFrame, tmp_path: Path, figures: list[Figure]
) -> None:
    draw_quality(scores, tmp_path / "a.png")
    limits = [axis.get_xlim() for axis in figures[0].axes]
    assert limits[0] == limits[1] != limits[2] == limits[3]


def test_a_model_without_scores_keeps_its_row(
    scores: pd.DataFrame, tmp_path: Path, figures: list[Figure]
) -> None:
    gone = (scores["model"] == "model-13") & (scores["dataset"] == "urban")
    draw_quality(scores[~gone], tmp_path / "a.png")
    set5, urban = figures[0].axes[:2]
    assert [label.get_text() for label in set5.get_yticklabels()] == list(MODELS.values())
    assert "no scores" in [text.get_text() for text in urban.texts]


@ALL
def test_no_scores_still_gives_a_figure(draw: Draw, scores: pd.DataFrame, tmp_path: Path) -> None:
    assert draw(scores[scores["scale"] == 2], tmp_path / "a.svg").stat().st_size > 500


def test_pareto_front() -> None:
    # By hand: 1 and 2 trade off; 0 is beaten by 1 in both; 3 equals 2; 4 ties 1 in x but is worse in y.
    values = np.array([[1.0, 1.0], [2.0, 3.0], [4.0, 2.0], [4.0, 2.0], [2.0, 2.5]])
    assert plots.pareto_front(values) == [2, 3, 1]
    assert plots.pareto_front(np.empty((0, 2))) == []
