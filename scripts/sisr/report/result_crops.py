"""The crop sheets of a run: which image and window, and from which files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sisr.analysis import summaries
from sisr.base.errors import ConfigError, unknown
from sisr.base.manifest import Manifest, SrManifest
from sisr.report.shown_run import Names

if TYPE_CHECKING:
    from sisr.report.figures import crops


@dataclass(frozen=True)
class SetFiles:
    """An LR set: its manifests (no HR for LR images without), and model -> status files of its shards."""

    dataset: str
    kernel: str
    scale: int
    hr_manifest: Path | None
    lr_manifest: Path
    sr_status: Mapping[str, Sequence[Path]]


def make_crops(
    scores: Path,
    files: SetFiles,
    shown: Names,
    outs: Sequence[Path],
    regions: Mapping[str, Sequence[Sequence[int]]],
    limit: int | None = None,
) -> None:
    """Draw one crop sheet per path of ``outs``; ``limit``: bytes that a sheet may have."""
    from sisr.report.figures import crops

    found = chosen_crops(scores, files, shown, len(outs), regions)
    for (image, region, text), out in zip(found, outs, strict=True):
        crops.crop_sheet(image, region, text, out, limit)


def chosen_crops(
    scores: Path,
    files: SetFiles,
    shown: Names,
    number: int,
    regions: Mapping[str, Sequence[Sequence[int]]],
) -> Iterator[tuple[crops.ImageFiles, Sequence[int], crops.SheetText]]:
    """What so many crop sheets show: an image's files, a region, and texts.

    The config's ``regions`` (image -> [x, y, width, height], HR pixels) come first; then the images on which
    the models disagree most, in the window where they do.
    """
    from sisr.report.figures import crop_choice, crops

    dataset, kernel, scale = files.dataset, files.kernel, files.scale
    hr_manifest, lr_manifest = files.hr_manifest, files.lr_manifest
    frame = summaries.read_scores(scores)
    here = frame[(frame["dataset"] == dataset) & (frame["kernel"] == kernel) & (frame["scale"] == scale)]
    hr = Manifest.read(hr_manifest).files if hr_manifest else {}
    lr = Manifest.read(lr_manifest).files
    sr, missing = _sr_images(files.sr_status)
    for image in regions:
        if image not in lr:
            raise ConfigError(f"crops.regions.{dataset}: {unknown('image', image, lr)}")
    wanted: list[tuple[str, Sequence[int] | None]] = [
        (image, region) for image, boxes in regions.items() for region in boxes
    ]
    picked = crop_choice.pick_images(here, shown.shown(), kernel, scale, len(lr)).get(dataset, [])
    # Images without scores come last.
    picked += [image for image in lr if image not in picked]
    wanted += [(image, None) for image in picked if image not in regions]
    # Sets with fewer images than sheets show an image again rather than fail.
    wanted = (wanted * number)[:number]
    for image, box in wanted:
        srs = {model: found[image] for model, found in sr.items() if image in found}
        region = crop_choice.pick_region(hr.get(image), srs, scale, lr=lr[image]) if box is None else box
        values: dict[str, dict[str, float]] = {}
        of_image = here[here["image"] == image]
        columns = (of_image[name] for name in ("model", "metric", "protocol", "value"))
        for model, metric, protocol, value in zip(*columns, strict=True):
            values.setdefault(model, {})[f"{metric}@{protocol}"] = float(value)
        title = f"{shown.datasets[dataset]} · {image} · ×{scale} · LR by {shown.kernels[kernel]}"
        text = crops.SheetText(title, shown.models, values, shown.shown(), missing)
        yield crops.ImageFiles(hr.get(image), lr[image], srs, scale), region, text


def _sr_images(sr_status: Mapping[str, Sequence[Path]]) -> tuple[dict[str, dict[str, Path]], dict[str, str]]:
    """SR files by model and image name, and the reason of each model that has none."""
    files: dict[str, dict[str, Path]] = {}
    missing: dict[str, str] = {}
    for model, paths in sr_status.items():
        for path in paths:
            done = SrManifest.read(path)
            if done.status == "ok":
                files.setdefault(model, {}).update(done.files)
            else:
                missing[model] = done.reason
    return files, missing
