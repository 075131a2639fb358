"""Figures of the study of interpolation."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sisr.lr.kernels.matlab import KERNELS
from sisr.report.figures import style
from sisr.studies.common import curve
from sisr.studies.interpolation import METHODS, SAMPLES, SCALE, InterpolationResult, interpolate, response
from sisr.studies.panels import corner, drawing, grid_of, image_rows

_COLOURS = style.model_colours(METHODS)


def draw_kernels(out: Path) -> None:
    """Kernels, their frequency responses, and the curves that they draw through the same samples."""
    with drawing(out, 5.6) as figure:
        grid = figure.add_gridspec(2, 2)
        shapes, gains = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
        x, f = np.linspace(-3.2, 3.2, 1281), np.linspace(0, 2, 401)
        for method, name in METHODS.items():
            shapes.plot(x, KERNELS[name].function(x), color=_COLOURS[method], label=method)
            gain = np.abs(response(method, f))
            gains.plot(f, 20 * np.log10(np.maximum(gain, 1e-6)), color=_COLOURS[method])
        gains.axvline(0.5, color=style.SOFT, linewidth=0.8, linestyle="--")
        gains.text(0.53, 3, "Nyquist frequency of LR", color=style.SOFT, fontsize=8)
        gains.set_ylim(-60, 8)
        grid_of(shapes, "Kernels", "distance in LR samples", "weight")
        grid_of(gains, "Frequency responses", "cycles per LR sample", "gain (dB)")
        shapes.legend(frameon=False, fontsize=8)
        curves = figure.add_subplot(grid[1, :])
        factor = 32
        at = (np.arange(len(SAMPLES) * factor) + 0.5) / factor - 0.5
        for method in METHODS:
            curves.plot(at, interpolate(SAMPLES, method, factor), color=_COLOURS[method], label=method)
        curves.plot(np.arange(len(SAMPLES)), SAMPLES, "o", color=style.INK, markersize=5, zorder=5)
        curves.set_xticks(np.arange(len(SAMPLES)))
        grid_of(curves, "Curves through the same samples", "LR sample", "value")


def draw_errors(result: InterpolationResult, out: Path) -> None:
    """Error against frequency: of sines and of the zone plate, and of images."""
    with drawing(out, 3.3) as figure:
        sines, spectra = figure.subplots(1, 2)
        for method in METHODS:
            colour = _COLOURS[method]
            sines.plot(*curve(result.rows, part="sine", method=method), color=colour, label=method)
            at, error = curve(result.rows, part="zone plate", method=method)
            sines.plot(at, error, "o", color=colour, markersize=4)
            at, error = curve(result.rows, part="spectrum", method=method, measure="error over signal")
            spectra.plot(at, error, color=colour, marker=".", markersize=4)
        sines.set_yscale("log")
        sines.set_ylim(1e-5, 3)
        spectra.axvline(0.5, color=style.SOFT, linewidth=0.8, linestyle="--")
        spectra.axhline(1, color=style.SOFT, linewidth=0.8)
        spectra.set_yscale("log")
        spectra.set_ylim(1e-4, 20)
        grid_of(sines, "Sines (lines) and zone plate (dots)", "cycles per LR sample", "squared error / power")
        grid_of(spectra, f"Images at ×{SCALE}, mean", "cycles per LR sample", "squared error / power")
        spectra.text(0.53, 3e-4, "above the Nyquist\nfrequency of LR", color=style.SOFT, fontsize=8)
        sines.legend(frameon=False, fontsize=8, loc="lower right")


def draw_images(result: InterpolationResult, out: Path) -> None:
    """The zone plate and a crop of an image: the original, then each method."""
    quarter = next(iter(result.plates.values())).shape[0] // 2
    plates = {name: plate[quarter:, quarter:] for name, plate in result.plates.items()}
    side = 96
    top, left = corner(result.crops["truth"], side)
    crops = {name: crop[top : top + side, left : left + side] for name, crop in result.crops.items()}
    of_image = [row for row in result.rows if row.part == "image" and row.image == result.image]
    labels = {row.method: f"{row.method}, {row.value:.2f} dB" for row in of_image}
    image_rows(
        out,
        [plates, crops],
        [{"truth": "zone plate, a quarter"}, {"truth": f"{result.image}, HR"} | labels],
    )
