"""Figures about training: curves, and the same crops from networks that differ in their loss."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sisr.base.errors import ConfigError
from sisr.base.images import read_image
from sisr.report.figures import style
from sisr.report.figures.crop_choice import Region
from sisr.report.figures.plots import empty_figure, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Names of BasicSR's losses for people; those of the discriminator are left to the CSV.
_LOSSES = {
    "l_pix": "pixel",
    "l_g_pix": "pixel",
    "l_percep": "perceptual",
    "l_g_percep": "perceptual",
    "l_g_gan": "adversarial",
}


def curves(histories: Mapping[str, Sequence[Mapping[str, float]]], out: Path) -> Path:
    """Loss and validation PSNR-Y over the iterations, a row of two panels for each training.

    ``histories``: label -> rows of :func:`sisr.training.curves.read_csv`.  Each term of a loss is shown.
    """
    with style.applied():
        if not histories:
            return style.save(empty_figure("Nothing was trained"), out)
        figure = new_figure(style.WIDTH, 0.2 + 2.1 * len(histories))
        axes = figure.subplots(len(histories), 2, squeeze=False)
        for (label, rows), (left, right) in zip(histories.items(), axes, strict=True):
            _losses(left, rows)
            left.set_title(label, loc="left")
            shown = [row for row in rows if "psnr_y" in row]
            if shown:
                right.plot(*_xy(shown, "psnr_y"), color=style.model_colours(["psnr"])["psnr"], marker=".")
                right.set_ylabel("validation PSNR-Y (dB)")
                right.grid()
            else:
                right.set_axis_off()
                right.text(0.5, 0.5, "no validation images", ha="center", color=style.SOFT)
        for axis in axes[-1]:
            axis.set_xlabel("iteration")
        return style.save(figure, out)


def _losses(axis: Axes, rows: Sequence[Mapping[str, float]]) -> None:
    terms = [name for name in _LOSSES if name in rows[0]]
    names = ["loss", *terms] if len(terms) > 1 else ["loss"]
    colours = style.model_colours(["psnr", "loss", "a", "b", "c"])
    for name, place in zip(names, ("loss", "a", "b", "c"), strict=False):
        axis.plot(
            *_xy(rows, name), color=colours[place], marker=".", label=_LOSSES.get(name, "sum"),
            linewidth=1.6 if name == "loss" else 1,
        )  # fmt: skip
    axis.set_yscale("log")
    axis.set_ylabel("training loss")
    axis.grid()
    if len(names) > 1:
        # Room above the lines, where none runs through it.
        bottom, top = axis.get_ylim()
        axis.set_ylim(bottom, top * (top / bottom) ** 0.2)
        axis.legend(fontsize=7.5, frameon=False, ncols=len(names), loc="upper right", borderaxespad=0.1)


def _xy(rows: Sequence[Mapping[str, float]], name: str) -> tuple[list[float], list[float]]:
    return [row["iteration"] for row in rows], [row[name] for row in rows]


def crops_side_by_side(
    columns: Sequence[tuple[str, Mapping[str, Path]]],
    regions: Sequence[tuple[str, Region]],
    out: Path,
    *,
    below: Mapping[tuple[str, str], str],
) -> Path:
    """Crops of images, a row each, in columns HR, without GAN, with GAN; enlarged by whole pixels.

    ``columns``: heading, and image name -> file; ``regions``: image name and region; ``below``: what stands
    under the crop of (heading, image).  Raises :class:`ConfigError` for a region outside its image.
    """
    with style.applied():
        side = style.WIDTH / len(columns)
        heights = [side * region.h / region.w + 0.28 for _, region in regions]
        figure = new_figure(style.WIDTH, 0.45 + sum(heights))
        axes = figure.subplots(
            len(regions), len(columns), squeeze=False, gridspec_kw={"height_ratios": heights}
        )
        for line, (image, region) in zip(axes, regions, strict=True):
            for axis, (heading, files) in zip(line, columns, strict=True):
                _crop(axis, files[image], region)
                axis.set_xlabel(below.get((heading, image), ""), fontsize=8.5)
        for axis, (heading, _) in zip(axes[0], columns, strict=True):
            axis.set_title("\n".join(textwrap.wrap(heading, 36)))
        return style.save(figure, out)


def _crop(axis: Any, file: Path, region: Region) -> None:
    pixels = read_image(file).array
    if region.y + region.h > pixels.shape[0] or region.x + region.w > pixels.shape[1]:
        size = f"{pixels.shape[1]}x{pixels.shape[0]}"
        raise ConfigError(f"loss_study.regions: {file.stem}: {list(region)} is outside its {size}")
    cut = pixels[region.y : region.y + region.h, region.x : region.x + region.w]
    rgb = cut if cut.ndim == 3 else np.repeat(cut[..., None], 3, axis=2)
    axis.imshow(rgb, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)
