"""SR images of a program that is not run here, as a cell of the benchmark."""

from __future__ import annotations

from pathlib import Path

from sisr.base.errors import ImageError
from sisr.base.image_files import list_images
from sisr.base.images import read_image, write_png
from sisr.base.machine import Stopwatch
from sisr.base.manifest import HrImage, HrManifest, LrManifest, SrImage, SrManifest, relative
from sisr.base.matching import match, references
from sisr.base.ordered import map_ordered
from sisr.models.model_entries import Model

#: What the status of such a cell says that it ran on.
DEVICE = "another program"


def take_sr(
    model: Model,
    hr_manifest: Path,
    lr_manifest: Path,
    out_dir: Path,
    status_path: Path,
    *,
    shard: tuple[int, int] = (0, 1),
    threads: int = 2,
) -> SrManifest:
    """Take the outputs of a model on an LR set, as :func:`sisr.upscaling.upscale.upscale_cell` makes them.

    Which file belongs to which image their names say (:mod:`sisr.base.matching`).  The cell is ``skipped``
    where the model has no outputs for the dataset and scale.  Raises :class:`ImageError` where names leave a
    choice, an image is missing, or one has not the size of its HR image.
    """
    watch = Stopwatch()
    lr_set, hr_set = LrManifest.read(lr_manifest), HrManifest.read(hr_manifest)
    out_dir.mkdir(parents=True, exist_ok=True)
    folder = model.outputs.get(hr_set.dataset, {}).get(lr_set.scale)
    images: tuple[SrImage, ...] = ()
    reason = ""
    if folder is None:
        reason = f"{model.label} has no outputs for {hr_set.dataset} at x{lr_set.scale}"
    else:
        by_source = {image.source: image for image in hr_set.images}
        names = references(Path(source) for source in by_source)
        given = match(names, list_images(folder), lr_set.scale)

        def take(item: tuple[HrImage, Path]) -> SrImage:
            image, path = item
            sr = read_image(path).array
            height, width = (side - side % lr_set.scale for side in (image.height, image.width))
            if sr.shape[:2] != (height, width):
                found = f"{sr.shape[1]}x{sr.shape[0]}"
                raise ImageError(
                    f"{path}: expected {width}x{height} pixels, as {image.source}, found {found}"
                )
            target = out_dir / f"{image.name}.png"
            write_png(target, sr)
            return SrImage(name=image.name, file=relative(target, status_path), seconds=0.0)

        pairs = [(by_source[path.name], given[name]) for name, path in names.items()]
        images = tuple(map_ordered(take, pairs[shard[0] :: shard[1]], threads))
    done = SrManifest(
        path=status_path,
        model=model.id,
        scale=lr_set.scale,
        device=DEVICE,
        status="skipped" if folder is None else "ok",
        reason=reason,
        notes=[] if folder is None else [f"outputs that were given, of {folder.name}"],
        job=watch.read("cpu", 1),
        images=images,
    )
    done.write()
    return done
