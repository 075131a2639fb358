"""From a run's tidy tables to its tables, plots and crop sheets, with the registries' names.

:mod:`sisr.tables` and :mod:`sisr.figures` know nothing of registries or folders; this module fills in
labels, order and paths.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sisr import registry, summaries, table_writers, tables
from sisr.errors import ConfigError, unknown
from sisr.metrics import parse_measure
from sisr.shown_measures import Measure

if TYPE_CHECKING:
    import pandas as pd

    from sisr.robustness import Matrix
    from sisr.statistics.report import Standing

#: Measures that the small figures show, where the run has them: one of fidelity, one of perception.
_FIGURE_MEASURES = ("psnr@y-bt601", "lpips@alex-v0.1")
#: The picture of a sheet of LR crops is chosen from so many of a dataset.
_SHEET_FROM = 20


@dataclass(frozen=True)
class Names:
    """What a run shows, in its order: id -> label."""

    measures: tuple[Measure, ...]
    models: Mapping[str, str]
    datasets: Mapping[str, str]
    kernels: Mapping[str, str]
    pools: Mapping[str, Sequence[str]]

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
        for wanted in (lambda m: m.key == key, lambda m: m.direction == direction, lambda m: True):
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
) -> Names:
    """Labels of what a run shows.  A pool counts only if the run has all of its datasets."""
    return Names(
        measures=tuple(Measure.of(parse_measure(text)) for text in measures),
        models=_labels("models", models),
        datasets=_labels("datasets", datasets),
        kernels=_labels("kernels", kernels),
        pools={pool: members for pool, members in pools.items() if set(members) <= set(datasets)},
    )


def _labels(axis: str, ids: Sequence[str]) -> Mapping[str, str]:
    entries = registry.load(axis)
    return {name: entries[name]["label"] for name in ids}


def image_counts(hr_manifests: Mapping[str, Path]) -> dict[str, int]:
    """Number of images that each dataset's manifest lists."""
    return {dataset: len(_images(path)) for dataset, path in hr_manifests.items()}


def _summarise(scores: pd.DataFrame, hr_manifests: Mapping[str, Path], shown: Names) -> pd.DataFrame:
    """Means by dataset and pool, of models that have every image that a dataset's manifest lists."""
    return summaries.summarise(scores, shown.pools, image_counts(hr_manifests))


def standings(scores: pd.DataFrame, expected: Mapping[str, int], scale: int, shown: Names) -> list[Standing]:
    """Statistics of each dataset and pool at one scale, in the order of the tables.

    ``expected``: images of each dataset; a model that lacks one is in no sample.
    """
    from sisr.statistics.report import stand
    from sisr.statistics.samples import samples

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


def make_tables(
    scores: Path,
    status: Path,
    hr_manifests: Mapping[str, Path],
    scale: int,
    out: Path,
    shown: Names,
    trained: Mapping[str, Path] | None = None,
) -> None:
    """Write ``out/x{scale}.csv``, ``.md``, ``.tex`` and ``.html``.

    ``trained``: models that were trained by a recipe, and their weights, which know of test pictures among
    those they were trained on.
    """
    from sisr.statistics.report import with_certainty

    frame = summaries.read_scores(scores)
    expected = image_counts(hr_manifests)
    summary = summaries.summarise(frame, shown.pools, expected)
    table_writers.render(
        with_certainty(summary, standings(frame, expected, scale, shown)),
        summaries.read_status(status),
        shown.measures,
        scale,
        out,
        models=shown.models,
        groups=shown.groups,
        kernels=shown.kernels,
        pools=shown.pools,
        caveats=training_caveats(shown.models, shown.datasets, trained or {}),
    )


def training_caveats(
    models: Iterable[str],
    datasets: Mapping[str, str],
    trained: Mapping[str, Path],
    config: Path = registry.CONFIG,
) -> dict[str, tables.Caveat]:
    """Models whose training data hold images of a dataset (id -> label), or are not known.

    From ``trained_on`` of models and ``leakage`` of datasets; of models that were trained by a recipe, from
    what was found before training.
    """
    from sisr.models import entry_of
    from sisr.training.archive import metadata_of

    sets = registry.load("datasets", config)
    caveats = {}
    for model in models:
        entry = entry_of(model, config)
        if entry.get("engine") == "interpolation":
            continue
        found: list[str] = []
        if model in trained:
            images: dict[str, list[str]] = {}
            for hit in metadata_of(trained[model]).get("leakage", []):
                images.setdefault(hit["dataset"], []).append(hit["image"])
            found = [
                f"{label}: {', '.join(images[name])}" for name, label in datasets.items() if name in images
            ]
        elif "trained_on" not in entry:
            caveats[model] = tables.Caveat("‡", "Training data not stated, test images may be among them")
            continue
        for source in entry.get("trained_on", []):
            held = [label for name, label in datasets.items() if source in sets[name].get("leakage", [])]
            found += [f"{source} has images of {', '.join(held)}"] if held else []
        if found:
            caveats[model] = tables.Caveat("†", "Trained on test images", "; ".join(found))
    return caveats


def make_plots(
    scores: Path,
    hr_manifests: Mapping[str, Path],
    scale: int,
    shown: Names,
    *,
    quality: Path,
    perception_distortion: Path,
) -> None:
    """Draw the plots of one scale, for the run's first kernel."""
    from sisr.figures import plots

    frame = summaries.read_scores(scores)
    summary = _summarise(frame, hr_manifests, shown)
    kernel = first_kernel(frame, scale, shown)
    common: dict[str, Any] = {
        "models": shown.models,
        "kernel": kernel,
        "kernel_label": shown.kernels[kernel],
        "scale": scale,
    }
    plots.quality(frame, shown.shown(), quality, datasets=shown.datasets, **common)
    plots.perception_distortion(
        summary, shown.fidelity, shown.perception, perception_distortion, groups=shown.groups, **common
    )


def make_robustness(
    scores: Path,
    hr_manifests: Mapping[str, Path],
    lr_manifests: Mapping[tuple[str, str], Path],
    scale: int,
    shown: Names,
    *,
    table: Path,
    heat_map: Path,
    ranks: Path,
    sheets: Path,
    page: Path,
) -> None:
    """Models against LR kernels at one scale: table, figures, a sheet of LR crops, and the page of them all.

    Parameters
    ----------
    lr_manifests : (dataset, kernel) -> LR set
    sheets : folder that gets ``x{scale}_<dataset>.jpg`` for each dataset of more than one kernel
    """
    from sisr import robustness
    from sisr.atomic import write_text
    from sisr.figures import robustness as figures
    from sisr.pages import data_uri, write_page

    summary = _summarise(summaries.read_scores(scores), hr_manifests, shown)
    found = robustness.matrices(
        summary,
        shown.fidelity,
        scale,
        models=list(shown.models),
        groups=list(shown.groups),
        kernels=list(shown.kernels),
    )
    write_text(table, robustness.to_csv(found))
    common: dict[str, Any] = {
        "models": shown.models,
        "groups": shown.groups,
        "kernels": shown.kernels,
        "scale": scale,
    }
    figures.heat_map(found, heat_map, **common)
    figures.rank_chart(found, ranks, **common)
    drawn = []
    for dataset in shown.datasets:
        manifests = {k: path for (d, k), path in lr_manifests.items() if d == dataset}
        if len(manifests) > 1:
            out = sheets / f"x{scale}_{dataset}.jpg"
            matrix = next((matrix for matrix in found if matrix.group == dataset), None)
            _lr_sheet(hr_manifests[dataset], manifests, matrix, dataset, scale, shown, out)
            drawn.append((shown.datasets[dataset], data_uri(out)))
    write_page(
        "robustness.html.j2",
        page,
        scale=scale,
        said=[(shown.groups[m.group], robustness.sentences(m, shown.models, shown.kernels)) for m in found],
        measure=shown.fidelity,
        reference=shown.kernels[found[0].kernels[0]] if found else "",
        heat_map=data_uri(heat_map),
        ranks=data_uri(ranks),
        sheets=drawn,
    )


def _lr_sheet(
    hr_manifest: Path,
    lr_manifests: Mapping[str, Path],
    matrix: Matrix | None,
    dataset: str,
    scale: int,
    shown: Names,
    out: Path,
) -> None:
    """The image and window in which the kernels differ most, with the score of the reference's leader."""
    from sisr.figures import crops

    hr = {image["name"]: hr_manifest.parent / image["file"] for image in _images(hr_manifest)}
    lrs: dict[str, dict[str, Path]] = {name: {} for name in hr}
    for kernel, manifest in lr_manifests.items():
        for image in _images(manifest):
            lrs[image["name"]][kernel] = manifest.parent / image["file"]
    regions = {name: crops.pick_lr_region(hr[name], lrs[name], scale) for name in list(hr)[:_SHEET_FROM]}
    name = max(regions, key=lambda image: (regions[image][1], image))
    notes = {}
    if matrix is not None and matrix.ranked:
        leader = matrix.leader(0)
        label, measure = shown.models[matrix.models[leader]], shown.fidelity
        for row, kernel in enumerate(matrix.kernels):
            value = measure.show(float(matrix.values[row, leader]))
            notes[kernel] = f"{label}: {value} {measure.unit}".rstrip()
    crops.lr_sheet(
        hr[name],
        lrs[name],
        regions[name][0],
        out,
        scale=scale,
        title=f"{shown.datasets[dataset]} · {name} · LR at ×{scale} by each kernel",
        labels=shown.kernels,
        notes=notes,
    )


def first_kernel(scores: pd.DataFrame, scale: int, shown: Names) -> str:
    """The first of the run's LR kernels that anything was scored on at a scale."""
    present = set(scores.loc[scores["scale"] == scale, "kernel"])
    return next((kernel for kernel in shown.kernels if kernel in present), next(iter(shown.kernels)))


def make_crops(
    scores: Path,
    hr_manifest: Path | None,
    lr_manifest: Path,
    sr_status: Mapping[str, Sequence[Path]],
    dataset: str,
    kernel: str,
    scale: int,
    outs: Sequence[Path],
    shown: Names,
    regions: Mapping[str, Sequence[Sequence[int]]],
    limit: int | None = None,
) -> None:
    """Draw one crop sheet per path of ``outs``.

    The config's ``regions`` (image -> [x, y, width, height], HR pixels) come first; then the images on which
    the models disagree most, in the window where they do.

    Parameters
    ----------
    hr_manifest : None for LR images without HR
    sr_status : model -> status files of its shards
    limit : bytes that a sheet may have
    """
    from sisr.figures import crops

    frame = summaries.read_scores(scores)
    here = frame[(frame["dataset"] == dataset) & (frame["kernel"] == kernel) & (frame["scale"] == scale)]
    hr = {i["name"]: hr_manifest.parent / i["file"] for i in _images(hr_manifest)} if hr_manifest else {}
    lr = {image["name"]: lr_manifest.parent / image["file"] for image in _images(lr_manifest)}
    sr, missing = _sr_images(sr_status)
    for image in regions:
        if image not in lr:
            raise ConfigError(f"crops.regions.{dataset}: {unknown('image', image, lr)}")
    wanted: list[tuple[str, Sequence[int] | None]] = [
        (image, region) for image, boxes in regions.items() for region in boxes
    ]
    picked = crops.pick_images(here, shown.shown(), kernel, scale, len(lr)).get(dataset, [])
    # Images without scores come last.
    picked += [image for image in lr if image not in picked]
    wanted += [(image, None) for image in picked if image not in regions]
    # Sets with fewer images than sheets show an image again rather than fail.
    wanted = (wanted * len(outs))[: len(outs)]
    for (image, box), out in zip(wanted, outs, strict=True):
        srs = {model: files[image] for model, files in sr.items() if image in files}
        region = crops.pick_region(hr.get(image), srs, scale, lr=lr[image]) if box is None else box
        values: dict[str, dict[str, float]] = {}
        of_image = here[here["image"] == image]
        columns = (of_image[name] for name in ("model", "metric", "protocol", "value"))
        for model, metric, protocol, value in zip(*columns, strict=True):
            values.setdefault(model, {})[f"{metric}@{protocol}"] = float(value)
        crops.crop_sheet(
            hr.get(image),
            lr[image],
            srs,
            region,
            out,
            scale=scale,
            title=f"{shown.datasets[dataset]} · {image} · ×{scale} · LR by {shown.kernels[kernel]}",
            labels=shown.models,
            values=values,
            measures=shown.shown(),
            missing=missing,
            limit=limit,
        )


def _sr_images(sr_status: Mapping[str, Sequence[Path]]) -> tuple[dict[str, dict[str, Path]], dict[str, str]]:
    """SR files by model and image name, and the reason of each model that has none."""
    files: dict[str, dict[str, Path]] = {}
    missing: dict[str, str] = {}
    for model, paths in sr_status.items():
        for path in paths:
            document = json.loads(path.read_text(encoding="utf-8"))
            if document["status"] == "ok":
                found = {image["name"]: path.parent / image["file"] for image in document["images"]}
                files.setdefault(model, {}).update(found)
            else:
                missing[model] = document["reason"]
    return files, missing


def _images(manifest: Path) -> list[dict[str, str]]:
    return json.loads(manifest.read_text(encoding="utf-8"))["images"]
