"""Test sets: from fetched or own files to checked HR images with a manifest.

A dataset is an entry of ``config/datasets.yaml``: an asset, or a folder of the user's.  Preparing decodes
every image by the rules of :mod:`sisr.base.images` and writes it as 8-bit PNG, uncropped; the manifest says
what each image was made of and which rules applied.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sisr.base import registry
from sisr.base.errors import AssetError, ImageError
from sisr.base.image_files import SUFFIXES, natural_key, own_images
from sisr.base.images import decode_image, pixel_digest, read_bytes, write_png
from sisr.base.manifest import HrImage, HrManifest, relative
from sisr.base.ordered import map_ordered
from sisr.data.assets import FetchedAsset


def prepare(
    dataset: str,
    *,
    asset_record: Path | None,
    out_dir: Path,
    manifest: Path,
    threads: int = 2,
    path: str | None = None,
    config: Path = registry.CONFIG,
) -> HrManifest:
    """Prepare a dataset of the registry from its fetched asset, or from its own folder.

    ``asset_record`` is what :func:`sisr.data.assets.fetch` wrote; None where the entry names a ``path``.
    ``path`` takes the place of that of the entry.  See :func:`prepare_files` for the rest.
    """
    files = source_files(dataset, asset_record, config, path)
    expected = registry.entry("datasets", dataset, config).get("expected", {})
    return prepare_files(dataset, files, out_dir, manifest, expected, threads)


def source_files(
    dataset: str, asset_record: Path | None, config: Path = registry.CONFIG, path: str | None = None
) -> dict[str, Path]:
    """Image files of a dataset by file name.

    Raises
    ------
    AssetError : the asset is not available
    ImageError : the folder does not exist, has no image, or has images of kinds that are not read
    """
    entry = registry.entry("datasets", dataset, config)
    if folder := path or entry.get("path"):
        return {file.name: file for file in own_images(Path(folder).expanduser())}
    if asset_record is None:
        raise AssetError(
            f"dataset '{dataset}': expected the record of fetched asset '{entry['asset']}', found none"
        )
    fetched = FetchedAsset.read(asset_record)
    if fetched.status != "ok":
        raise AssetError(f"dataset '{dataset}': asset '{fetched.asset}' is unavailable: {fetched.reason}")
    return {name: path for name, path in fetched.paths().items() if path.suffix.lower() in SUFFIXES}


def prepare_files(
    dataset: str,
    files: Mapping[str, Path],
    out_dir: Path,
    manifest: Path,
    expected: Mapping[str, Any] | None = None,
    threads: int = 2,
) -> HrManifest:
    """Decode images, write them as PNG, and write the manifest last.

    Parameters
    ----------
    files : file name -> where it lies; the stem of the name becomes the image's name
    out_dir : gets ``<image name>.png``
    manifest : JSON of :class:`sisr.base.manifest.HrManifest`
    expected : the ``expected`` key of a registry entry
    threads : images decoded at once, and so held in memory

    Returns
    -------
    The manifest.

    Raises
    ------
    ImageError
        A file cannot be read; two files would have the same name; or the images are not the ``expected``.
    """
    expected = expected or {}
    if "images" in expected and len(files) != expected["images"]:
        raise ImageError(f"dataset '{dataset}': expected {expected['images']} images, found {len(files)}")
    named = image_names(files)
    names = sorted(named, key=natural_key)

    def work(name: str) -> HrImage:
        source = named[name]
        data = read_bytes(files[source])
        image = decode_image(data, str(files[source]))
        _check_size(dataset, source, image.array.shape, expected)
        target = out_dir / f"{name}.png"
        write_png(target, image.array)
        return HrImage(
            name=name,
            file=relative(target, manifest),
            source=source,
            source_sha256=hashlib.sha256(data).hexdigest(),
            height=image.array.shape[0],
            width=image.array.shape[1],
            channels=1 if image.array.ndim == 2 else 3,
            notes=tuple(image.notes),
            sha256=pixel_digest(image.array),
        )

    results = map_ordered(work, names, threads)
    images = tuple(tqdm(results, dataset, len(names), unit="image"))
    prepared = HrManifest(path=manifest, dataset=dataset, images=images)
    prepared.write()
    return prepared


def image_names(files: Mapping[str, Any]) -> dict[str, str]:
    """Image name -> file name.

    An image's name is the stem of its file.  Anything but letters, digits, ``.``, ``-``, ``+`` and ``_``
    becomes ``_``, since names go into paths, tables and web pages.

    Raises
    ------
    ImageError : two files would have one name, also if they differ in case alone, as on some file systems
    """
    names: dict[str, str] = {}
    taken: dict[str, str] = {}
    for file in sorted(files, key=natural_key):
        stem = unicodedata.normalize("NFC", Path(file).stem)
        name = re.sub(r"[^\w.+-]", "_", stem)
        if name[0] in ".-":
            name = f"_{name[1:]}"
        if name.casefold() in taken:
            raise ImageError(
                f"'{taken[name.casefold()]}' and '{file}' would both be image '{name}': rename one"
            )
        taken[name.casefold()] = file
        names[name] = file
    return names


def _check_size(dataset: str, source: str, shape: tuple[int, ...], expected: Mapping[str, Any]) -> None:
    least = expected.get("min_longest_side", 1)
    if max(shape[:2]) < least:
        hint = f"; {expected['hint']}" if "hint" in expected else ""
        raise ImageError(
            f"dataset '{dataset}': {source}: expected a longest side of at least {least} pixels, "
            f"found {shape[1]}x{shape[0]}{hint}"
        )
