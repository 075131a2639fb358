"""The loss study: one generator under several losses, as a figure of the same crops.

Its table and its perception-distortion plot are those of every run: the networks are models like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis.shown_measures import show
from sisr.base.errors import ScoreError
from sisr.report.figures.crop_choice import Region
from sisr.scoring.metrics.protocol import Measure

if TYPE_CHECKING:
    import pandas as pd

HR = "HR"


@dataclass(frozen=True)
class LossStudy:
    """Section ``loss_study`` of a config: model -> heading of its column, in their order, and dataset ->
    image -> regions (x, y, width, height) in HR pixels."""

    networks: Mapping[str, str]
    regions: Mapping[str, Mapping[str, Sequence[Sequence[int]]]]


def draw(
    study: LossStudy,
    scores: pd.DataFrame,
    scale: int,
    hr: Mapping[str, Path],
    sr: Mapping[tuple[str, str], Path],
    measures: Sequence[Measure],
    out: Path,
) -> Path:
    """Draw HR and the networks' output side by side.

    Parameters
    ----------
    scores : those of one scale and kernel
    hr : dataset -> folder of its HR images
    sr : (dataset, model) -> folder of its SR images
    measures : what stands below a crop; of the whole image
    """
    from sisr.report.figures.training_curves import crops_side_by_side

    rows = [
        (dataset, image, Region(*region))
        for dataset, images in study.regions.items()
        for image, several in images.items()
        for region in several
    ]
    below: dict[tuple[str, str], str] = {}
    for dataset, image, _ in rows:
        below[HR, image] = f"{image}, ×{scale}"
        for model, heading in study.networks.items():
            here = scores[
                (scores["dataset"] == dataset) & (scores["image"] == image) & (scores["model"] == model)
            ]
            keys = here["metric"] + "@" + here["protocol"]
            values = dict(zip(keys, here["value"], strict=True))
            if not values:
                raise ScoreError(f"loss_study: {dataset}/{image} of {model} has no score at x{scale}")
            shown = [m for m in measures if m.id in values]
            texts = [f"{m.label} {show(values[m.id], m)}{f' {m.unit}' if m.unit else ''}" for m in shown]
            below[heading, image] = ", ".join(texts)
    folders = [
        (HR, hr),
        *((head, {d: sr[d, m] for d in study.regions}) for m, head in study.networks.items()),
    ]
    columns = [
        (heading, {image: of[dataset] / f"{image}.png" for dataset, image, _ in rows})
        for heading, of in folders
    ]
    return crops_side_by_side(columns, [(image, region) for _, image, region in rows], out, below=below)
