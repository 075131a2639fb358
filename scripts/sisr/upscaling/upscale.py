"""Upscaling: one cell's LR images through one model, and one status row for the cell."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from tqdm import tqdm

from sisr.base import device as devices
from sisr.base.errors import ImageError, ModelError, ModelSkipped, ModelUnavailable, is_out_of_memory
from sisr.base.images import read_image, stored_size, write_png
from sisr.base.machine import Stopwatch
from sisr.base.manifest import Manifest, SrImage, SrManifest, relative
from sisr.base.ordered import map_completed, map_ordered
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.models.model_entries import Model, get
from sisr.upscaling import engines
from sisr.upscaling.inference.options import Execution

log = logging.getLogger(__name__)

Found = TypeVar("Found")

#: Images, or batches of them, decoded ahead and encoded behind the one that is computed: overlap at a memory
#: cost that does not grow with the dataset.
_AHEAD = 2


@dataclass(frozen=True)
class Status(Generic[Found]):
    """Outcome of a cell: ``ok``, ``skipped``, ``unavailable``, ``oom`` or ``failed``, with the reason.

    ``found`` is what the work gave, one item an image or a row; nothing unless ``ok``.
    """

    status: str
    reason: str = ""
    found: tuple[Found, ...] = ()


def upscale_images(
    upscaler: engines.Upscaler, jobs: Sequence[tuple[Path, Path]], label: str = ""
) -> list[float]:
    """Upscale ``(LR path, SR path)`` pairs; returns the seconds of compute per image.

    Decoding and encoding overlap with compute.  Images of one size are computed together where the engine
    gains from it; each then has an equal part of the time.  Several threads of the CPU compute an image each,
    whose times then overlap.  SR files are written atomically as PNG.
    """
    seconds = [0.0] * len(jobs)
    batches = _batches([lr for lr, _ in jobs], upscaler.batch)
    workers = upscaler.side_by_side(len(batches))
    if workers > 1:
        # The largest first, so that at the end no worker has a large one while the others have none.
        batches.sort(key=lambda batch: _pixels(jobs[batch[0]][0]), reverse=True)

    def read(batch: Sequence[int]) -> list[tuple[int, np.ndarray]]:
        return [(index, read_image(jobs[index][0]).array) for index in batch]

    def compute(images: Sequence[tuple[int, np.ndarray]]) -> list[tuple[np.ndarray, Path]]:
        done = []
        # What a file says of its size is not always what it decodes to.
        for _, same in groupby(images, lambda image: image[1].shape):
            indices, lrs = zip(*same, strict=True)
            start = time.perf_counter()
            srs = upscaler.many(lrs)
            each = (time.perf_counter() - start) / len(lrs)
            for index, sr in zip(indices, srs, strict=True):
                seconds[index] = each
                done.append((sr, jobs[index][1]))
        return done

    def write(result: tuple[np.ndarray, Path]) -> None:
        write_png(result[1], result[0])

    decoded = map_ordered(read, batches, _AHEAD)
    # One worker is this thread.
    computed = map(compute, decoded) if workers == 1 else map_completed(compute, decoded, workers, ahead=1)
    with tqdm(total=len(jobs), desc=label, unit="image", leave=False, mininterval=1) as bar:
        for _ in map_ordered(write, chain.from_iterable(computed), _AHEAD):
            bar.update()
    return seconds


def _pixels(source: Path) -> int:
    width, height, _ = stored_size(source)
    return width * height


def _batches(sources: Sequence[Path], most: int) -> list[list[int]]:
    """Indices of the images that run together: of one size, and at most ``most``."""
    if most == 1:
        return [[index] for index in range(len(sources))]
    by_size: dict[object, list[int]] = {}
    for index, source in enumerate(sources):
        by_size.setdefault(stored_size(source), []).append(index)
    return [same[first : first + most] for same in by_size.values() for first in range(0, len(same), most)]


def attempt(work: Callable[[], tuple[Found, ...]]) -> Status[Found]:
    """Run a cell and turn what can be expected of a model into a status; a bug passes through."""
    try:
        return Status("ok", found=work())
    except ModelSkipped as error:
        return Status("skipped", str(error))
    except ModelUnavailable as error:
        return Status("unavailable", str(error))
    except ModelError as error:
        return Status("failed", str(error))
    except Exception as error:
        if is_out_of_memory(error):
            return Status("oom", next(iter(str(error).splitlines()), "out of memory on the CPU"))
        raise


@dataclass(frozen=True)
class ScaledModel:
    """A model at one scale.

    ``weights`` is called where they are needed: role -> path; raises :class:`ModelUnavailable` where they
    could not be had.
    """

    model: Model
    scale: int
    weights: Callable[[], Mapping[str, Path]] = dict

    @classmethod
    def of_run(cls, name: str, scale: int, source: Path | None) -> ScaledModel:
        """A model of the registry with what the workflow made of its weights, see :func:`weight_files`."""
        model = get(name)
        return cls(model, scale, lambda: weight_files(model, scale, source))


def upscale_cell(
    scaled: ScaledModel,
    lr_manifest: Path,
    out_dir: Path,
    status_path: Path,
    *,
    execution: Execution | None = None,
    shard: tuple[int, int] = (0, 1),
    attempt_number: int = 1,
) -> SrManifest:
    """Upscale every ``n``-th image of an LR set and write PNGs and the status file.

    Parameters
    ----------
    lr_manifest : JSON of :func:`sisr.lr.degrade.make_lr`
    shard : (index, count): images ``index, index + count, ...`` of the manifest's order
    execution : on the best device with one thread, where it is not given
    attempt_number : how often the workflow started this job, 1 the first time

    The status file is JSON of :class:`sisr.base.manifest.SrManifest`.
    """
    watch = Stopwatch()
    model, scale, execution = scaled.model, scaled.scale, execution or Execution()
    index, count = shard
    lr_set = Manifest.read(lr_manifest)
    images = lr_set.images[index::count]
    out_dir.mkdir(parents=True, exist_ok=True)
    resolved = devices.resolve(execution.device)
    notes: list[str] = []

    def work() -> tuple[SrImage, ...]:
        files = scaled.weights()
        with devices.lease(resolved) as leased:
            upscaler = engines.load(model, scale, files, leased, execution.threads, execution.options)
            jobs = [(lr_set.path_of(image), out_dir / f"{image.name}.png") for image in images]
            seconds = upscale_images(upscaler, jobs, model.label)
            notes.extend(upscaler.notes)
        return tuple(
            SrImage(name=image.name, file=relative(target, status_path), seconds=round(each, 6))
            for image, (_, target), each in zip(images, jobs, seconds, strict=True)
        )

    status = attempt(work)
    if status.status != "ok":
        log.warning("%s x%d: %s: %s", model.id, scale, status.status, status.reason)
    done = SrManifest(
        path=status_path,
        model=model.id,
        scale=scale,
        device=resolved,
        threads=execution.threads,
        status=status.status,
        reason=status.reason,
        notes=notes,
        job=watch.read(resolved, attempt_number),
        images=status.found,
    )
    done.write()
    return done


def weight_files(model: Model, scale: int, source: Path | None) -> Mapping[str, Path]:
    """Role -> path of the weights of a scale.

    ``source`` is what the workflow made of them: the manifest of a fetched asset, trained ``.safetensors``,
    or None for a model without weights.  :class:`ModelUnavailable` if the asset could not be had.
    """
    weights = model.weights_for(scale)
    if weights is None or source is None:
        return {}
    if weights.recipe:
        return {"state": source}
    manifest = FetchedAsset.read(source)
    if manifest.status != "ok":
        raise ModelUnavailable(manifest.reason)
    return {role: manifest.path(name) for role, name in weights.files.items()}


def upscale_folder(
    upscaler: engines.Upscaler, sources: Iterable[Path], out_dir: Path, label: str = ""
) -> list[Path]:
    """Upscale single files into ``out_dir/<stem>.png``; returns the files written (for the command line)."""
    targets: dict[Path, Path] = {}
    for source in sources:
        target = out_dir / f"{source.stem}.png"
        if target in targets:
            raise ImageError(f"{source}: would overwrite the result of {targets[target].name}")
        if target.exists() and target.samefile(source):
            raise ImageError(f"{source}: the result would overwrite it; give another folder")
        targets[target] = source
    out_dir.mkdir(parents=True, exist_ok=True)
    upscale_images(upscaler, [(source, target) for target, source in targets.items()], label)
    return list(targets)
