"""The user's own images as the LR set that they are: nothing is degraded."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from PIL import Image

from sisr.base.errors import ImageError
from sisr.base.manifest import HrManifest, LrImage, LrManifest, relative
from sisr.data.user_images import DATASET, GIVEN


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
