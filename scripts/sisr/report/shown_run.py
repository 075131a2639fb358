"""What a run shows, by the registries' labels and in the config's order, and its statistics in that order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr.analysis import summaries
from sisr.base import registry
from sisr.base.errors import ConfigError
from sisr.base.manifest import Manifest
from sisr.inquiry.given_sets import GivenSet, found_beside, read_all, with_found
from sisr.lr.kernels import described
from sisr.run.config import Run, read
from sisr.scoring.metrics import parse_measure
from sisr.scoring.metrics.protocol import Measure

if TYPE_CHECKING:
    import pandas as pd

    from sisr.analysis.statistics.verdicts import Standing


#: Measures that the small figures show, where the run has them: one of fidelity, one of perception.
_FIGURE_MEASURES = ("psnr@y-bt601", "lpips@alex-v0.1")


@dataclass(frozen=True)
class Names:
    """What a run shows, in its order: id -> label; and what was found of the LR sets that are ``given``."""

    measures: tuple[Measure, ...]
    models: Mapping[str, str]
    datasets: Mapping[str, str]
    kernels: Mapping[str, str]
    pools: Mapping[str, Sequence[str]]
    given: Sequence[GivenSet] = ()

    @property
    def groups(self) -> Mapping[str, str]:
        """Datasets, then pools."""
        return {**self.datasets, **{pool: pool for pool in self.pools}}

    @property
    def fidelity(self) -> Measure:
        return self._first(_FIGURE_MEASURES[0], "higher")

    @property
    def perception(self) -> Measure:
        return self._first(_FIGURE_MEASURES[1], "lower")

    def shown(self) -> tuple[Measure, ...]:
        """Measures of the small figures, without repetition."""
        return tuple(dict.fromkeys((self.fidelity, self.perception)))

    def _first(self, key: str, direction: str) -> Measure:
        for wanted in (lambda m: m.id == key, lambda m: m.direction == direction, lambda m: True):
            found = next((measure for measure in self.measures if wanted(measure)), None)
            if found is not None:
                return found
        raise ConfigError("metrics: none is given")


def names(
    measures: Sequence[str],
    models: Sequence[str],
    datasets: Sequence[str],
    kernels: Sequence[str],
    pools: Mapping[str, Sequence[str]],
    shipped: Sequence[str] = (),
    given: Sequence[GivenSet] = (),
) -> Names:
    """Labels of what a run shows.  A pool counts only if the run has all of its datasets.

    Those of ``shipped`` models say that their scores come with the project, and that of given LR images what
    made them, where that was looked for.
    """
    labels, sets = _labels("models", models), _labels("datasets", datasets)
    return Names(
        measures=tuple(parse_measure(text) for text in measures),
        models={**labels, **{model: f"{labels[model]} (shipped)" for model in shipped}},
        datasets=sets,
        kernels=with_found({name: described(name)["label"] for name in kernels}, given, sets),
        pools={pool: members for pool, members in pools.items() if set(members) <= set(datasets)},
        given=given,
    )


@dataclass(frozen=True)
class ShownRun:
    """The score table of a run, the HR manifests of its datasets, and what is shown of it."""

    scores: Path
    hr_manifests: Mapping[str, Path]
    names: Names


def run_of(given: Any, params: Any) -> ShownRun:
    """The run that a rule shows, from its input and parameters."""
    manifests = dict(zip(params.datasets, map(Path, given.hr), strict=True))
    found = read_all(given.identities)
    return ShownRun(Path(given.scores), manifests, names(**params.names, given=found))


def of_folder(folder: Path) -> tuple[Run, ShownRun]:
    """The run whose finished results a folder holds, by its configuration, and what is shown of it."""
    run = read(registry.read_yaml(folder / "config.yaml"), str(folder / "config.yaml"))
    models, datasets, kernels = (run.values(axis) for axis in ("model", "dataset", "kernel"))
    shipped = run.shipped_models
    found = found_beside(folder, run.sets())
    shown = names(run.measures, [*models, *shipped], datasets, kernels, run.pools, shipped, found)
    manifests = {name: folder / "hr" / f"{name}.json" for name in shown.datasets}
    return run, ShownRun(folder / "scores.csv", manifests, shown)


def _labels(axis: str, ids: Sequence[str]) -> Mapping[str, str]:
    entries = registry.load(axis)
    return {name: entries[name]["label"] for name in ids}


def image_counts(hr_manifests: Mapping[str, Path]) -> dict[str, int]:
    """Number of images that each dataset's manifest lists."""
    return {dataset: len(Manifest.read(path).images) for dataset, path in hr_manifests.items()}


def summary_of(scores: pd.DataFrame, run: ShownRun) -> pd.DataFrame:
    """Means by dataset and pool, of models that have every image that a dataset's manifest lists."""
    return summaries.summarise(scores, run.names.pools, image_counts(run.hr_manifests))


def standings(scores: pd.DataFrame, expected: Mapping[str, int], scale: int, shown: Names) -> list[Standing]:
    """Statistics of each dataset and pool at one scale, in the order of the tables.

    ``expected``: images of each dataset; a model that lacks one is in no sample.
    """
    from sisr.analysis.statistics.samples import samples
    from sisr.analysis.statistics.verdicts import stand

    found = samples(
        scores,
        shown.measures,
        scale,
        kernels=list(shown.kernels),
        models=list(shown.models),
        pools=shown.pools,
        expected=expected,
    )
    return [stand(sample) for sample in found]


def first_kernel(scores: pd.DataFrame, scale: int, shown: Names) -> str:
    """The first of the run's LR kernels that anything was scored on at a scale."""
    present = set(scores.loc[scores["scale"] == scale, "kernel"])
    return next((kernel for kernel in shown.kernels if kernel in present), next(iter(shown.kernels)))
