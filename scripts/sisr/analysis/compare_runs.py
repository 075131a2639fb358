"""Two runs side by side: ``sisr compare A B``.

The same table as a run's own, with both means and their difference, B minus A, over the same images.  Which
differences are more than chance is decided as within a run (:mod:`sisr.analysis.statistics`): Wilcoxon's
signed-rank test over the images, corrected by Holm over the models of a column that differ at all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sisr.analysis import summaries
from sisr.analysis.shown_measures import show_mean
from sisr.base import averages, registry
from sisr.base.errors import ScoreError
from sisr.base.manifest import HrManifest
from sisr.scoring.metrics import parse_measure
from sisr.scoring.metrics.protocol import Measure

if TYPE_CHECKING:
    import pandas as pd

SAME, BETTER, WORSE, OPEN, FEW, CONTRARY = (
    "same values", "better", "worse", "not distinguishable", "too few images", "mean and ranks disagree",
)  # fmt: skip
ONLY_A, ONLY_B = "only in A", "only in B"
#: What stands before a difference, so that no verdict is told by colour alone.
SIGNS = {SAME: "=", BETTER: "▲", WORSE: "▼", OPEN: "≈", FEW: "?", CONTRARY: "≷", ONLY_A: "", ONLY_B: ""}


@dataclass(frozen=True)
class FinishedRun:
    """What a comparison reads of a results folder.

    ``images`` by (dataset, kernel, scale); ``digests``: sha256 of HR images by (dataset, image), as far as
    the folder has their manifests.
    """

    folder: Path
    scores: pd.DataFrame
    status: Mapping[tuple[str, str, int, str], tuple[str, str]]
    made: Mapping[str, Any]
    images: Mapping[tuple[str, str, int], frozenset[str]]
    digests: Mapping[tuple[str, str], str]

    @property
    def name(self) -> str:
        return str(self.made.get("config", {}).get("name", self.folder.name))

    @property
    def commit(self) -> str:
        changed = " with uncommitted changes" if self.made.get("uncommitted_changes") else ""
        return f"{str(self.made.get('commit') or '')[:12]}{changed}"


@dataclass(frozen=True)
class Change:
    """One model under one measure on one LR set, in both runs; all numbers as text, empty if there is none.

    ``verdict`` is about B: :data:`BETTER` means that B is.
    """

    verdict: str
    a: str
    b: str
    difference: str = ""
    interval: str = ""
    images: str = ""
    p: str = ""

    @property
    def sign(self) -> str:
        return SIGNS[self.verdict]


@dataclass(frozen=True)
class RunSection:
    """One table: an LR set, its measures, and for each model a change or None under each of them."""

    dataset: str
    kernel: str
    scale: int
    images: int
    measures: tuple[Measure, ...]
    rows: tuple[tuple[str, tuple[Change | None, ...]], ...]


def read_run(folder: Path) -> FinishedRun:
    """Scores, status and provenance of a results folder."""
    if not (folder / "scores.csv").is_file():
        raise ScoreError(f"{folder}: expected a results folder with scores.csv, found none")
    scores = summaries.read_scores(folder / "scores.csv")
    status = {}
    if (folder / "status.csv").is_file():
        frame = summaries.read_status(folder / "status.csv")
        columns = [frame[name] for name in ("dataset", "kernel", "scale", "model", "status", "reason")]
        status = {(d, k, int(s), m): (state, why) for d, k, s, m, state, why in zip(*columns, strict=True)}
    made: dict[str, Any] = {}
    if (folder / "provenance.json").is_file():
        made = registry.read_json(folder / "provenance.json", "provenance")
    images: dict[tuple[str, str, int], frozenset[str]] = {}
    key: Any
    for key, here in scores.groupby(["dataset", "kernel", "scale"], sort=False):
        images[key[0], key[1], int(key[2])] = frozenset(here["image"])
    digests = {
        (path.stem, image.name): image.sha256
        for path in sorted((folder / "hr").glob("*.json"))
        for image in HrManifest.of_others(path).images
        if image.sha256
    }
    return FinishedRun(folder, scores, status, made, images, digests)


def sections(a: FinishedRun, b: FinishedRun) -> list[RunSection]:
    """The tables of all LR sets that both runs have."""
    shared = [key for key in a.images if key in b.images]
    if not shared:
        raise ScoreError(f"{a.folder}, {b.folder}: no LR set in common: {_sets(a)} against {_sets(b)}")
    for dataset, kernel, scale in shared:
        one, other = a.images[dataset, kernel, scale], b.images[dataset, kernel, scale]
        if one != other:
            image = min(one ^ other)
            where = a.folder if image in one else b.folder
            raise ScoreError(
                f"{a.folder}, {b.folder}: dataset '{dataset}' has {len(one)} and {len(other)} images; "
                f"'{image}' is in {where} only"
            )
    used = {dataset for dataset, _, _ in shared}
    for key, digest in a.digests.items():
        if key[0] in used and b.digests.get(key, digest) != digest:
            raise ScoreError(
                f"{a.folder}, {b.folder}: image '{key[1]}' of dataset '{key[0]}' is not the same: "
                f"sha256 {digest[:12]} against {b.digests[key][:12]}"
            )
    measures = [key for key in _measures(a) if key in set(_measures(b))]
    if not measures:
        raise ScoreError(
            f"{a.folder}, {b.folder}: no measure in common: {', '.join(_measures(a))} against "
            f"{', '.join(_measures(b))}"
        )
    return [_section(a, b, key, [_measure(text) for text in measures]) for key in shared]


def _sets(run: FinishedRun) -> str:
    return ", ".join(f"{dataset}/{kernel}/x{scale}" for dataset, kernel, scale in run.images)


def _measures(run: FinishedRun) -> list[str]:
    return list(dict.fromkeys(run.scores["metric"] + "@" + run.scores["protocol"]))


def _measure(text: str) -> Measure:
    return parse_measure(text)


def _section(
    a: FinishedRun, b: FinishedRun, key: tuple[str, str, int], measures: Sequence[Measure]
) -> RunSection:
    dataset, kernel, scale = key
    models = list(dict.fromkeys(m for run in (a, b) for m in _models(run, key)))
    columns = {measure: _column(a, b, key, measure, models) for measure in measures}
    rows = tuple(
        (_label("models", model), tuple(columns[measure][model] for measure in measures)) for model in models
    )
    return RunSection(
        _label("datasets", dataset),
        _label("kernels", kernel),
        scale,
        len(a.images[key]),
        tuple(measures),
        rows,
    )


def _models(run: FinishedRun, key: tuple[str, str, int]) -> list[str]:
    """Models that a run tried on an LR set, in its order, also those that have no numbers."""
    tried = [model for (*where, model) in run.status if tuple(where) == key]
    return list(dict.fromkeys([*tried, *_part(run, key)["model"]]))


def _part(run: FinishedRun, key: tuple[str, str, int]) -> pd.DataFrame:
    scores = run.scores
    dataset, kernel, scale = key
    return scores[(scores["dataset"] == dataset) & (scores["kernel"] == kernel) & (scores["scale"] == scale)]


def _label(axis: str, name: str) -> str:
    """Label of a registry entry; the name itself for one that this checkout does not have."""
    return str(registry.load(axis).get(name, {}).get("label", name))


def _column(
    a: FinishedRun, b: FinishedRun, key: tuple[str, str, int], measure: Measure, models: Sequence[str]
) -> dict[str, Change | None]:
    """Changes of the models under one measure; Holm's correction is over those whose values differ."""
    from sisr.analysis.statistics import ALPHA, paired, verdicts
    from sisr.analysis.statistics.samples import Sample

    images = sorted(a.images[key])
    values = [_values(run, key, measure, images) for run in (a, b)]
    changes: dict[str, Change | None] = dict.fromkeys(models)
    standings: dict[str, verdicts.Standing] = {}
    for model in models:
        one, other = (found.get(model) for found in values)
        if one is not None and other is not None:
            both = np.stack([one, other], axis=1)
            names = tuple(f"{key[0]}/{image}" for image in images)
            standings[model] = verdicts.stand(
                Sample(key[0], key[1], key[2], measure, names, ("A", "B"), both)
            )
        elif one is not None or other is not None:
            verdict = ONLY_B if one is None else ONLY_A
            texts = [
                _why(run, key, model) if found is None else show_mean(*averages.mean(found), measure)
                for run, found in ((a, one), (b, other))
            ]
            changes[model] = Change(verdict, texts[0], texts[1])
    different = [m for m, s in standings.items() if (s.sample.values[:, 0] != s.sample.values[:, 1]).any()]
    corrected = dict(
        zip(different, paired.holm(np.array([standings[m].comparison.p[0] for m in different])), strict=True)
    )
    testable = len(different) * paired.smallest_p(len(images)) < ALPHA
    for model, standing in standings.items():
        p = corrected.get(model)
        changes[model] = _change(standing, measure, p, testable)
    return changes


def _change(standing: Any, measure: Measure, p: float | None, testable: bool) -> Change:
    from sisr.analysis.shown_measures import show_gap, show_p
    from sisr.analysis.statistics import ALPHA, paired

    texts = [
        show_mean(float(mean), identical, measure)
        for mean, identical in zip(standing.means, standing.identical, strict=True)
    ]
    if p is None:
        return Change(SAME, texts[0], texts[1])
    pair = standing.comparison
    # Of sizes, where closer to 0 is better; B minus A, so all signs turn.
    difference, low, high = -pair.difference[0], -pair.upper[0], -pair.lower[0]
    if not testable:
        verdict = FEW
    elif p >= ALPHA:
        verdict = OPEN
    elif -pair.effect[0] * paired.sense(measure) * np.sign(difference) < 0:
        verdict = CONTRARY
    else:
        verdict = BETTER if pair.effect[0] < 0 else WORSE
    return Change(
        verdict,
        texts[0],
        texts[1],
        difference=show_gap(float(difference), measure),
        interval="" if math.isnan(low) else f"{show_gap(low, measure)} to {show_gap(high, measure)}",
        images=f"{pair.losses[0]} / {pair.ties[0]} / {pair.wins[0]}",
        p=f"p {show_p(p)}" if testable else "",
    )


def _values(
    run: FinishedRun, key: tuple[str, str, int], measure: Measure, images: Sequence[str]
) -> dict[str, np.ndarray]:
    """Values of the models that have every image, in the order of ``images``."""
    part = _part(run, key)
    part = part[(part["metric"] == measure.metric) & (part["protocol"] == measure.protocol)]
    wide = part.pivot(index="image", columns="model", values="value").reindex(list(images))
    return {str(model): wide[model].to_numpy(float) for model in wide if wide[model].notna().all()}


def _why(run: FinishedRun, key: tuple[str, str, int], model: str) -> str:
    """Why a model has no mean in a run: its status, or that it was not run or lacks images."""
    if (*key, model) not in run.status:
        return "not run"
    state, _ = run.status[(*key, model)]
    return "images missing" if state == "ok" else state


def differences(a: FinishedRun, b: FinishedRun) -> list[tuple[str, str, str]]:
    """What was not the same when the runs were made: name, in A, in B."""
    flat = [dict(_flat(run.made)) for run in (a, b)]
    keys = dict.fromkeys([*flat[0], *flat[1]])
    rows = [(key, flat[0].get(key, "—"), flat[1].get(key, "—")) for key in keys]
    return [row for row in rows if row[1] != row[2]]


def _flat(value: Any, path: str = "") -> list[tuple[str, str]]:
    """Leaves of nested mappings, by their path; lists are one leaf each."""
    if isinstance(value, Mapping):
        pairs = ((f"{path}.{key}" if path else str(key), inner) for key, inner in value.items())
        return [leaf for name, inner in pairs for leaf in _flat(inner, name)]
    return [(path, ", ".join(map(str, value)) if isinstance(value, list) else str(value))]
