"""Figures of the study of metrics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sisr.base.colour import replicate
from sisr.base.images import read_image
from sisr.report.figures import style
from sisr.report.figures.crop_choice import pick_region
from sisr.studies.common import curve
from sisr.studies.evaluation import DISTORTIONS, EvaluationResult, correlations, one_of_each
from sisr.studies.panels import drawing, grid_of, show_image


def draw_curves(result: EvaluationResult, out: Path) -> None:
    """A row a metric, a column a distortion; thin lines are the images, the thick one their mean."""
    scored = {row.measure for row in result.rows if row.part == "distortion"}
    measures = one_of_each([m for m in result.measures if m.label in scored])
    with drawing(out, 0.5 + 1.75 * len(measures)) as figure:
        axes = figure.subplots(len(measures), len(DISTORTIONS), squeeze=False, sharey="row", sharex="col")
        for line, measure in zip(axes, measures, strict=True):
            for axis, (kind, (unit, _)) in zip(line, DISTORTIONS.items(), strict=True):
                wanted = {"part": "distortion", "method": kind, "measure": measure.label}
                names = dict.fromkeys(r.image for r in result.rows if r.part == "distortion")
                for name in names:
                    axis.plot(*curve(result.rows, image=name, **wanted), color=style.GRID, linewidth=1)
                axis.plot(*curve(result.rows, **wanted), color="#0072b2", marker="o", markersize=3)
                if kind == "contrast":
                    axis.axvline(1, color=style.SOFT, linewidth=0.8, linestyle="--")
                if kind == "noise":
                    axis.set_xscale("log")
                arrow = {"higher": "↑", "lower": "↓"}.get(measure.direction, "")
                label = f"{measure.label} {arrow}" + (f" ({measure.unit})" if measure.unit else "")
                first, last = measure is measures[0], measure is measures[-1]
                grid_of(
                    axis, kind.capitalize() if first else "", unit if last else "",
                    label if axis is line[0] else "",
                )  # fmt: skip
                axis.xaxis.label.set_fontsize(8)


def draw_agreement(result: EvaluationResult, out: Path, labels: Mapping[str, str]) -> None:
    """Rank correlations between measures, and the models of one LR set by two of them."""
    one, other = result.pair
    with drawing(out, 4.1) as figure:
        heat, plane = figure.subplots(1, 2, width_ratios=[1, 1.25])
        table = correlations(result)
        heat.imshow(np.ma.masked_invalid(table), cmap="RdBu", vmin=-1, vmax=1)
        for (i, j), rho in np.ndenumerate(table):
            text = "–" if np.isnan(rho) else f"{rho:.2f}".replace("-", "−")
            heat.text(j, i, text, ha="center", va="center", color="white" if abs(rho) > 0.6 else style.INK)
        names = [m.label for m in result.measures]
        heat.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
        heat.set_yticks(range(len(names)), names)
        heat.tick_params(length=0)
        heat.spines[:].set_visible(False)
        heat.set_title("Rank correlation over models", loc="left", pad=8)
        points = {m: v for m, v in result.models.items() if one.id in v and other.id in v}
        colours, markers = style.model_colours(points), style.model_markers(points)
        for model, value in points.items():
            plane.plot(
                value[one.id], value[other.id], color=colours[model], marker=markers[model], linestyle="none",
                markersize=8, label=labels.get(model, model),
            )  # fmt: skip
        if other.direction == "lower":
            plane.invert_yaxis()
        grid_of(plane, f"{result.lr_set}: better is right and up", one.label, other.label)
        if points:
            columns = -(-len(points) // 12)
            plane.legend(
                frameon=False, fontsize=7.5, loc="center left", bbox_to_anchor=(1, 0.5), ncols=columns
            )


def draw_contradictions(
    result: EvaluationResult, out: Path, hr: Mapping[str, Path], sr: Mapping[str, Mapping[str, Path]],
    labels: Mapping[str, str], scale: int,
) -> None:  # fmt: skip
    """The images on which two measures contradict each other most: HR, and both models where they differ."""
    one, other = result.pair
    cases = result.contradictions
    with drawing(out, 2.85 * max(1, len(cases))) as figure:
        if not cases:
            figure.text(0.5, 0.5, "No two models are put in another order by the two measures.", ha="center")
            return
        axes = figure.subplots(len(cases), 3, squeeze=False)
        for line, case in zip(axes, cases, strict=True):
            paths = {model: sr[case.image][model] for model in (case.first, case.second)}
            box = pick_region(hr[case.image], paths, scale)
            cut = np.s_[box.y : box.y + box.h, box.x : box.x + box.w]
            show_image(line[0], replicate(read_image(hr[case.image]).array)[cut], f"{case.image}, HR\n")
            for axis, (model, path) in zip(line[1:], paths.items(), strict=True):
                values = case.values[model]
                better = one.label if model == case.first else other.label
                text = ", ".join(f"{m.label} {values[m.id]:.{m.digits}f}" for m in (one, other))
                title = f"{labels.get(model, model)}: better by {better}\n{text}"
                show_image(axis, replicate(read_image(path).array)[cut], title)
