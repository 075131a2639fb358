"""LR sets of images that are given, by the user or beside a dataset's HR images: nothing is degraded."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from PIL import Image

from sisr.base.cells import GIVEN
from sisr.base.errors import ImageError
from sisr.base.image_files import list_images
from sisr.base.images import pixel_digest, read_image, write_png
from sisr.base.manifest import HrImage, HrManifest, LrImage, LrManifest, relative
from sisr.base.matching import match, references
from sisr.base.ordered import map_ordered
from sisr.data.user_images import DATASET


def take_lr(hr_manifest: Path, scale: int, out_dir: Path, manifest: Path) -> LrManifest:
    """Make an LR set of images as they are, in the form of :func:`sisr.lr.degrade.make_lr`.

    ``hr_manifest`` is the manifest of :func:`sisr.data.datasets.prepare`.  Raises :class:`ImageError` for an
    image whose SR would be too large to be read again.
    """
    given = HrManifest.read(hr_manifest)
    most = 2 * (Image.MAX_IMAGE_PIXELS or math.inf)  # beyond it Pillow refuses a file
    out_dir.mkdir(parents=True, exist_ok=True)
    images = []
    for image in given.images:
        height, width = image.height, image.width
        if height * width * scale**2 > most:
            raise ImageError(
                f"{DATASET}/{image.name}: x{scale} of {width}x{height} pixels has "
                f"{height * width * scale**2 / 1e6:.0f} million, expected at most {most / 1e6:.0f} million; "
                "give a smaller image or restrict the scales"
            )
        target = out_dir / f"{image.name}.png"
        shutil.copyfile(given.path_of(image), target)
        images.append(
            LrImage(
                name=image.name,
                file=relative(target, manifest),
                height=height,
                width=width,
                channels=image.channels,
                sha256=image.sha256,
            )
        )
    lr_set = LrManifest(path=manifest, dataset=DATASET, kernel=GIVEN, scale=scale, images=tuple(images))
    lr_set.write()
    return lr_set


def take_pairs(
    hr_manifest: Path, folder: Path, scale: int, out_dir: Path, manifest: Path, threads: int = 2
) -> LrManifest:
    """Make an LR set of the LR images that a dataset gives beside its HR images.

    ``folder`` may be that of the HR images; which LR image belongs to which HR image their names say
    (:mod:`sisr.base.matching`).  Raises :class:`ImageError` where they do not, and for an HR image that has
    not ``scale`` times the size of its LR image.
    """
    hr_set = HrManifest.read(hr_manifest)
    by_source = {image.source: image for image in hr_set.images}
    names = references(Path(source) for source in by_source)
    given = match(names, list_images(folder), scale, "LR")

    def take(item: tuple[HrImage, Path]) -> LrImage:
        image, path = item
        lr = read_image(path).array
        height, width = lr.shape[:2]
        if (image.height, image.width) != (height * scale, width * scale):
            expected = f"{image.width / scale:g}x{image.height / scale:g} pixels"
            raise ImageError(
                f"dataset '{hr_set.dataset}': {path}: expected {expected}, 1/{scale} of {image.source} "
                f"({image.width}x{image.height}), found {width}x{height}"
            )
        target = out_dir / f"{image.name}.png"
        write_png(target, lr)
        return LrImage(
            name=image.name,
            file=relative(target, manifest),
            hr_height=image.height,
            hr_width=image.width,
            crop={"bottom": 0, "right": 0},
            height=height,
            width=width,
            channels=1 if lr.ndim == 2 else 3,
            sha256=pixel_digest(lr),
        )

    pairs = [(by_source[path.name], given[name]) for name, path in names.items()]
    images = tuple(map_ordered(take, pairs, threads))
    lr_set = LrManifest(path=manifest, dataset=hr_set.dataset, kernel=GIVEN, scale=scale, images=images)
    lr_set.write()
    return lr_set
