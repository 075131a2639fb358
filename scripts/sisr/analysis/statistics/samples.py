"""Samples: the values of several models on the same images under one measure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sisr.analysis.summaries import check_scores, group_members
from sisr.base.errors import ScoreError
from sisr.scoring.metrics.protocol import Measure

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """All models that have every image of one dataset or pool, on LR images of one kernel and scale.

    ``images`` are ``dataset/image``, sorted, so that nothing computed from a sample depends on the order of
    the table.  ``values`` is ``(images, models)``, without NaN; it may hold ``inf``.
    """

    group: str
    kernel: str
    scale: int
    measure: Measure
    images: tuple[str, ...]
    models: tuple[str, ...]
    values: Values

    def __post_init__(self) -> None:
        shape = (len(self.images), len(self.models))
        if not all(shape):
            raise ScoreError(
                f"{self.where}: no {'images' if not shape[0] else 'models'} to take statistics of"
            )
        if self.values.shape != shape:
            raise ScoreError(
                f"{self.where}: expected {shape[0]}x{shape[1]} values, found {self.values.shape}"
            )
        if np.isnan(self.values).any():
            image, model = np.argwhere(np.isnan(self.values))[0]
            raise ScoreError(f"{self.where}: {self.models[model]} on {self.images[image]} is not a number")
        if list(self.images) != sorted(set(self.images)):
            raise ScoreError(f"{self.where}: images are not sorted, or one is given twice")

    @property
    def where(self) -> str:
        """What messages call the sample, for example ``psnr@y-bt601 in cell set5/matlab-bicubic/x4``."""
        return f"{self.measure.id} in cell {self.group}/{self.kernel}/x{self.scale}"

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.images)


def samples(
    scores: pd.DataFrame,
    measures: Sequence[Measure],
    scale: int,
    *,
    kernels: Sequence[str] = (),
    models: Sequence[str] = (),
    pools: Mapping[str, Sequence[str]] | None = None,
    expected: Mapping[str, int] | None = None,
) -> list[Sample]:
    """The samples of one scale: by kernel, dataset or pool (as in
    :func:`sisr.analysis.summaries.summarise`), measure.

    ``kernels`` and ``models`` give their order; others come after them by name.  A model without every image
    is left out of the sample, as its mean is left out of the tables, and a sample that no model is left in
    is left out itself.

    Raises
    ------
    ScoreError : a value is NaN or given twice; the message names the cell.
    """
    check_scores(scores)
    groups, counts = group_members(scores, pools, expected)
    found = []
    here = scores[scores["scale"] == scale]
    for kernel in _in_order(kernels, here["kernel"]):
        of_kernel = here[here["kernel"] == kernel]
        for group, members in groups.items():
            of_group = of_kernel[of_kernel["dataset"].isin(members)]
            if of_group["dataset"].nunique() < len(members):
                continue
            want = sum(counts[name] for name in members)
            for measure in measures:
                part = of_group[
                    (of_group["metric"] == measure.metric) & (of_group["protocol"] == measure.protocol)
                ]
                wide = part.pivot(index=["dataset", "image"], columns="model", values="value")
                complete = wide.columns[wide.notna().all() & (len(wide) == want)]
                names = _in_order(models, complete)
                if names:
                    wide.index = pd.Index([f"{dataset}/{image}" for dataset, image in wide.index])
                    wide = wide.sort_index()
                    values = wide[names].to_numpy(dtype=np.float64)
                    found.append(
                        Sample(
                            str(group), str(kernel), scale, measure, tuple(wide.index), tuple(names), values
                        )
                    )
    return found


def _in_order(known: Sequence[str], present: Iterable[str]) -> list[str]:
    """The names that are present: those known in their order, then others by name."""
    names = set(present)
    return [name for name in known if name in names] + sorted(names.difference(known))


def check_cells(scores: pd.DataFrame, status: pd.DataFrame, measures: Sequence[Measure]) -> None:
    """Raise :class:`ScoreError`, naming the cell, where a finished cell has no score of a measure."""
    cell = ["dataset", "kernel", "scale", "model"]
    keys = [*cell, "metric", "protocol"]
    have = set(scores[keys].drop_duplicates().itertuples(index=False, name=None))
    for dataset, kernel, scale, model in status.loc[status["status"] == "ok", cell].itertuples(
        index=False, name=None
    ):
        for measure in measures:
            if (dataset, kernel, scale, model, measure.metric, measure.protocol) not in have:
                raise ScoreError(
                    f"scores: {measure.id} of cell {dataset}/{kernel}/x{scale}/{model}: no images, "
                    "though its status is ok"
                )
