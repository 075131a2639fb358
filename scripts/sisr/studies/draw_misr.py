"""Figures of the study of super-resolution from several frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sisr.report.figures import style
from sisr.studies.common import curve, mean
from sisr.studies.misr import BICUBIC, FRAMES, MANY, METHODS, NOISE, MisrResult, best_network
from sisr.studies.panels import corner, drawing, grid_of, image_rows

_COLOURS = style.model_colours(METHODS)
_MARKERS = style.model_markers(METHODS)


def draw_curves(result: MisrResult, out: Path) -> None:
    """PSNR against the number of frames, the noise, and the error of registration."""
    rows = result.rows
    panels = (
        ("frames", "known shifts", "Frames", "frames"),
        ("noise in levels", "known shifts", f"Noise, {MANY} frames", "standard deviation in 8-bit levels"),
        ("error in HR pixels", "wrong shifts", f"Wrong shifts, {MANY} frames", "error in HR pixels an axis"),
    )
    network = best_network(rows)
    with drawing(out, 3.9) as figure:
        axes = figure.subplots(1, 3, sharey=True)
        for axis, (parameter, part, title, label) in zip(axes, panels, strict=True):
            for method in METHODS:
                at, value = curve(rows, part=part, parameter=parameter, method=method)
                style_of = {"color": _COLOURS[method], "marker": _MARKERS[method], "markersize": 4.5}
                axis.plot(at, value, label=method, **style_of)
                if part == "known shifts":
                    at, value = curve(rows, part="estimated shifts", parameter=parameter, method=method)
                    ring = style_of | {"markersize": 8, "markerfacecolor": "none", "linestyle": "none"}
                    axis.plot(at, value, **ring)
            for line, name in (("--", BICUBIC), (":", network)):
                if name is None:
                    continue
                if parameter == "noise in levels":
                    axis.plot(*curve(rows, part="one frame", method=name), line, color=style.INK, label=name)
                else:
                    level = mean(rows, part="one frame", method=name, at=NOISE)
                    axis.axhline(level, linestyle=line, color=style.INK)
            grid_of(axis, title, label, "PSNR (dB)" if axis is axes[0] else "")
        axes[0].set_xscale("log", base=2)
        axes[0].set_xticks(FRAMES, [str(count) for count in FRAMES])
        axes[0].text(
            0.97, 0.03, "open marks: estimated shifts", fontsize=8, color=style.SOFT, ha="right",
            transform=axes[0].transAxes,
        )  # fmt: skip
        handles, labels = axes[1].get_legend_handles_labels()
        labels = [f"{name}, one frame" if name == network else name for name in labels]
        figure.legend(handles, labels, frameon=False, fontsize=8, ncols=6, loc="outside lower center")


def draw_images(result: MisrResult, out: Path) -> None:
    """A crop as it was, from one frame, and from many with estimated shifts."""
    side = 72
    top, left = corner(result.images["truth"], side)
    one = [name for name in result.images if name not in (*METHODS, "truth")]
    crops, titles = {}, {"truth": f"{result.image}\noriginal"}
    for name in ("truth", *one, *METHODS):
        crops[name] = np.clip(result.images[name][top : top + side, left : left + side], 0, 1)
        if name != "truth":
            frames = f"{MANY} frames" if name in METHODS else "one frame"
            head = name if name == BICUBIC else f"{name}, {frames}"
            titles[name] = f"{head}\n{result.quality[name]:.2f} dB"
    names = list(crops)
    half = -(-len(names) // 2)
    parts = [names[:half], names[half:]]
    image_rows(out, [{n: crops[n] for n in part} for part in parts], [titles, titles])
