from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from made_samples import LPIPS, PSNR, MakeSample
from sisr.analysis import shown_measures
from sisr.analysis.statistics.verdicts import Standing, stand
from sisr.report import comparison
from sisr.report.figures.critical_difference import critical_difference
from sisr.report.shown_run import Names

MODELS = {f"m{i}": f"Model {i} <&> (trained here)" for i in range(25)}
NAMES = Names((PSNR, LPIPS), MODELS, {"d": "Set"}, {"k": "Kernel"}, {})


@pytest.fixture(scope="module")
def standings(make_sample: MakeSample) -> list[Standing]:
    rng = np.random.default_rng(2)
    base = rng.normal(28, 3, (40, 1))
    return [stand(make_sample(np.round(base + rng.normal(0, 0.5, (40, 25)), 6), m)) for m in (PSNR, LPIPS)]


def test_page_shows_each_model_once_a_table_and_escapes_names(standings: list[Standing]) -> None:
    page = comparison.to_html(standings, 4, NAMES)
    assert page.count('<th class="left" scope="row">') == 50
    assert "<&>" not in page and page.count("Model 3 &lt;&amp;&gt; (trained here)</th>") == 2
    assert "http" not in page and "src=" not in page


def test_page_says_where_too_few_images_are(make_sample: MakeSample) -> None:
    part = comparison.ladder(stand(make_sample(np.random.default_rng(0).normal(size=(5, 4)))), NAMES)
    assert "from 8 images on" in part.facts[0]
    assert not any("p =" in text or "p <" in text for text in part.facts)
    assert not any(line.best.p for line in part.lines if line.best)
    assert {line.best.verdict for line in part.lines if line.best} == {"too few images"}


def test_against_is_the_models_own_view(make_sample: MakeSample) -> None:
    a = np.linspace(28, 33, 12)
    standing = stand(make_sample(np.stack([a - 0.5, a - np.linspace(0.1, 0.2, 12), a], axis=1)))
    worst = comparison.ladder(standing, NAMES).lines[-1]
    assert worst.best is not None and worst.above is not None
    assert (worst.best.difference, worst.best.images, worst.best.effect) == ("−0.500", "0 / 0 / 12", "−1.00")
    assert worst.best.verdict == "▼ worse"
    assert comparison.against(standing.comparison, 2, 0, list("abc")).difference == "+0.500"


@pytest.mark.parametrize(
    ("value", "text"), [(-0.0001, "0.000"), (0.25, "+0.250"), (math.inf, "+inf"), (math.nan, "—")]
)
def test_signed(value: float, text: str) -> None:
    assert shown_measures.show_gap(value, PSNR) == text


def test_diagram_is_the_same_bytes_and_has_room_for_25_models(
    standings: list[Standing], tmp_path: Path
) -> None:
    files = [critical_difference(standings, NAMES, 4, tmp_path / f"{i}.svg") for i in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert critical_difference([], NAMES, 4, tmp_path / "none.svg").stat().st_size > 500
