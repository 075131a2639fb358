"""What metrics see: their curves under known distortions, and how far they agree on the models of a run."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sisr.base import registry
from sisr.base.colour import Uint8Image
from sisr.base.images import write_png
from sisr.base.manifest import Manifest
from sisr.scoring.metrics import Measure, parse_measures
from sisr.scoring.score import Evaluation, Pair, score_pairs
from sisr.studies.common import Floats, StudyImage, StudyRow, curve

if TYPE_CHECKING:
    import pandas as pd

SIDE = 240
#: Pixels of image that distortions may look at beyond what is scored.
MARGIN = 24
#: Distortion -> its unit and strengths; 0 (1 for contrast) is no distortion and is left out.
DISTORTIONS: dict[str, tuple[str, tuple[float, ...]]] = {
    "shift": ("pixels to the right", (0.25, 0.5, 1, 1.5, 2, 3, 4)),
    "blur": ("standard deviation in pixels", (0.4, 0.7, 1, 1.5, 2, 3, 4)),
    "noise": ("standard deviation in levels", (1, 2, 5, 10, 20, 40)),
    "contrast": ("times the deviation from the mean", (0.5, 0.7, 0.85, 0.95, 1.05, 1.15, 1.3)),
}
#: Border of the fidelity measures is that of this scale.
_SCALE = 4

# --- distortions ----------------------------------------------------------------------------------------


def distort(scene: Uint8Image, kind: str, strength: float, seed: int = 0) -> Uint8Image:
    """The inside of a scene (``MARGIN`` less at each side) after one distortion, uint8 (h, w, 3)."""
    from scipy import ndimage

    values = scene.astype(np.float64)
    if kind == "shift":
        planes = [
            ndimage.shift(plane, (0, strength), order=5, mode="mirror") for plane in np.moveaxis(values, 2, 0)
        ]
        values = np.stack(planes, axis=2)
    elif kind == "blur":
        values = ndimage.gaussian_filter(values, (strength, strength, 0), mode="mirror")
    elif kind == "noise":
        values = values + np.random.default_rng(seed).normal(0, strength, values.shape)
    else:
        values = values.mean() + strength * (values - values.mean())
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)[MARGIN:-MARGIN, MARGIN:-MARGIN]


def one_a_metric(measures: Sequence[str]) -> tuple[Measure, ...]:
    """The first measure of each metric that compares with HR."""
    entries = registry.load("metrics")
    found: dict[str, Measure] = {}
    for measure in parse_measures(measures):
        if entries[measure.metric].get("reference", "full") == "full":
            found.setdefault(measure.metric, measure)
    return tuple(found.values())


def distortion_rows(
    images: Sequence[StudyImage], measures: Sequence[Measure], files: Mapping[str, Path]
) -> list[StudyRow]:
    """Scores of every image under every distortion."""
    jobs: list[tuple[str, str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        pairs = []
        for image in images:
            hr = Path(name, f"{image.name}.png")
            write_png(hr, image.rgb[MARGIN:-MARGIN, MARGIN:-MARGIN])
            for kind, (_, strengths) in DISTORTIONS.items():
                for strength in strengths:
                    path = Path(name, f"{image.name}_{kind}_{strength:g}.png")
                    write_png(path, distort(image.rgb, kind, strength))
                    pairs.append(Pair(image.name, hr, path))
                    jobs.append((image.name, kind, strength))
        scores = iter(score_pairs(pairs, _SCALE, Evaluation(measures, files)))
        return [
            StudyRow(
                "distortion", image, kind, DISTORTIONS[kind][0], strength, score.measure.label, score.value
            )
            for image, kind, strength in jobs
            for score in (next(scores) for _ in measures)
        ]


def same_score(rows: Sequence[StudyRow], measure: Measure, kind: str, strength: float, other: str) -> float:
    """How strong another distortion is that scores like one of ``kind``; NaN beyond what was measured."""
    at, values = curve(rows, part="distortion", method=kind, measure=measure.label)
    wanted = float(np.interp(strength, at, values))
    at, values = curve(rows, part="distortion", method=other, measure=measure.label)
    order = np.argsort(values)
    if not values.min() <= wanted <= values.max():
        return float("nan")
    return float(np.interp(wanted, values[order], at[order]))


# --- agreement over the models of a run -----------------------------------------------------------------


def means(scores: pd.DataFrame) -> pd.DataFrame:
    """Mean over the images: index (dataset, kernel, scale, model), a column for each ``metric@protocol``."""
    frame = scores.assign(measure=scores["metric"] + "@" + scores["protocol"])
    keys = ["dataset", "kernel", "scale", "model"]
    return frame.pivot_table(index=keys, columns="measure", values="value", aggfunc="mean", sort=False)


def rank_correlation(a: Floats, b: Floats, first: Measure, second: Measure) -> float:
    """Spearman's correlation of two measures over models, 1 where both put the models in the same order.

    NaN where a measure gives all models one value.
    """
    from scipy.stats import spearmanr

    if np.ptp(_goodness(a, first)) == 0 or np.ptp(_goodness(b, second)) == 0:
        return float("nan")
    return float(spearmanr(_goodness(a, first), _goodness(b, second)).statistic)


def _goodness(values: Floats, measure: Measure) -> Floats:
    """Values turned so that larger is better."""
    if measure.direction == "closer to 0":
        return -np.abs(values)
    return values if measure.direction == "higher" else -values


@dataclass(frozen=True)
class Disagreement:
    """An image on which one measure prefers ``first`` and the other ``second``, of two models.

    ``values`` has both measures of both models: ``values[model][measure id]``.
    """

    image: str
    first: str
    second: str
    values: Mapping[str, Mapping[str, float]]


def disagreements(here: pd.DataFrame, one: Measure, other: Measure, count: int = 3) -> list[Disagreement]:
    """Images and pairs of models on which two measures contradict each other most, one pair an image.

    ``here`` are the scores of one LR set.  A gap is in deviations of the measure over all images and models;
    a contradiction is as strong as the smaller of its two gaps.
    """
    frame = here.assign(measure=here["metric"] + "@" + here["protocol"])
    wide = frame.pivot_table(index=["image", "model"], columns="measure", values="value", sort=False)
    wide = wide.reindex(columns=[one.id, other.id]).replace([np.inf, -np.inf], np.nan).dropna()
    spread = {m.id: float(wide[m.id].std()) or 1.0 for m in (one, other)}
    by_image: dict[str, dict[str, dict[str, float]]] = {}
    for record in wide.reset_index().to_dict("records"):
        values = {m.id: float(record[m.id]) for m in (one, other)}
        by_image.setdefault(str(record["image"]), {})[str(record["model"])] = values

    def gap(values: Mapping[str, Mapping[str, float]], a: str, b: str, m: Measure) -> float:
        goodness = _goodness(np.array([values[a][m.id], values[b][m.id]]), m)
        return float(goodness[0] - goodness[1]) / spread[m.id]

    found = []
    for image, of_models in by_image.items():
        strengths = {
            (a, b): min(gap(of_models, a, b, one), gap(of_models, b, a, other))
            for a, b in permutations(of_models, 2)
        }
        strongest = max(strengths, key=strengths.__getitem__, default=None)
        if strongest is not None and strengths[strongest] > 0:
            found.append((strengths[strongest], Disagreement(image, *strongest, of_models)))
    found.sort(key=lambda pair: (-pair[0], pair[1].image))
    return [disagreement for _, disagreement in found[:count]]


# --- the study ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """``rows`` of the table; what is drawn of one LR set: mean scores of its models, and contradictions."""

    rows: list[StudyRow]
    measures: tuple[Measure, ...]
    pair: tuple[Measure, Measure]
    models: Mapping[str, Mapping[str, float]]
    contradictions: list[Disagreement]
    lr_set: str


def measure(
    images: Sequence[StudyImage],
    scores: pd.DataFrame,
    measures: Sequence[str],
    files: Mapping[str, Path],
    lr_set: tuple[str, str, int],
) -> EvaluationResult:
    """Curves under distortions, rank correlations on every LR set, and contradictions on one.

    ``files``: as of :class:`sisr.scoring.score.Evaluation`; ``lr_set``: (dataset, kernel, scale).
    """
    chosen = one_a_metric(measures)
    rows = distortion_rows(images, chosen, files)
    every = parse_measures(measures)
    averaged = means(scores)
    for (dataset, kernel, scale), group in averaged.groupby(level=[0, 1, 2], sort=False):
        name = f"{dataset}/{kernel}/x{scale}"
        for first, second in combinations(every, 2):
            both = group.reindex(columns=[first.id, second.id]).dropna()
            if len(both) < 3:
                continue
            value = rank_correlation(both[first.id].to_numpy(), both[second.id].to_numpy(), first, second)
            method = f"{first.label} and {second.label}"
            rows.append(StudyRow("agreement", name, method, "models", len(both), "rank correlation", value))
    dataset, kernel, scale = lr_set
    here = scores[(scores["dataset"] == dataset) & (scores["kernel"] == kernel) & (scores["scale"] == scale)]
    pair = (chosen[0], chosen[-1])
    models = {
        str(record["model"]): {
            m.id: float(record[m.id]) for m in every if np.isfinite(record.get(m.id, np.nan))
        }
        for record in averaged.reset_index().to_dict("records")
        if (record["dataset"], record["kernel"], record["scale"]) == lr_set
    }
    found = disagreements(here, *pair) if len(here) and pair[0] != pair[1] else []
    return EvaluationResult(rows, every, pair, models, found, f"{dataset}/{kernel}/x{scale}")


def sr_files(status_files: Mapping[str, Sequence[Path]]) -> dict[str, dict[str, Path]]:
    """Image -> model -> SR file, from the status files of every model's shards."""
    found: dict[str, dict[str, Path]] = {}
    for model, paths in status_files.items():
        for path in paths:
            for image, file in Manifest.read(path).files.items():
                found.setdefault(image, {})[model] = file
    return found


def correlations(result: EvaluationResult) -> Floats:
    """Mean rank correlation over the LR sets of each pair of measures, (m, m), 1 on the diagonal."""
    size = len(result.measures)
    table = np.eye(size)
    for (i, first), (j, second) in combinations(enumerate(result.measures), 2):
        method = f"{first.label} and {second.label}"
        values = [r.value for r in result.rows if r.part == "agreement" and r.method == method]
        table[i, j] = table[j, i] = np.nanmean(values) if values and not np.isnan(values).all() else np.nan
    return table


def findings(result: EvaluationResult) -> list[str]:
    """What came out, with its numbers."""
    said = []
    distorted = [m for m in result.measures if any(r.measure == m.label for r in result.rows)]
    equal = {m.label: same_score(result.rows, m, "shift", 1, "blur") for m in one_of_each(distorted)}
    known = ", ".join(f"{label} {value:.1f}" for label, value in equal.items() if not np.isnan(value))
    if known:
        said.append(
            f"A shift by one pixel, which nobody sees, scores like a blur of this many pixels: {known}."
        )
    found = [row for row in result.rows if row.part == "agreement" and not np.isnan(row.value)]
    if found:
        table = correlations(result)
        least = min(combinations(range(len(table)), 2), key=lambda at: np.nan_to_num(table[at], nan=2))
        first, second = (result.measures[i].label for i in least)
        sets = len({row.image for row in found})
        said.append(
            f"Over the models of {sets} LR sets, {first} and {second} agree least: mean rank correlation "
            f"{table[least]:.2f}."
        )
    for case in result.contradictions[:1]:
        one, other = result.pair
        a, b = case.values[case.first], case.values[case.second]
        said.append(
            f"On {case.image} of {result.lr_set}, {case.first} leads {case.second} by {one.label} "
            f"({a[one.id]:.{one.digits}f} to {b[one.id]:.{one.digits}f}) and trails by {other.label} "
            f"({a[other.id]:.{other.digits}f} to {b[other.id]:.{other.digits}f})."
        )
    return said


def one_of_each(measures: Sequence[Measure]) -> list[Measure]:
    """The first measure of each metric."""
    return list({m.metric: m for m in reversed(measures)}.values())[::-1]
