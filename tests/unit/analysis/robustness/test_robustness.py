"""Differences, ranks and sentences of models on several LR kernels, from tables made by hand."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sisr.analysis.robustness import CSV_COLUMNS, Matrix, flips, matrices, ordinal, sentences, to_csv
from sisr.analysis.summaries import SUMMARY_COLUMNS
from sisr.report.figures import crop_choice, crops
from sisr.report.figures import robustness_charts as figures
from sisr.report.shown_run import Names
from sisr.scoring.metrics.protocol import Measure

PSNR = Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, "", True)
LPIPS = Measure("lpips", "alex-v0.1", "LPIPS", "", "lower", 4, 6, "", False)
KERNELS = {"matlab-bicubic": "MATLAB bicubic", "area": "Area", "nearest": "Nearest"}
MODELS = {"a": "Model A", "b": "Model B", "c": "Model C", "d": "Model D"}
#: Rows are kernels, columns models.  Worked by hand below.
VALUES = {
    "area": {"a": 30.0, "b": 31.0, "c": 29.0, "d": 27.0},
    "matlab-bicubic": {"a": 32.0, "b": 31.5, "c": 31.004, "d": 31.0},
    "nearest": {"a": 20.0, "b": 21.0, "c": 22.0, "d": 24.0},
}


def summary(values: Mapping[str, Mapping[str, float]], measure: Measure = PSNR) -> pd.DataFrame:
    rows = [
        ("set", kernel, 4, model, measure.metric, measure.protocol, value, 5, 5, "", 0, value)
        for kernel, of_models in values.items()
        for model, value in of_models.items()
    ]
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def matrix(values: Mapping[str, Mapping[str, float]] = VALUES, measure: Measure = PSNR) -> Matrix:
    [found] = matrices(
        summary(values, measure),
        measure,
        4,
        models=list(MODELS),
        groups=["set"],
        kernels=["area", "matlab-bicubic", "nearest"],
    )
    return found


def test_reference_comes_first_and_differences_refer_to_it() -> None:
    found = matrix()
    assert found.kernels == ("matlab-bicubic", "area", "nearest")
    assert found.gaps == pytest.approx(
        np.array([[0, 0, 0, 0], [-2, -0.5, -2.004, -4], [-12, -10.5, -9.004, -7]])
    )


def test_ranks_are_those_of_the_printed_values() -> None:
    # 31.004 and 31.00 print alike, so both are third.
    assert matrix().ranks.tolist() == [[1, 2, 3, 3], [2, 1, 3, 4], [4, 3, 2, 1]]


def test_a_lower_measure_ranks_the_other_way() -> None:
    found = matrix(measure=LPIPS)
    assert found.ranks[2].tolist() == [1, 2, 3, 4]


def test_flips_are_counted_by_pair() -> None:
    # a-b flips on area, all pairs flip on nearest; c-d tie on the reference, so they have no order to lose.
    assert flips(matrix()) == 5


def test_sentences_say_what_the_table_says() -> None:
    said = sentences(matrix(), MODELS, KERNELS)
    assert said == [
        "Model A leads under MATLAB bicubic (32.00 dB) and falls to 4th of 4 under Nearest (20.00 dB), "
        "where Model D leads (24.00 dB).",
        "Leaders under the 3 kernels: Model A (1), Model B (1), Model D (1).",
        "Of 6 pairs of models, 5 change their order under some kernel.",
        "From MATLAB bicubic to Nearest LR Model A loses 12.00 dB; "
        "its lead over the second, Model B, is 0.50 dB.",
    ]


def test_a_leader_on_every_kernel_is_said_to_be_one() -> None:
    steady = {kernel: {**of_models, "a": 40.0} for kernel, of_models in VALUES.items()}
    assert sentences(matrix(steady), MODELS, KERNELS)[0] == "Model A leads under all 3 kernels."


def test_models_without_a_value_on_every_kernel_have_no_rank() -> None:
    gap = {kernel: dict(of_models) for kernel, of_models in VALUES.items()}
    del gap["nearest"]["a"]
    gap["area"]["b"] = math.inf
    found = matrix(gap)
    assert found.ranks.tolist() == [[0, 1, 2, 2], [0, 1, 2, 3], [0, 3, 2, 1]]
    assert np.isnan(found.gaps[1, 1])
    assert np.isnan(found.gaps[2, 0])
    rows = list(csv.DictReader(io.StringIO(to_csv([found]))))
    of_a = {row["kernel"]: row for row in rows if row["model"] == "a"}
    assert (of_a["nearest"]["mean"], of_a["nearest"]["rank"]) == ("", "")
    assert of_a["area"]["difference"] == "-2.000000"


def test_no_matrix_of_one_kernel() -> None:
    one = {"area": VALUES["area"]}
    arguments = {"models": list(MODELS), "groups": ["set"], "kernels": ["area"]}
    assert matrices(summary(one), PSNR, 4, **arguments) == []
    assert to_csv([]) == ",".join(CSV_COLUMNS) + "\n"


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (22, "22nd")],
)
def test_ordinals(number: int, text: str) -> None:
    assert ordinal(number) == text


# --- figures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [figures.heat_map, figures.rank_chart])
@pytest.mark.parametrize("size", [(2, 2), (25, 15)])
def test_figures_are_the_same_bytes_and_nothing_is_clipped(  # type: ignore[no-untyped-def]
    draw, size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    kernels = {f"k{i}": f"A kernel with quite a long name, number {i}" for i in range(size[0])}
    models = {f"m{i}": f"OpenCV FSRCNN-small {i}" for i in range(size[1])}
    values = {k: {m: float(rng.normal(27, 4)) for m in models} for k in kernels}
    found = matrices(summary(values), PSNR, 4, models=list(models), groups=["set"], kernels=list(kernels))
    names = Names((PSNR,), models, {"set": "A set"}, kernels, {})
    saved = []
    save = figures.style.save
    monkeypatch.setattr(figures.style, "save", lambda f, p: (saved.append(f), save(f, p))[1])
    first = draw(found, names, 4, tmp_path / "a.svg").read_bytes()
    assert draw(found, names, 4, tmp_path / "b.svg").read_bytes() == first
    figure = saved[0]
    figure.draw_without_rendering()
    for text in figure.findobj(lambda artist: hasattr(artist, "get_text")):
        if text.get_visible() and text.get_text() and text.axes is not None:
            box = text.get_window_extent()
            assert box.x0 >= figure.bbox.x0 - 1, text.get_text()
            assert box.x1 <= figure.bbox.x1 + 1, text.get_text()
            assert box.y0 >= figure.bbox.y0 - 1, text.get_text()
            assert box.y1 <= figure.bbox.y1 + 1, text.get_text()


def test_heat_map_prints_the_reference_and_the_differences(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    saved = []
    save = figures.style.save
    monkeypatch.setattr(figures.style, "save", lambda f, p: (saved.append(f), save(f, p))[1])
    names = Names((PSNR,), MODELS, {"set": "A set"}, KERNELS, {})
    figures.heat_map([matrix()], names, 4, tmp_path / "a.png")
    texts = [text.get_text() for text in saved[0].axes[0].texts]
    assert texts[:8] == ["32.00", "31.50", "31.00", "31.00", "−2.00", "−0.50", "−2.00", "−4.00"]


def test_lr_sheet_shows_the_pixels_of_each_kernel(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    hr = rng.integers(0, 256, (160, 200, 3), dtype=np.uint8)
    Image.fromarray(hr).save(tmp_path / "hr.png")
    lrs = {}
    for place, kernel in enumerate(("plain", "other")):
        lr = np.full((40, 50, 3), 90, np.uint8)
        lr[24:, 10:30] += np.uint8(60 * place)  # where they differ
        lrs[kernel] = tmp_path / f"{kernel}.png"
        Image.fromarray(lr).save(lrs[kernel])
    region, difference = crop_choice.pick_lr_region(tmp_path / "hr.png", lrs, 4)
    assert difference == pytest.approx(np.var([90, 150]) * 20 * 16 / (24 * 18))
    assert region.w == 96
    assert region.h == 72
    assert region.x <= 40
    assert region.y == 88
    out = crops.lr_sheet(
        tmp_path / "hr.png",
        lrs,
        region,
        4,
        "Title",
        {"plain": ("Plain", "30.00 dB"), "other": ("Other", "")},
        tmp_path / "sheet.png",
    )
    sheet = np.asarray(Image.open(out))
    colours = {tuple(c) for c in sheet.reshape(-1, 3)}
    assert {(90, 90, 90), (150, 150, 150)} <= colours
