"""Pairs of LR and HR images, and the patches that are cut from them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from sisr.base.colour import replicate, rgb_to_y
from sisr.base.errors import ImageError, TrainingError, unknown
from sisr.base.image_files import list_images, natural_key
from sisr.base.images import decode_image, modcrop, read_bytes
from sisr.base.matching import hr_images
from sisr.lr import kernels
from sisr.lr.kernels.matlab import imresize
from sisr.models.recipes import Recipe


@dataclass(frozen=True)
class TrainingImage:
    """One image of a training or validation set: its name, its bytes' sha256 and its pixels (uint8)."""

    name: str
    sha256: str
    pixels: np.ndarray


@dataclass(frozen=True)
class TrainingPair:
    """Input and HR of one image, ``(c, h, w)`` and ``(c, s*h, s*w)``.

    Luma is float32 on [0, 1], RGB is uint8.  For a network that refines an enlarged image the input has the
    size of HR.
    """

    name: str
    lr: np.ndarray
    hr: np.ndarray


def read_sources(
    assets: Mapping[str, Mapping[str, Path]], folders: Iterable[str] = (), exclude: Iterable[str] = ()
) -> list[TrainingImage]:
    """Images of assets (id -> file name -> path) and folders, in natural order of their names.

    ``exclude`` are images to leave out, as ``asset/file`` or ``folder/file``.

    Raises
    ------
    ImageError : an image cannot be read
    TrainingError : an image that should be there, or that is to be left out, is missing
    """
    files = {f"{asset}/{name}": path for asset, paths in assets.items() for name, path in paths.items()}
    for folder in folders:
        files |= {f"{folder}/{path.name}": path for path in hr_images(list_images(Path(folder).expanduser()))}
    for name in exclude:
        if files.pop(name, None) is None:
            raise TrainingError(f"exclude: {unknown('image', name, files)}")
    sources = []
    for name in sorted(files, key=natural_key):
        if not files[name].is_file():
            raise TrainingError(f"{files[name]}: no such file; it is an image of the training data")
        content = read_bytes(files[name])
        pixels = decode_image(content, str(files[name])).array
        sources.append(TrainingImage(name, hashlib.sha256(content).hexdigest(), pixels))
    return sources


def split(sources: Sequence[TrainingImage], hold_out: int) -> tuple[list[TrainingImage], list[TrainingImage]]:
    """Training images, and ``hold_out`` evenly spaced ones that are validated on."""
    if hold_out >= len(sources):
        raise TrainingError(
            f"validation.hold_out: {hold_out} of {len(sources)} images leaves none to train on"
        )
    held = {int((i + 0.5) * len(sources) / hold_out) for i in range(hold_out)} if hold_out else set()
    train = [source for i, source in enumerate(sources) if i not in held]
    return train, [source for i, source in enumerate(sources) if i in held]


def make_pair(source: TrainingImage, recipe: Recipe, scale: int) -> TrainingPair:
    """LR of an image by the recipe's kernel, and both as the network takes them."""
    hr = modcrop(source.pixels, scale)
    lr = kernels.apply(recipe.kernel, hr, scale, f"{source.name} x{scale} {recipe.seed}")
    if recipe.colour == "y":
        small, large = _luma(lr), _luma(hr)
        if recipe.pre_upscale:
            small = imresize(small.astype(np.float64), scale).astype(np.float32)
        return TrainingPair(source.name, small[None], large[None])
    return TrainingPair(
        source.name, *(np.ascontiguousarray(replicate(p).transpose(2, 0, 1)) for p in (lr, hr))
    )


def _luma(image: np.ndarray) -> np.ndarray:
    y = image if image.ndim == 2 else rgb_to_y(image)
    return (y / 255).astype(np.float32)


def as_tensor(planes: np.ndarray) -> torch.Tensor:
    """float32 on [0, 1] of what a :class:`TrainingPair` holds."""
    tensor = torch.from_numpy(np.ascontiguousarray(planes))
    return tensor.float() / 255 if tensor.dtype == torch.uint8 else tensor


class Patches(Dataset[dict[str, Any]]):
    """``length`` random patches of pairs, flipped and turned; the same index gives the same patch.

    A patch depends on ``seed``, the scale and its index alone, so that training can go on anywhere.  Images
    are drawn by their area.  Items are BasicSR's: ``lq`` and ``gt``, float32 ``(c, h, w)`` on [0, 1].

    Raises :class:`ImageError` for an image smaller than a patch.
    """

    def __init__(self, pairs: Sequence[TrainingPair], recipe: Recipe, scale: int, length: int) -> None:
        self.opt = {"name": recipe.name}
        self.patch, self.scale, self.length, self.seed = recipe.patch, scale, length, recipe.seed
        #: Pixels of the input that stand for one of LR.
        self.step = scale if recipe.pre_upscale else 1
        self.pairs = list(pairs)
        for pair in self.pairs:
            height, width = (side // scale for side in pair.hr.shape[1:])
            if min(height, width) < self.patch:
                raise ImageError(
                    f"{pair.name}: LR at x{scale} is {width}x{height}, patches are {self.patch} wide"
                )
        area = np.array([pair.hr.size for pair in self.pairs], dtype=np.float64)
        self._bounds = np.cumsum(area / area.sum())

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = np.random.default_rng((self.seed, self.scale, index))
        where, down, right = rng.random(3)
        pair = self.pairs[min(int(np.searchsorted(self._bounds, where, side="right")), len(self.pairs) - 1)]
        height, width = (side // self.scale for side in pair.hr.shape[1:])
        row = int(down * (height - self.patch + 1))
        column = int(right * (width - self.patch + 1))
        turns, mirrored = divmod(int(rng.integers(8)), 2)
        item = {}
        for key, planes, factor in (("lq", pair.lr, self.step), ("gt", pair.hr, self.scale)):
            side = self.patch * factor
            top, left = row * factor, column * factor
            patch = np.rot90(planes[:, top : top + side, left : left + side], turns, axes=(1, 2))
            item[key] = as_tensor(patch[..., ::-1] if mirrored else patch)
        return item
