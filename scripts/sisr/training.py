"""Training luma networks from a recipe: pairs from pictures, one optimiser, weights as ``.safetensors``.

The result is a function of the recipe, the pictures and the scale: the generator is seeded from the
recipe's content, the thread count is fixed, and deterministic algorithms are on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.nn import functional
from tqdm import tqdm

from sisr import archs, kernels
from sisr.archs.espcn import ESPCN
from sisr.atomic import replacing
from sisr.colour import rgb_to_y
from sisr.errors import ImageError, ModelError
from sisr.images import modcrop, read_image
from sisr.recipes import Recipe

log = logging.getLogger(__name__)

_METADATA = "sisr.training"
_LOSSES = {"l1": functional.l1_loss, "mse": functional.mse_loss}


def train(recipe: Recipe, scale: int, pictures: Sequence[Path], out: Path, progress: bool = True) -> float:
    """Train a network for one scale and write its weights.

    Parameters
    ----------
    pictures : image files; their order does not matter
    out : ``.safetensors``; its metadata hold the recipe, its digest, the scale, the pictures' sha256 and the
        versions that made it

    Returns
    -------
    float
        Mean loss over the last tenth of the iterations (on luma in [0, 1]).

    Raises
    ------
    ModelError
        The loss became NaN or infinite; nothing is written.
    ImageError
        A picture cannot be read, or is smaller than a patch.
    """
    pictures = sorted(pictures, key=lambda path: path.name)
    seed = int(recipe.digest[:8], 16) ^ (scale << 24) ^ recipe.seed
    torch.manual_seed(seed)
    torch.set_num_threads(recipe.threads)
    torch.set_deterministic_debug_mode("error")
    network = archs.build(recipe.arch, scale)
    if isinstance(network, ESPCN):
        network.start_from_zero_detail()
    optimiser = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, recipe.iterations)
    loss_of = _LOSSES[recipe.loss]
    losses: list[float] = []
    batches = _batches(_pairs(pictures, recipe, scale), recipe, scale, np.random.default_rng(seed))
    with tqdm(
        total=recipe.iterations, desc=f"{recipe.arch} x{scale}", disable=not progress, mininterval=1
    ) as bar:
        for iteration, (lr, hr) in zip(range(recipe.iterations), batches, strict=False):
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(network(lr), hr)
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            if not np.isfinite(losses[-1]):
                raise ModelError(f"{recipe.arch} x{scale}: loss is {losses[-1]} at iteration {iteration + 1}")
            bar.update()
            if iteration % 100 == 99:
                bar.set_postfix_str(f"loss {np.mean(losses[-100:]):.3e}")
    final = float(np.mean(losses[-max(1, recipe.iterations // 10) :]))
    log.info("%s x%d: loss %.4e after %d iterations", recipe.arch, scale, final, recipe.iterations)
    made = {
        "recipe": asdict(recipe),
        "recipe_sha256": recipe.digest,
        "scale": scale,
        "pictures": {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in pictures},
        "torch": torch.__version__,
        "python": sys.version.split()[0],
    }
    with replacing(out) as temporary:
        # One key: several would be written in random order, and the same training shall give the same bytes.
        save_file(_sorted_state(network), temporary, metadata={_METADATA: json.dumps(made, sort_keys=True)})
    return final


def _sorted_state(network: torch.nn.Module) -> dict[str, Any]:
    return {name: tensor.contiguous() for name, tensor in sorted(network.state_dict().items())}


@dataclass(frozen=True)
class _Pair:
    """Luma of one picture in [0, 1], float32: LR (h, w) and HR (s*h, s*w)."""

    lr: np.ndarray
    hr: np.ndarray


def _pairs(pictures: Sequence[Path], recipe: Recipe, scale: int) -> list[_Pair]:
    pairs = []
    for path in pictures:
        hr = modcrop(read_image(path).array, scale)
        lr = kernels.apply(recipe.kernel, hr, scale)
        if min(lr.shape[:2]) < recipe.patch:
            raise ImageError(
                f"{path}: LR at x{scale} is {lr.shape[1]}x{lr.shape[0]}, patches are {recipe.patch} wide"
            )
        pairs.append(_Pair(_luma(lr), _luma(hr)))
    return pairs


def _luma(picture: np.ndarray) -> np.ndarray:
    y = picture if picture.ndim == 2 else rgb_to_y(picture)
    return (y / 255).astype(np.float32)


def _batches(
    pairs: Sequence[_Pair], recipe: Recipe, scale: int, rng: np.random.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Endless batches of patches, drawn by area, flipped and turned at random."""
    size = recipe.patch
    area = np.array([pair.lr.size for pair in pairs], dtype=np.float64)
    while True:
        lrs: list[np.ndarray] = []
        hrs: list[np.ndarray] = []
        for index in rng.choice(len(pairs), recipe.batch, p=area / area.sum()):
            pair = pairs[index]
            row = int(rng.integers(pair.lr.shape[0] - size + 1))
            column = int(rng.integers(pair.lr.shape[1] - size + 1))
            turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
            for plane, factor, into in ((pair.lr, 1, lrs), (pair.hr, scale, hrs)):
                patch = plane[
                    row * factor : (row + size) * factor, column * factor : (column + size) * factor
                ]
                patch = np.rot90(patch, turns)
                into.append(patch[:, ::-1] if mirrored else patch)
        yield torch.from_numpy(np.stack(lrs)[:, None]), torch.from_numpy(np.stack(hrs)[:, None])


def metadata_of(weights: Path) -> dict[str, Any]:
    """What :func:`train` wrote about a ``.safetensors`` file; empty for one that it did not write."""
    with safe_open(weights, framework="pt") as stream:
        return json.loads((stream.metadata() or {}).get(_METADATA, "{}"))
