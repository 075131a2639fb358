from __future__ import annotations

import itertools
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from sisr.report.figures import style

MODELS = [f"m{i}" for i in range(21)]


def test_a_model_keeps_its_colour_in_any_subset() -> None:
    colours = style.model_colours(MODELS)
    assert style.model_colours(MODELS[:5]) == {name: colours[name] for name in MODELS[:5]}
    assert style.model_colours([*MODELS, "m3"]) == colours


def test_colours_of_21_models_differ_and_are_visible_on_white() -> None:
    colours = style.model_colours(MODELS)
    assert len(set(colours.values())) == len(MODELS)
    for colour in colours.values():
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
            for c in (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        ]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) > 1.4, colour


def test_models_that_share_a_colour_family_differ_in_shape() -> None:
    markers = style.model_markers(MODELS)
    for family in range(7):
        assert len({markers[MODELS[i]] for i in range(family, 21, 7)}) == 3
    pairs = [(style.model_colours(MODELS)[m], markers[m]) for m in MODELS]
    assert all(a != b for a, b in itertools.combinations(pairs, 2))


def test_settings_are_restored() -> None:
    before = mpl.rcParams["svg.hashsalt"]
    with style.applied():
        assert mpl.rcParams["svg.hashsalt"] == "sisr"
    assert mpl.rcParams["svg.hashsalt"] == before


@pytest.mark.parametrize("kind", ["svg", "pdf", "png", "jpg", "webp"])
def test_a_figure_has_the_same_bytes_each_time(tmp_path: Path, kind: str) -> None:
    contents = []
    for index in range(2):
        with style.applied():
            figure = Figure(figsize=(2, 1))
            figure.subplots().plot([1, 2, 3])
            contents.append(style.save(figure, tmp_path / f"{index}.{kind}").read_bytes())
    assert contents[0] == contents[1]
