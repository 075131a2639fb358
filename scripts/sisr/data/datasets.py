"""Test sets: from fetched or own files to checked HR images with a manifest.

A dataset is an entry of ``config/datasets.yaml``: an asset, or a folder of the user's.  Preparing decodes
every image by the rules of :mod:`sisr.base.images` and writes it as 8-bit PNG, uncropped; the manifest says
what each image was made of and which rules applied.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sisr.base import registry
from sisr.base.errors import AssetError, ConfigError, ImageError
from sisr.base.image_files import SUFFIXES, list_images, natural_key
from sisr.base.images import decode_image, pixel_digest, read_bytes, write_png
from sisr.base.manifest import HrImage, HrManifest, relative
from sisr.base.matching import hr_images, references
from sisr.base.ordered import map_ordered
from sisr.data import brought
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
    entry = registry.entry("datasets", dataset, config)
    known = _known_images(entry, config)
    if known:
        files = _as_known(dataset, files, known)
    return prepare_files(dataset, files, out_dir, manifest, entry.get("expected", {}), threads, known)


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
        folder = Path(folder).expanduser()
        if "get" in entry and not folder.is_dir():
            raise ImageError(f"dataset '{dataset}': no folder {folder}: {entry['get']}")
        # The LR images may lie beside the HR images.
        return {file.name: file for file in hr_images(list_images(folder))}
    if asset_record is None:
        raise AssetError(
            f"dataset '{dataset}': expected the record of fetched asset '{entry['asset']}', found none"
        )
    fetched = FetchedAsset.read(asset_record)
    if fetched.status != "ok":
        raise AssetError(f"dataset '{dataset}': asset '{fetched.asset}' is unavailable: {fetched.reason}")
    return {name: path for name, path in fetched.paths().items() if path.suffix.lower() in SUFFIXES}


def _known_images(entry: Mapping[str, Any], config: Path) -> Mapping[str, Mapping[str, str]]:
    table = brought.table_of(entry, config)
    if table is None:
        return {}
    try:
        return brought.images_of(table)
    except (OSError, KeyError) as error:
        raise ConfigError(f"{table}: not a table of images: {error}") from None


def _as_known(dataset: str, files: Mapping[str, Path], known: Collection[str]) -> dict[str, Path]:
    """Files under the names of a table, whatever their case, kind and mark of HR."""
    folded = {name.casefold(): name for name in known}
    found = {name.casefold(): path for name, path in references(files.values()).items()}
    lacking = [name for name in known if name.casefold() not in found]
    strange = [path.name for name, path in found.items() if name not in folded]
    if lacking or strange:
        said = [f"found no image '{lacking[0]}'{_and_more(lacking)}"] if lacking else []
        said += [f"found '{strange[0]}'{_and_more(strange)}, which is none of them"] if strange else []
        raise ImageError(f"dataset '{dataset}': expected {len(known)} images, {'; '.join(said)}")
    return {f"{name}{found[name.casefold()].suffix}": found[name.casefold()] for name in known}


def _and_more(names: Collection[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def prepare_files(
    dataset: str,
    files: Mapping[str, Path],
    out_dir: Path,
    manifest: Path,
    expected: Mapping[str, Any] | None = None,
    threads: int = 2,
    known: Mapping[str, Mapping[str, str]] | None = None,
) -> HrManifest:
    """Decode images, write them as PNG, and write the manifest last.

    Parameters
    ----------
    files : file name -> where it lies; the stem of the name becomes the image's name
    out_dir : gets ``<image name>.png``
    manifest : JSON of :class:`sisr.base.manifest.HrManifest`
    expected : the ``expected`` key of a registry entry
    threads : images decoded at once, and so held in memory
    known : image name -> its row in a table of :mod:`sisr.data.brought`

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
        digest = pixel_digest(image.array)
        _check_known(dataset, source, image.array.shape, digest, (known or {}).get(name, {}), expected)
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
            sha256=digest,
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


def _check_known(
    dataset: str,
    source: str,
    shape: tuple[int, ...],
    digest: str,
    row: Mapping[str, str],
    expected: Mapping[str, Any],
) -> None:
    """Compare an image with what is known of it: its size, and the digest of its pixels."""
    hint = f"; {expected['hint']}" if "hint" in expected else ""
    size = f"{row.get('width')}x{row.get('height')}"
    if row.get("width") and size != f"{shape[1]}x{shape[0]}":
        raise ImageError(
            f"dataset '{dataset}': {source}: expected {size} pixels, found {shape[1]}x{shape[0]}{hint}"
        )
    if row.get("pixels") and row["pixels"] != digest:
        raise ImageError(
            f"dataset '{dataset}': {source}: expected pixels of sha256 {row['pixels']}, found {digest}{hint}"
        )


def _check_size(dataset: str, source: str, shape: tuple[int, ...], expected: Mapping[str, Any]) -> None:
    least = expected.get("min_longest_side", 1)
    if max(shape[:2]) < least:
        hint = f"; {expected['hint']}" if "hint" in expected else ""
        raise ImageError(
            f"dataset '{dataset}': {source}: expected a longest side of at least {least} pixels, "
            f"found {shape[1]}x{shape[0]}{hint}"
        )
