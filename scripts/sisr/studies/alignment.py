"""Self-ensemble, and LR whose samples lie elsewhere than a network was trained for.

A *shift* is (down, right) in HR pixels as in :mod:`sisr.analysis.phase`: positive where LR looks below and
to the right.  Here both axes are shifted alike, by one number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sisr.analysis.audit import Shift, median_shift
from sisr.analysis.phase import image_shift
from sisr.base.colour import rgb_to_y
from sisr.lr.kernels.filtering import to_pixels
from sisr.lr.kernels.matlab import cubic, imresize
from sisr.models.model_entries import Model
from sisr.models.modified import RawUpscaler, self_ensemble
from sisr.studies.common import Floats, StudyImage, StudyRow, chosen, curve, mean, psnr
from sisr.upscaling.engines import Upscaler, to_uint8

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from sisr.models.archs.espcn import ESPCN

Pixels = NDArray[np.uint8]

SCALE = 2
SIDE = 144
#: Shifts of LR in HR pixels; at x2 a whole one is half an LR pixel.
SHIFTS = (0.0, 0.25, 0.5, 0.75, 1.0)
#: The shift that networks are trained with: of ``hr[::2, ::2]``, the other way round.
HALF = 0.5
#: HR pixels left out of the scores at each side: a shift moves what lies beyond the image into it.
BORDER = 8
BICUBIC = "bicubic"
PLAIN, UNDONE = "as it is", "shift undone"
PSNR, FOUND = "PSNR (dB)", "shift in HR pixels"


# --- LR and SR that are shifted -------------------------------------------------------------------------


def shrink(image: Pixels, shift: float, scale: int = SCALE) -> Pixels:
    """MATLAB's bicubic with its samples moved down and right by ``shift`` HR pixels: uint8 in and out.

    Antialiased cubic weights around ``(i + 0.5) scale - 0.5 + shift``; the image is mirrored beyond its
    border.  Rounded once at the end, where ``imresize`` rounds after each of its two passes.
    """
    planes = image.reshape(*image.shape[:2], -1).astype(np.float64)
    rows, columns = (_weights(length, shift, scale) for length in planes.shape[:2])
    small = np.einsum("ih,hwc,jw->ijc", rows, planes, columns, optimize=True)
    return to_pixels(small).reshape(*small.shape[:2], *image.shape[2:])


def _weights(length: int, shift: float, scale: int) -> Floats:
    """(length / scale, length): what each sample takes of each pixel."""
    centres = (np.arange(length // scale) + 0.5) * scale - 0.5 + shift
    reach = 2 * scale + 1 + int(abs(shift))
    taps = np.arange(-reach, length + reach)
    weights = cubic((centres[:, None] - taps) / scale)
    weights /= weights.sum(axis=1, keepdims=True)
    folded = taps % (2 * length)
    folded = np.minimum(folded, 2 * length - 1 - folded)
    matrix = np.zeros((length // scale, length))
    for tap, column in zip(folded, weights.T, strict=True):
        matrix[:, tap] += column
    return matrix


def moved_back(sr: Floats, shift: Sequence[float]) -> Floats:
    """An SR plane that shows HR at ``i + shift``, moved so that it shows it at ``i``; splines of order 5."""
    from scipy import ndimage

    return ndimage.shift(sr, shift, order=5, mode="nearest")


def luma(image: Pixels) -> Floats:
    """BT.601 luma over 255, of RGB; a plane is luma already."""
    return (rgb_to_y(image) if image.ndim == 3 else image) / 255


# --- training -------------------------------------------------------------------------------------------

#: How a network is trained: shift of LR, and whether pairs are flipped and turned as is usual.
TRAININGS: Mapping[str, tuple[float, bool]] = {
    "trained on aligned LR": (0.0, False),
    "trained on shifted LR": (HALF, False),
    "trained on shifted LR, pairs turned": (HALF, True),
}
#: The recipe whose images are trained on; its numbers, with fewer iterations.
RECIPE = "espcn-photos"
PATCH, BATCH, ITERATIONS, RATE = 16, 16, 500, 0.002


def read_training(assets: Mapping[str, Mapping[str, Path]]) -> list[Pixels]:
    """8-bit luma of assets' images, sides cut to multiples of the scale; ``assets``: id -> name -> path."""
    from sisr.base.images import modcrop
    from sisr.training.patches import read_sources

    sources = (modcrop(source.pixels, SCALE) for source in read_sources(assets))
    return [to_pixels(rgb_to_y(pixels)) for pixels in sources]


def train(
    images: Sequence[Pixels], shift: float, turned: bool, iterations: int = ITERATIONS, seed: int = 0
) -> ESPCN:
    """An ESPCN for luma trained on pairs whose LR is shifted; the same patches whatever the shift.

    ``turned``: input and target are flipped and turned together by one of eight at random, which is right
    only where LR is not shifted.
    """
    import torch
    from torch.nn import functional

    from sisr.models.archs.espcn import ESPCN

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ESPCN(SCALE)
        network.start_from_zero_detail()
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, iterations)
    for small, large in _batches(images, shift, turned, iterations, seed):
        optimiser.zero_grad()
        functional.mse_loss(network(small), large).backward()
        optimiser.step()
        schedule.step()
    return network.eval().requires_grad_(False)


def _batches(
    images: Sequence[Pixels], shift: float, turned: bool, count: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    import torch

    pairs = [(luma(shrink(hr, shift)), luma(hr)) for hr in images]
    rng = np.random.default_rng(seed)
    for _ in range(count):
        inputs: list[Floats] = []
        targets: list[Floats] = []
        for _ in range(BATCH):
            small, large = pairs[int(rng.integers(len(pairs)))]
            top, left = (int(rng.integers(side - PATCH + 1)) for side in small.shape)
            turns, flipped = divmod(int(rng.integers(8)), 2)
            for plane, factor, batch in ((small, 1, inputs), (large, SCALE, targets)):
                rows, columns = (slice(at * factor, (at + PATCH) * factor) for at in (top, left))
                patch = plane[rows, columns]
                if turned:
                    patch = np.rot90(patch, turns)
                    patch = patch[:, ::-1] if flipped else patch
                batch.append(patch)
        small_batch, large_batch = (np.stack(b)[:, None].astype(np.float32) for b in (inputs, targets))
        yield torch.from_numpy(small_batch), torch.from_numpy(large_batch)


def upscaler_of(network: ESPCN) -> RawUpscaler:
    """uint8 (h, w) -> float64 (s h, s w) on [0, 255], not clipped."""
    import torch

    def upscale(lr: Pixels) -> Floats:
        with torch.inference_mode():
            sr = network(torch.from_numpy(np.ascontiguousarray(lr, np.float32) / 255)[None, None])
        return 255.0 * sr[0, 0].numpy().astype(np.float64)

    return upscale


# --- the study ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class AlignmentResult:
    """``rows`` of the table; ``own``: shift of each trained network's SR on aligned LR.

    ``images``: of the first image, the original and what each trained network makes of aligned LR.
    """

    rows: list[StudyRow]
    own: dict[str, Shift]
    images: dict[str, Pixels]
    quality: dict[str, float]
    image: str


def measure(
    images: Sequence[StudyImage],
    networks: Iterable[tuple[Model, Upscaler]],
    training: Sequence[Pixels],
    iterations: int = ITERATIONS,
) -> AlignmentResult:
    """Gain of the self-ensemble, test numbers against LR's shift, and networks trained on shifted LR.

    ``training``: 8-bit luma, sides multiples of the scale, of images that are not in ``images``.
    """
    rows: list[StudyRow] = []
    methods: dict[str, RawUpscaler] = {BICUBIC: lambda lr: imresize(lr.astype(np.float64), SCALE)}
    methods |= {model.label: upscaler.modified for model, upscaler in networks}
    for label, upscale in methods.items():
        for image in images:
            rows += _ensemble_rows(image, label, upscale)
            rows += _shift_rows(image, label, upscale)
    own: dict[str, Shift] = {}
    shown: dict[str, Pixels] = {"original": _gray(images[0])}
    for label, (shift, turned) in TRAININGS.items():
        upscale = upscaler_of(train(training, shift, turned, iterations))
        trained = {label: upscale, f"{label}, self-ensemble": self_ensemble(upscale)}
        for name, enlarge in trained.items():
            found = [_trained_rows(image, name, enlarge) for image in images]
            rows += [row for part, _ in found for row in part]
            own[name] = median_shift(shift_found for _, shift_found in found)
        shown[label] = to_uint8(upscale(shrink(_gray(images[0]), 0.0)))
    quality = {name: _score(luma(shown["original"]), luma(sr)) for name, sr in shown.items()}
    return AlignmentResult(rows, own, shown, quality, images[0].name)


def _gray(image: StudyImage) -> Pixels:
    """8-bit luma, what the trained networks work on."""
    return to_pixels(255 * image.luma)


def _score(truth: Floats, found: Floats) -> float:
    return psnr(truth, found, BORDER)


def _ensemble_rows(image: StudyImage, label: str, upscale: RawUpscaler) -> list[StudyRow]:
    """PSNR of a model and of its self-ensemble on LR that is not shifted, both rounded to 8 bits."""
    lr = shrink(image.rgb, 0.0)
    ways: dict[str, RawUpscaler] = {"alone": upscale, "self-ensemble": self_ensemble(upscale)}
    return [
        StudyRow(
            f"ensemble: {way}", image.name, label, "", "", PSNR, _score(image.luma, luma(to_uint8(f(lr))))
        )
        for way, f in ways.items()
    ]


def _shift_rows(image: StudyImage, label: str, upscale: RawUpscaler) -> list[StudyRow]:
    """PSNR against LR's shift, as it is and moved back by the shift that registration finds."""
    rows = []
    for shift in SHIFTS:
        sr = to_uint8(upscale(shrink(image.rgb, shift)))
        found = image_shift(image.rgb, sr, 1, SCALE)
        undone = moved_back(luma(sr), found)
        for part, plane in ((PLAIN, luma(sr)), (UNDONE, undone)):
            rows.append(StudyRow(part, image.name, label, FOUND, shift, PSNR, _score(image.luma, plane)))
        rows.append(StudyRow("registration", image.name, label, FOUND, shift, FOUND, float(np.mean(found))))
    return rows


def _trained_rows(
    image: StudyImage, label: str, upscale: Callable[[Pixels], np.ndarray]
) -> tuple[list[StudyRow], tuple[float, float]]:
    """PSNR and shift of a trained network's SR on aligned and shifted LR; and the shift on aligned LR."""
    hr = _gray(image)
    rows, shifts = [], []
    for shift in (0.0, HALF):
        sr = to_uint8(upscale(shrink(hr, shift)))
        found = image_shift(hr, sr, 1, SCALE)
        shifts.append(found)
        rows.append(StudyRow("trained", image.name, label, FOUND, shift, PSNR, _score(luma(hr), luma(sr))))
        rows.append(StudyRow("trained", image.name, label, FOUND, shift, FOUND, float(np.mean(found))))
    return rows, shifts[0]


# --- what came out --------------------------------------------------------------------------------------


def gains(rows: Sequence[StudyRow]) -> dict[str, float]:
    """Gain of the self-ensemble in dB by model, mean over the images."""
    models = dict.fromkeys(row.method for row in chosen(rows, part="ensemble: alone"))
    return {
        model: mean(rows, part="ensemble: self-ensemble", method=model)
        - mean(rows, part="ensemble: alone", method=model)
        for model in models
    }


def best_network(rows: Sequence[StudyRow]) -> str | None:
    """The network with the best mean PSNR alone; None without networks."""
    names = [name for name in gains(rows) if name != BICUBIC]
    return max(names, key=lambda m: mean(rows, part="ensemble: alone", method=m), default=None)


def findings(result: AlignmentResult) -> list[str]:
    """What came out, with its numbers."""
    rows, said = result.rows, []
    gained = gains(rows)
    if len(gained) > 1:
        networks = {name: gain for name, gain in gained.items() if name != BICUBIC}
        least, most = (f(networks, key=networks.__getitem__) for f in (min, max))
        said.append(
            f"The self-ensemble, eight times the work, adds {networks[least]:.2f} dB ({least}) to "
            f"{networks[most]:.2f} dB ({most}), and {gained[BICUBIC]:.2f} dB to bicubic, whose eight results "
            "are one."
        )
    half = SHIFTS.index(HALF)
    for model in filter(None, [best_network(rows), BICUBIC]):
        _, plain = curve(rows, part=PLAIN, method=model)
        _, undone = curve(rows, part=UNDONE, method=model)
        said.append(
            f"LR that is shifted by {HALF:g} HR pixels costs {model} {plain[0] - plain[half]:.2f} dB; with "
            f"the shift found and undone {undone[0] - undone[half]:.2f} dB."
        )

    def of(method: str, shift: float) -> float:
        return mean(rows, part="trained", method=method, measure=PSNR, at=shift)

    aligned, shifted, turned = TRAININGS
    own = result.own[shifted]
    said.append(
        f"An ESPCN {shifted} learns the shift: on aligned LR its own is ({own.down:+.2f}, {own.right:+.2f}) "
        f"HR pixels and its PSNR {of(shifted, 0.0):.2f} dB, {of(aligned, 0.0):.2f} dB that of one {aligned}; "
        f"on LR shifted like its own it has {of(shifted, HALF):.2f} dB, the other {of(aligned, HALF):.2f} dB."
    )
    both, own = f"{shifted}, self-ensemble", result.own[turned]
    said.append(
        f"The self-ensemble averages the shift away: {of(both, 0.0) - of(shifted, 0.0):+.2f} dB on aligned "
        f"LR, {of(both, HALF) - of(shifted, HALF):+.2f} dB on the LR it was trained on."
    )
    said.append(
        "With pairs flipped and turned a network cannot learn where LR lies: its own shift is "
        f"({own.down:+.2f}, {own.right:+.2f}), and it has {of(turned, 0.0):.2f} and "
        f"{of(turned, HALF):.2f} dB."
    )
    return said
