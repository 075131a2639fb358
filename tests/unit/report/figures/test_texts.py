"""Texts of figures are texts: labels with signs of TeX, and powers of ten on logarithmic axes."""

from __future__ import annotations

from pathlib import Path

import pytest
from sisr.report.figures import plots, style

LABELS = [r"A $\nothing$ B", "$x_1$", "100 % & #1", r"\$5\$", "{x} ^2"]


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_a_label_is_drawn_as_it_is_written(tmp_path: Path, kind: str) -> None:
    with style.applied():
        figure = plots.new_figure(5, 3)
        axis = figure.subplots()
        axis.barh(LABELS, range(1, 6))
        axis.set_title(LABELS[0])
        axis.set_xscale("log")
        axis.set_xlim(1e-3, 1e4)
        style.save(figure, tmp_path / f"labels.{kind}")
        assert [text.get_text() for text in axis.get_yticklabels()] == LABELS
        powers = [text.get_text() for text in axis.get_xticklabels()]
    assert {"10⁻³", "10⁰", "10⁴"} <= {*powers}
