"""Manifests: which images a set on disk has, one JSON file beside the folder of the images.

Every manifest has ``images`` in the order of the dataset, each with at least its ``name`` and ``file``, a
POSIX path relative to the manifest's folder.  There are three kinds below ``results/<run>/``:

* :class:`HrManifest`, ``hr/<dataset>.json``: what each HR image was made of, its size and pixels' digest;
* :class:`LrManifest`, ``lr/<dataset>/<kernel>/x<scale>.json``: the kernel, and the size of each LR image;
* :class:`SrManifest`, ``sr/<dataset>/<kernel>/x<scale>/<model>/<shard>.json``: the status of an upscaling
  job, and the SR images that it wrote.

Where names and files are enough, :meth:`Manifest.read` reads any of them.  None holds times or paths of the
machine, but for the status of a job: the same inputs give the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from sisr.base import registry
from sisr.base.atomic import write_json
from sisr.base.errors import ManifestError


@dataclass(frozen=True, kw_only=True)
class ListedImage:
    """An image of a set: its name, and its file relative to the manifest's folder."""

    name: str
    file: str


@dataclass(frozen=True, kw_only=True)
class HrImage(ListedImage):
    """An HR image.

    ``source`` and ``source_sha256`` are the file that it was made of, ``height`` and ``width`` its size in
    pixels, ``channels`` 1 or 3, ``notes`` which rules of decoding applied, ``sha256`` that of the pixels.
    """

    source: str = ""
    source_sha256: str = ""
    height: int
    width: int
    channels: int
    notes: Sequence[str] = ()
    sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class LrImage(ListedImage):
    """An LR image.

    ``hr_height`` and ``hr_width`` are the size in pixels of the HR image after the ``crop``: rows cut at the
    ``bottom`` and columns cut at the ``right``.  LR images that were given, not made, have none of the three.
    ``height``, ``width``, ``channels`` (1 or 3) and ``sha256`` (of the pixels) are the LR image's own.
    """

    hr_height: int | None = None
    hr_width: int | None = None
    crop: Mapping[str, int] | None = None
    height: int
    width: int
    channels: int
    sha256: str = ""


@dataclass(frozen=True, kw_only=True)
class SrImage(ListedImage):
    """An SR image, and the seconds of compute that it took."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The images of a set; ``path`` is where the JSON lies, and no part of its content."""

    kind: ClassVar[type[ListedImage]] = ListedImage
    path: Path = field(compare=False)
    images: Sequence[ListedImage]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest.

        Keys that the class does not know are left out.  :class:`ManifestError` in one line if the file cannot
        be read, lacks a key, or has an image twice.
        """
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ManifestError(f"{path}: cannot read: {error.strerror}") from None
        except ValueError as error:
            raise ManifestError(f"{path}: not JSON: {error}") from None
        if not isinstance(document, dict):
            raise ManifestError(f"{path}: expected a JSON object, found {type(document).__name__}")
        if not isinstance(document.get("images"), list):
            raise ManifestError(f"{path}: expected a list of images, found no 'images'")
        images = [cls.kind(**_known(cls.kind, image, path)) for image in document["images"]]
        names = [image.name for image in images]
        if len(set(names)) != len(names):
            twice = next(name for index, name in enumerate(names) if name in names[:index])
            raise ManifestError(f"{path}: image '{twice}' twice")
        return cls(**{**_known(cls, document | {"path": path}, path), "images": tuple(images)})

    def write(self) -> None:
        """Write the JSON atomically; what is None is left out."""
        head = {one.name: getattr(self, one.name) for one in fields(self)[2:]}
        images = [_present(vars(image)) for image in self.images]
        write_json(self.path, {**_present(head), "images": images})

    def path_of(self, image: ListedImage) -> Path:
        """Where the file of an image of this set lies."""
        return self.path.parent / image.file

    @cached_property
    def files(self) -> Mapping[str, Path]:
        """Where the files lie, by the names of the images, in their order."""
        return {image.name: self.path_of(image) for image in self.images}


@dataclass(frozen=True, kw_only=True)
class HrManifest(Manifest):
    """The HR images of a dataset, in natural order of their names."""

    kind = HrImage
    images: Sequence[HrImage]
    dataset: str

    @classmethod
    def of_others(cls, path: Path) -> HrManifest:
        """Read one that came with a run of somebody else's: whose values may be of any type."""
        registry.read_json(path, "hr-manifest")
        return cls.read(path)


@dataclass(frozen=True, kw_only=True)
class LrManifest(Manifest):
    """The LR images of a dataset under one kernel and scale, in the order of the HR manifest.

    ``function``, ``params``, ``border`` and ``phase`` are the kernel's; LR images that were given have none.
    """

    kind = LrImage
    images: Sequence[LrImage]
    dataset: str
    kernel: str
    scale: int
    function: str | None = None
    params: Mapping[str, Any] | None = None
    border: str | None = None
    phase: Sequence[float] | None = None


@dataclass(frozen=True, kw_only=True)
class SrManifest(Manifest):
    """Status of one upscaling job, and the SR images that it wrote: none unless the status is ``ok``.

    ``status`` is ``ok``, ``skipped``, ``unavailable``, ``oom`` or ``failed``, with the ``reason``; ``device``
    and ``threads`` are what the model ran on, ``notes`` what was not plain about it, ``job`` how it went, see
    :class:`sisr.base.machine.Stopwatch`.
    """

    kind = SrImage
    images: Sequence[SrImage]
    model: str = ""
    scale: int = 0
    device: str = ""
    threads: int | None = None
    status: str
    reason: str = ""
    notes: Sequence[str] = ()
    job: Mapping[str, Any] | None = None


def relative(path: Path, manifest: Path) -> str:
    """A file's POSIX path relative to the folder of a manifest."""
    return Path(os.path.relpath(path, manifest.parent)).as_posix()


def _known(kind: type[Any], document: Any, path: Path) -> dict[str, Any]:
    """Of a JSON object, the keys that a dataclass has."""
    found = {}
    for one in fields(kind):
        if isinstance(document, dict) and one.name in document:
            value = document[one.name]
            found[one.name] = tuple(value) if isinstance(value, list) else value
    needed = [one.name for one in fields(kind) if one.default is MISSING and one.name != "path"]
    if lacking := [name for name in needed if name not in found]:
        raise ManifestError(f"{path}: expected {', '.join(needed)}, found no '{lacking[0]}'")
    return found


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
