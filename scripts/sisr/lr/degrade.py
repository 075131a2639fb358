"""LR sets: every HR image cropped to a multiple of the scale and downsampled with a kernel.

The crop takes rows at the bottom and columns at the right, before the kernel is applied, so that the kernel's
border is that of the cropped image.  The LR sets that the field shares were made like this (verified for odd
sizes on PAN's Set14 x2: no differing value for comic, ppt3 and zebra; resizing them uncropped differs).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from sisr.base import registry
from sisr.base.cells import draw_key
from sisr.base.errors import ConfigError, ImageError
from sisr.base.image_files import list_images, natural_key
from sisr.base.images import modcrop, pixel_digest, read_image, write_png
from sisr.base.manifest import HrImage, HrManifest, LrImage, LrManifest, relative
from sisr.base.matching import hr_images
from sisr.base.ordered import map_ordered
from sisr.data.datasets import image_names
from sisr.lr import kernels

#: An HR image must give at least this many LR pixels a side; of fewer there is no image to speak of.
MIN_LR_SIDE = 2


def degrade(
    hr: NDArray[np.uint8],
    kernel: str,
    scale: int,
    name: str = "image",
    rng_key: str | None = None,
    config: Path = registry.CONFIG,
) -> NDArray[np.uint8]:
    """LR image of an HR image: uint8 (H, W[, 3]) -> (H // scale, W // scale[, 3]).

    Raises
    ------
    ConfigError : unknown kernel, or a scale below 1
    ImageError : the HR image is too small for the scale; the message calls it ``name``
    """
    if scale < 1:
        raise ConfigError(f"scale: expected 1 or more, found {scale}")
    height, width = hr.shape[:2]
    least = MIN_LR_SIDE * scale
    if min(height, width) < least:
        raise ImageError(
            f"{name}: expected at least {least}x{least} pixels for x{scale}, found {width}x{height}"
        )
    return kernels.apply(kernel, modcrop(hr, scale), scale, rng_key, config)


def make_lr(
    hr_manifest: Path,
    kernel: str,
    scale: int,
    *,
    out_dir: Path,
    manifest: Path,
    seed: int = 0,
    threads: int = 2,
) -> LrManifest:
    """Downsample the images of a prepared dataset; write PNGs, and the manifest last.

    Parameters
    ----------
    hr_manifest : JSON of :func:`sisr.data.datasets.prepare`
    kernel, scale : id in ``config/kernels.yaml``; 1 or more
    out_dir : gets ``<image name>.png``
    manifest : JSON of :class:`sisr.base.manifest.LrManifest`
    seed : enters the keys of random kernels; others ignore it
    threads : images in work at once

    Returns
    -------
    The manifest.

    Raises
    ------
    ImageError : an image cannot be read or written, or is too small for the scale
    ConfigError : unknown kernel
    """
    entry = registry.entry("kernels", kernel)
    hr_set = HrManifest.read(hr_manifest)
    dataset = hr_set.dataset

    def work(image: HrImage) -> LrImage:
        name = image.name
        hr = read_image(hr_set.path_of(image)).array
        key = draw_key(seed, dataset, name, kernel, scale)
        lr = degrade(hr, kernel, scale, f"{dataset}/{name}", key)
        target = out_dir / f"{name}.png"
        write_png(target, lr)
        height, width = lr.shape[:2]
        return LrImage(
            name=name,
            file=relative(target, manifest),
            hr_height=height * scale,
            hr_width=width * scale,
            crop={"bottom": hr.shape[0] - height * scale, "right": hr.shape[1] - width * scale},
            height=height,
            width=width,
            channels=1 if lr.ndim == 2 else 3,
            sha256=pixel_digest(lr),
        )

    results = map_ordered(work, hr_set.images, threads)
    label = f"{dataset} {kernel} x{scale}"
    lr_set = LrManifest(
        path=manifest,
        dataset=dataset,
        kernel=kernel,
        scale=scale,
        function=entry["function"],
        params=kernels.params(entry, scale),
        border=entry["border"],
        phase=tuple(kernels.phase(entry, scale)),
        images=tuple(tqdm(results, label, len(hr_set.images), unit="image")),
    )
    lr_set.write()
    return lr_set


def degrade_folder(
    in_dir: Path,
    out_dir: Path,
    kernel: str,
    scale: int,
    *,
    seed: int = 0,
    threads: int = 2,
    config: Path = registry.CONFIG,
) -> list[Path]:
    """Downsample every HR image of a folder to ``out_dir/<stem>.png``; the files written, in natural order.

    Raises
    ------
    ImageError
        No image in the folder; two files with one stem; an image that cannot be read or written or is too
        small; or ``out_dir`` is the folder itself, whose images would be overwritten.
    ConfigError : unknown kernel
    """
    registry.entry("kernels", kernel, config)
    sources = {path.name: path for path in hr_images(list_images(in_dir))}
    if out_dir.resolve() == in_dir.resolve():
        raise ImageError(f"{out_dir}: expected another folder than that of the HR images")
    image_names(sources)  # refuses stems that collide

    def work(source: Path) -> Path:
        key = f"{seed}/{source.stem}/{kernel}/x{scale}"
        lr = degrade(read_image(source).array, kernel, scale, str(source), key, config)
        target = out_dir / f"{source.stem}.png"
        write_png(target, lr)
        return target

    ordered = sorted(sources.values(), key=lambda path: natural_key(path.name))
    return list(tqdm(map_ordered(work, ordered, threads), f"{kernel} x{scale}", len(ordered), unit="image"))
