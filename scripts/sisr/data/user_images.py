"""User images: the config key ``user_images`` adds a folder of them to a run.

As HR they are a dataset like any other, ``user-images``, with the run's models and scales and its first LR
kernel.  As LR they have nothing to be compared with and are no cells: see :mod:`sisr.report.given_tables`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sisr.base import registry
from sisr.base.cells import GIVEN, Cell
from sisr.base.errors import ConfigError, ImageError
from sisr.base.image_files import list_images
from sisr.base.matching import hr_images

#: Id in ``config/datasets.yaml``; the suite has the name of the config's key.
DATASET, SUITE = "user-images", "user_images"
#: What stands for the kernel in tables: "LR by ...".
GIVEN_LABEL = "no kernel (the images as they are)"
#: What LR user images are scored by where the run has no measure of the SR image alone.
ALONE = "niqe@y-bt601-uint8"


@dataclass(frozen=True)
class UserImages:
    """``path``: the folder as the config gives it; ``lr``: whether the images are LR instead of HR."""

    path: str
    lr: bool

    @property
    def folder(self) -> Path:
        return Path(self.path).expanduser()

    @classmethod
    def of(cls, section: Mapping[str, Any] | None) -> UserImages | None:
        """From a section of a checked config; None without one."""
        return None if section is None else cls(section["path"], section.get("as", "hr") == "lr")

    def require(self, source: str = "config") -> None:
        """Raise :class:`ConfigError` unless the folder is there and all images in it are of known kinds."""
        try:
            images = list_images(self.folder)
            if self.lr and len(hr_images(images)) < len(images):
                raise ImageError(f"{self.folder}: HR images beside the LR ones: expected LR images alone")
        except ImageError as error:
            raise ConfigError(f"{source}: user_images.path: {error}") from None


def settings(cells: Iterable[NamedTuple]) -> list[tuple[str, int, str]]:
    """(kernel, scale, model) for user images: what the cells have, with each scale's first kernel."""
    kernels: dict[int, str] = {}
    for _, kernel, scale, _ in cells:
        kernels.setdefault(scale, kernel)
    pairs = dict.fromkeys((scale, model) for _, _, scale, model in cells)
    return [(kernels[scale], scale, model) for scale, model in pairs]


def measures_of(measures: Iterable[str], config: Path = registry.CONFIG) -> list[str]:
    """Those of a run's measures that look at the SR image alone; NIQE if the run has none."""
    metrics = registry.load("metrics", config)
    alone = [
        f"{name}@{protocol}"
        for name, entry in metrics.items()
        if entry.get("reference") == "none" and "unavailable" not in entry
        for protocol in entry["protocols"]
    ]
    return [text for text in measures if text in alone] or [ALONE]


def cell_of(scale: int, model: str) -> Cell:
    return Cell(DATASET, GIVEN, scale, model)
