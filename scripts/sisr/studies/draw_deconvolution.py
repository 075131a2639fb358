"""Figures of the study of deconvolution."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sisr.report.figures import style
from sisr.studies.common import curve, psnr
from sisr.studies.deconvolution import (
    BLUR,
    CURES,
    NOISE,
    RINGS,
    DeconvolutionResult,
    divide,
    otf_of,
    ring_means,
    windowed_power,
)
from sisr.studies.panels import corner, drawing, grid_of, image_rows, show_image

_SHOWN = ["division", *CURES]
_COLOURS = style.model_colours(_SHOWN)
_MARKERS = style.model_markers(_SHOWN)
#: Gains below this leave the plot, in dB.
_LOWEST = -6.0


def draw_spectra(result: DeconvolutionResult, out: Path) -> None:
    """Spectra of the image, the filter and the quotient, in logarithms, as the FFT has them and shifted."""
    otf = otf_of(result.psf, result.observed.shape)
    truth, observed = result.images["truth"], result.observed
    panels = [
        ("sharp image, as the FFT has it", np.fft.fft2(truth), False),
        ("the same, frequency 0 in the middle", np.fft.fft2(truth), True),
        ("filter, as the FFT has it", otf, False),
        ("filter, shifted", otf, True),
        ("blurred image with noise", np.fft.fft2(observed), True),
        ("divided by the filter", np.fft.fft2(divide(observed, otf)), True),
    ]
    with drawing(out, 4.75) as figure:
        grid = figure.add_gridspec(2, 4)
        places = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]
        for (row, column), (title, spectrum, shifted) in zip(places, panels, strict=True):
            shown = np.log10(np.maximum(np.abs(spectrum), 1e-6))
            limits = (-6, 0) if title.startswith("filter") else (-2, 4)
            show_image(
                figure.add_subplot(grid[row, column]), np.fft.fftshift(shown) if shifted else shown, title,
                cmap="magma", vmin=limits[0], vmax=limits[1],
            )  # fmt: skip
        axis = figure.add_subplot(grid[1, 2:])
        divided = divide(observed, otf)
        f = np.arange(RINGS + 1) / (2 * RINGS)
        for label, power, colour in (
            ("sharp", windowed_power(truth), style.INK),
            ("blurred, with noise", windowed_power(observed), "#0072b2"),
            ("divided", windowed_power(divided), "#d55e00"),
            ("filter", np.abs(otf) ** 2, "#009e73"),
        ):
            level = ring_means(power)[: RINGS + 1]
            axis.plot(f[1:], level[1:], color=colour, label=label, linewidth=1.4)
        axis.set_yscale("log")
        axis.set_ylim(1e-11, 1e12)
        grid_of(axis, "Power, mean over rings", "cycles per pixel", "power")
        axis.legend(frameon=False, fontsize=7.5, ncols=2, loc="upper left")


def draw_curves(result: DeconvolutionResult, out: Path) -> None:
    """Gain over the blurred image against the blur's width and the noise."""
    with drawing(out, 3.9) as figure:
        axes = figure.subplots(1, 2, sharey=True)
        titles = {
            "blur in pixels": (f"Noise of {NOISE:g} level", "standard deviation of the blur in pixels"),
            "noise in levels": (
                f"Blur of {BLUR:g} pixels",
                "standard deviation of the noise in 8-bit levels",
            ),
        }
        lost: list[float] = []
        for axis, (parameter, (title, label)) in zip(axes, titles.items(), strict=True):
            at, base = curve(result.rows, part="cure", parameter=parameter, method="blurred")
            for method in _SHOWN:
                _, value = curve(result.rows, part="cure", parameter=parameter, method=method)
                lost += list(value - base) if method == "division" else []
                gain = np.where(value - base < _LOWEST, np.nan, value - base)
                axis.plot(
                    at, gain, color=_COLOURS[method], marker=_MARKERS[method], markersize=4.5, label=method
                )
            axis.axhline(0, color=style.INK, linewidth=0.9)
            axis.set_ylim(_LOWEST, None)
            grid_of(axis, title, label, "PSNR less that of the blurred image (dB)" if axis is axes[0] else "")
        axes[0].text(
            0.03, 0.04, f"division without regularisation: {min(lost):.0f} to {max(lost):.0f} dB", fontsize=8,
            transform=axes[0].transAxes, color=style.SOFT,
        )  # fmt: skip
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles[1:], labels[1:], frameon=False, fontsize=8, ncols=4, loc="outside lower center")


def draw_images(result: DeconvolutionResult, out: Path) -> None:
    """A crop as it was, blurred, divided, and after each cure."""
    truth = result.images["truth"]
    top, left = corner(truth, 96)
    crops, titles = {}, {}
    for name, found in result.images.items():
        crops[name] = np.clip(found[top : top + 96, left : left + 96], 0, 1)
        titles[name] = name if name == "truth" else f"{name}\n{psnr(truth, found):.2f} dB"
    titles["truth"] = f"{result.image}\nsharp"
    del crops["Wiener without tapering"]
    names = list(crops)
    halves = [names[:5], names[5:]]
    image_rows(out, [{n: crops[n] for n in half} for half in halves], [titles, titles])
