"""HR and LR images of the viewer, and how its images are written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sisr.base.images import modcrop, read_image
from sisr.base.manifest import Manifest
from sisr.base.ordered import map_ordered


def write_originals(
    hr_manifest: Path, lr_manifest: Path, scale: int, out_dir: Path, quality: int | None, threads: int = 2
) -> None:
    """Write ``N.hr.webp`` (HR cropped to the scale) and ``N.lr.webp`` (always lossless) of an LR set.

    ``quality``: of WebP, 1 to 100, or None for lossless.
    """
    hr, lr = Manifest.read(hr_manifest).files, Manifest.read(lr_manifest).files
    out_dir.mkdir(parents=True, exist_ok=True)

    def work(job: tuple[int, str]) -> None:
        number, name = job
        image = modcrop(read_image(hr[name]).array, scale)
        save(image, out_dir / f"{number}.hr.webp", quality)
        save(read_image(lr[name]).array, out_dir / f"{number}.lr.webp", None)

    list(map_ordered(work, enumerate(hr), threads))


def save(image: NDArray[np.uint8], path: Path, quality: int | None) -> None:
    """Write an image as WebP of a quality (1 to 100), or lossless with None."""
    # A folder that a rule makes is whole or gone, so its files need not be.
    if quality is None:
        Image.fromarray(image).save(path, "WEBP", lossless=True, quality=50, method=2)
    else:
        Image.fromarray(image).save(path, "WEBP", quality=quality, method=2)
