"""Test images among training images: equal pixels, and near duplicates by a perceptual hash.

The hash is the sign of the 16x16 lowest frequencies of a 64x64 image (a DCT hash, Zauner 2010, section
3.2.1, of 256 bits instead of 64).  It survives scaling, JPEG, gray conversion, a change of brightness and the
loss of a thin border; training images are also compared turned and mirrored.  A crop of less than about
nine tenths of an image is another image to it.

``config/fingerprints.tsv`` holds the fingerprints of all registered test sets, so that the
comparison needs none of their images: ``python -m sisr.training.leakage`` writes it from those that are in
``resources/``.
"""

from __future__ import annotations

import csv
import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sisr.base import registry
from sisr.base.atomic import write_text
from sisr.base.colour import rgb_to_y
from sisr.base.errors import ConfigError, TrainingError
from sisr.base.image_files import list_images, natural_key
from sisr.base.images import pixel_digest, read_image
from sisr.base.matching import hr_images
from sisr.training.patches import TrainingImage

log = logging.getLogger(__name__)

FINGERPRINTS = "fingerprints.tsv"
_COLUMNS = ("dataset", "image", "pixels", "hash")

#: Side of the image that is hashed, and of the square of its lowest frequencies.
_SIDE, _LOW = 64, 16
#: Bits of 256 that near duplicates may differ in.  Set14's `face`, which is Set5's `head` without two pixels
#: on each side, differs in 6 from it; of 291 x 125 x 8 comparisons of different images none is below 60.
NEAR = 40


@dataclass(frozen=True)
class Fingerprint:
    """An image of a test set: sha256 of its pixels and its perceptual hash in hex."""

    dataset: str
    image: str
    pixels: str
    hash: str


@dataclass(frozen=True)
class Hit:
    """A training image (``trained``) that is in a test set.

    ``bits`` of the 256 of their hashes differ; None where the pixels are equal.
    """

    trained: str
    dataset: str
    image: str
    bits: int | None

    def __str__(self) -> str:
        how = "the same pixels" if self.bits is None else f"a near duplicate, {self.bits} of 256 bits differ"
        return f"{self.trained} is {self.dataset}/{self.image} ({how})"


def perceptual_hash(pixels: np.ndarray) -> np.ndarray:
    """256 bits (bool) of a uint8 image ``(h, w)`` or ``(h, w, 3)``."""
    return _bits(_thumbnail(pixels))


def _thumbnail(pixels: np.ndarray) -> np.ndarray:
    import cv2

    y = pixels.astype(np.float64) if pixels.ndim == 2 else rgb_to_y(pixels)
    return cv2.resize(y.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)


def _bits(thumbnail: np.ndarray) -> np.ndarray:
    import cv2

    low = cv2.dct(np.ascontiguousarray(thumbnail))[:_LOW, :_LOW].ravel()
    # The first coefficient is the mean, which tells nothing; the median makes as many ones as zeros.
    return low > np.median(low[1:])


def _to_hex(bits: np.ndarray) -> str:
    return np.packbits(bits).tobytes().hex()


def _from_hex(text: str) -> np.ndarray:
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8)).astype(bool)


def fingerprint(dataset: str, image: str, pixels: np.ndarray) -> Fingerprint:
    """Fingerprint of one test image."""
    return Fingerprint(dataset, image, pixel_digest(pixels), _to_hex(perceptual_hash(pixels)))


def read_fingerprints(config: Path = registry.CONFIG) -> list[Fingerprint]:
    """Fingerprints of the registered test sets, and of the folders among them that are there.

    Raises :class:`ConfigError` where the table is not one.
    """
    path = config / FINGERPRINTS
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            found = [Fingerprint(**row) for row in csv.DictReader(stream, delimiter="\t")]
    except (OSError, TypeError) as error:
        raise ConfigError(f"{path}: not a table of fingerprints: {error}") from None
    for dataset, entry in registry.load("datasets", config).items():
        folder = Path(entry.get("path", "")).expanduser()
        if "path" in entry and folder.is_dir():
            images = hr_images(list_images(folder))
            found += [fingerprint(dataset, path.stem, read_image(path).array) for path in images]
    return found


def find(sources: Sequence[TrainingImage], fingerprints: Sequence[Fingerprint]) -> list[Hit]:
    """Training images that are test images, one hit for each pair."""
    if not fingerprints:
        return []
    pixels = [one.pixels for one in fingerprints]
    known = np.stack([_from_hex(one.hash) for one in fingerprints])
    hits = []
    for source in sources:
        digest = pixel_digest(source.pixels)
        thumbnail = _thumbnail(source.pixels)
        turned = [np.rot90(face, turns) for face in (thumbnail, thumbnail[:, ::-1]) for turns in range(4)]
        bits = np.stack([_bits(one) for one in turned])
        differing = (bits[:, None] != known[None]).sum(axis=2).min(axis=0)
        for number, one in enumerate(fingerprints):
            if digest == pixels[number]:
                hits.append(Hit(source.name, one.dataset, one.image, None))
            elif differing[number] <= NEAR:
                hits.append(Hit(source.name, one.dataset, one.image, int(differing[number])))
    return hits


def check(
    name: str, sources: Sequence[TrainingImage], fingerprints: Sequence[Fingerprint], mode: str
) -> list[dict[str, object]]:
    """Hits as plain values for the metadata.

    Raises :class:`TrainingError` for a hit if ``mode`` is ``stop``; with ``record`` it is logged.
    """
    hits = find(sources, fingerprints)
    if hits and mode == "stop":
        more = f", and {len(hits) - 1} more" if len(hits) > 1 else ""
        raise TrainingError(
            f"{name}: training image {hits[0]}{more}; take it out of the data, or say leakage: record"
        )
    for hit in hits:
        log.warning("%s: training image %s", name, hit)
    return [asdict(hit) for hit in hits]


def check_validation(name: str, train: Sequence[TrainingImage], validation: Sequence[TrainingImage]) -> None:
    """Raise :class:`TrainingError` if a validation image is also trained on."""
    hits = find(train, [fingerprint("validation", one.name, one.pixels) for one in validation])
    if hits:
        raise TrainingError(f"{name}: validation: training image {hits[0]}; a split must not overlap")


def write_fingerprints(datasets: Iterable[str], resources: Path, config: Path = registry.CONFIG) -> Path:
    """Write the table for datasets whose assets are in ``resources/assets``."""
    from sisr.data.datasets import source_files

    rows = []
    for dataset in datasets:
        manifest = resources / "assets" / f"{registry.entry('datasets', dataset, config)['asset']}.json"
        files = source_files(dataset, manifest, config)
        for name in sorted(files, key=natural_key):
            rows.append(fingerprint(dataset, Path(name).stem, read_image(files[name]).array))
    path = config / FINGERPRINTS
    lines = ["\t".join(_COLUMNS), *("\t".join(asdict(row).values()) for row in rows)]
    write_text(path, "\n".join(lines) + "\n")
    return path


if __name__ == "__main__":
    with_assets = [name for name, entry in registry.load("datasets").items() if "asset" in entry]
    print(write_fingerprints(sys.argv[1:] or with_assets, registry.ROOT / "resources"))
