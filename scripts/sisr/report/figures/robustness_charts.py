"""Figures of models against LR kernels: a heat map of differences, and the models' order on each kernel.

Both have a row for each kernel, so that names of any length can be read, and a column or line for each model.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sisr.analysis.robustness import Matrix
from sisr.analysis.shown_measures import show, signed
from sisr.report.figures import style
from sisr.report.figures.plots import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from sisr.report.shown_run import Names

#: Inches: height of a kernel's row, widest column of a model, longest line of a kernel's label in characters.
_ROW, _COLUMN, _LABEL = 0.235, 1.05, 34


def heat_map(matrices: Sequence[Matrix], shown: Names, scale: int, out: Path) -> Path:
    """Differences to the reference kernel: a panel per dataset, a row per kernel, a column per model.

    The first row has the means on the reference kernel; the others the signed difference of the same model to
    it.  Colour is the square root of the difference, so that a tenth of a dB is seen beside ten; all panels
    share it (blue better, red worse).  An infinite or missing value is a gray cell.
    """
    with style.applied():
        measure = matrices[0].measure
        reach = max(float(np.nanmax(np.abs(matrix.gaps), initial=0.0)) for matrix in matrices) or 1.0
        heights = [0.95 + _ROW * _lines(matrix, shown.kernels) for matrix in matrices]
        figure = new_figure(style.WIDTH, sum(heights) + 0.75)
        axes = figure.subplots(len(matrices), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axis, matrix in zip(axes, matrices, strict=True):
            _heat(axis, matrix, reach)
            _kernel_names(axis, matrix, shown.kernels)
            _model_names(axis, [shown.models.get(model, model) for model in matrix.models])
            axis.set_xlim(-0.5, max(len(matrix.models), style.WIDTH * 0.66 / _COLUMN) - 0.5)
            axis.set_title(_heading(matrix, shown, scale), loc="left", pad=8)
        first = shown.kernels.get(matrices[0].kernels[0], matrices[0].kernels[0])
        _colour_bar(figure, axes, reach, f"{measure.label} less that on {first} LR", measure.unit)
        return style.save(figure, out)


def _heat(axis: Axes, matrix: Matrix, reach: float) -> None:
    gaps, measure = matrix.gaps, matrix.measure
    sign = 1 if measure.direction == "higher" else -1
    axis.imshow(
        _stretch(np.ma.masked_invalid(sign * gaps)), cmap=_colours(), vmin=-_stretch(reach),
        vmax=_stretch(reach), aspect="auto", interpolation="nearest",
    )  # fmt: skip
    axis.set_facecolor("#eceff2")
    for (row, column), gap in np.ndenumerate(gaps):
        value = float(matrix.values[row, column])
        text = show(value, measure) if row == 0 or not np.isfinite(gap) else signed(gap, measure.digits)
        dark = row > 0 and np.isfinite(gap) and abs(_stretch(gap)) > 0.66 * _stretch(reach)
        axis.text(
            column, row, text, ha="center", va="center", fontsize=7.5,
            color="white" if dark else style.INK, fontweight="bold" if row == 0 else "normal",
        )  # fmt: skip
    # White lines between cells; a thicker one below the reference.
    axis.set_xticks(np.arange(len(matrix.models) + 1) - 0.5, minor=True)
    axis.set_yticks(np.arange(len(matrix.kernels) + 1) - 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=1.2)
    axis.axhline(0.5, color=style.SOFT, linewidth=1.2)
    axis.tick_params(which="both", length=0)
    for side in axis.spines.values():
        side.set_visible(False)


def _stretch(value: Any) -> Any:
    return np.sign(value) * np.sqrt(np.abs(value))


def _colours() -> Any:
    import matplotlib as mpl

    return mpl.colormaps["RdBu"].with_extremes(bad="#eceff2")


def _colour_bar(figure: Figure, axes: np.ndarray, reach: float, label: str, unit: str) -> None:
    # At least a tenth of an inch thick: its length goes with it, and the numbers need room below few kernels.
    fraction = max(0.03, 0.1 / (_ROW * axes[0].images[0].get_array().shape[0]))
    bar = figure.colorbar(
        axes[0].images[0],
        ax=axes,
        orientation="horizontal",
        fraction=fraction,
        pad=0.02,
        aspect=50,
        shrink=0.6,
    )
    steps = [s for s in (0.1, 0.5, 1, 2, 5, 10, 20) if 0.02 * reach < s <= reach][-4:] or [round(reach, 3)]
    ticks = [-s for s in reversed(steps)] + [0, *steps]
    bar.set_ticks(
        [float(_stretch(float(tick))) for tick in ticks],
        labels=[f"{tick:g}".replace("-", "−") for tick in ticks],
    )
    bar.set_label(f"{label}{f' ({unit})' if unit else ''}; blue is better")
    bar.outline.set_visible(False)


# --- order of the models --------------------------------------------------------------------------------


def rank_chart(matrices: Sequence[Matrix], shown: Names, scale: int, out: Path) -> Path:
    """Place of each model on each kernel: the best at the left, a line a model, crossings are rank flips."""
    colours, markers = style.model_colours(shown.models), style.model_markers(shown.models)
    with style.applied():
        heights = [1.6 + _ROW * 1.15 * _lines(matrix, shown.kernels) for matrix in matrices]
        figure = new_figure(style.WIDTH, sum(heights))
        axes = figure.subplots(len(matrices), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axis, matrix in zip(axes, matrices, strict=True):
            places = _places(matrix)
            rows = np.arange(len(matrix.kernels))
            for column in matrix.ranked:
                model = matrix.models[column]
                axis.plot(
                    places[:, column], rows, marker=markers[model], color=colours[model], linewidth=1.5,
                    markersize=6.5, markeredgecolor="white", markeredgewidth=0.6, solid_joinstyle="round",
                )  # fmt: skip
            _kernel_names(axis, matrix, shown.kernels)
            axis.set_ylim(len(rows) - 0.5, -0.5)
            axis.set_xlim(0.3, max(len(matrix.ranked), style.WIDTH * 0.66 / _COLUMN) + 0.7)
            labels = [shown.models.get(model, model) for model in matrix.models]
            order = sorted(matrix.ranked, key=lambda column: places[0, column])
            _names_at(axis, places[0, order], [labels[c] for c in order])
            last = sorted(matrix.ranked, key=lambda column: places[-1, column])
            bottom = axis.secondary_xaxis("bottom")
            bottom.set_xticks(
                places[-1, last], [labels[c] for c in last], rotation=40,
                ha="right", rotation_mode="anchor", fontsize=7.5,
            )  # fmt: skip
            bottom.tick_params(length=0)
            bottom.spines[:].set_visible(False)
            axis.grid(axis="y")
            axis.spines[:].set_visible(False)
            axis.tick_params(length=0)
            axis.set_title(f"{_heading(matrix, shown, scale)}: best at the left", loc="left", pad=8)
        return style.save(figure, out)


def _places(matrix: Matrix) -> np.ndarray:
    """Ranks in which equal ones lie side by side, in the order of the models."""
    places = matrix.ranks.astype(float)
    for row in range(len(places)):
        order = sorted(matrix.ranked, key=lambda column: (matrix.ranks[row, column], column))
        for place, column in enumerate(order, start=1):
            places[row, column] = place
    return places


# --- shared ---------------------------------------------------------------------------------------------


def _heading(matrix: Matrix, shown: Names, scale: int) -> str:
    unit = f" ({matrix.measure.unit})" if matrix.measure.unit else ""
    return f"{shown.groups.get(matrix.group, matrix.group)}, {matrix.measure.label}{unit}, ×{scale}"


def _lines(matrix: Matrix, kernels: Mapping[str, str]) -> float:
    return max(3, sum(1 + 0.5 * name.count("\n") for name in _wrapped(matrix, kernels)))


def _wrapped(matrix: Matrix, kernels: Mapping[str, str]) -> list[str]:
    return [textwrap.fill(kernels.get(kernel, kernel), _LABEL) for kernel in matrix.kernels]


def _kernel_names(axis: Axes, matrix: Matrix, kernels: Mapping[str, str]) -> None:
    axis.set_yticks(range(len(matrix.kernels)), _wrapped(matrix, kernels), fontsize=8)


def _model_names(axis: Axes, names: Sequence[str]) -> None:
    _names_at(axis, np.arange(len(names)), names)


def _names_at(axis: Axes, places: np.ndarray, names: Sequence[str]) -> None:
    axis.set_xticks(places, names, rotation=40, ha="left", rotation_mode="anchor", fontsize=8)
    axis.tick_params(axis="x", labeltop=True, labelbottom=False, top=False, bottom=False)
