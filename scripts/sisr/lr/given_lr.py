"""The user's own images as the LR set that they are: nothing is degraded."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from sisr.base.atomic import write_json
from sisr.base.errors import ImageError
from sisr.data.datasets import relative
from sisr.data.my_photos import DATASET, GIVEN

if TYPE_CHECKING:
    pass


def take_lr(pictures: Path, scale: int, out_dir: Path, manifest: Path) -> dict[str, Any]:
    """Make an LR set of pictures as they are, in the form of :func:`sisr.lr.degrade.make_lr`.

    ``pictures`` is the manifest of :func:`sisr.data.datasets.prepare`.  Raises :class:`ImageError` for a
    picture whose SR would be too large to be read again.
    """
    document = json.loads(pictures.read_text(encoding="utf-8"))
    most = 2 * (Image.MAX_IMAGE_PIXELS or math.inf)  # beyond it Pillow refuses a file
    out_dir.mkdir(parents=True, exist_ok=True)
    images = []
    for image in document["images"]:
        height, width = image["height"], image["width"]
        if height * width * scale**2 > most:
            raise ImageError(
                f"{DATASET}/{image['name']}: x{scale} of {width}x{height} pixels has "
                f"{height * width * scale**2 / 1e6:.0f} million, expected at most {most / 1e6:.0f} million; "
                "give a smaller picture or restrict the scales"
            )
        target = out_dir / f"{image['name']}.png"
        shutil.copyfile(pictures.parent / image["file"], target)
        kept = {key: image[key] for key in ("height", "width", "channels", "sha256")}
        images.append({"name": image["name"], "file": relative(target, manifest), **kept})
    content = {"dataset": DATASET, "kernel": GIVEN, "scale": scale, "images": images}
    write_json(manifest, content)
    return content
