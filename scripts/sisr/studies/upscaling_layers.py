"""Layers that enlarge: transposed and sub-pixel convolution, pixel shuffle; checkerboards; unpooling.

Weights of a transposed convolution are float (inputs, outputs, k, k), as in ``torch.nn.ConvTranspose2d``.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sisr.studies.common import Floats, StudyImage, StudyRow, mean, psnr

if TYPE_CHECKING:
    from torch import Tensor

SCALES = (2, 3, 4)
#: Channels in and out and side of the input where the layers are compared.
CHANNELS, SIDE = (16, 8), 48
#: Channels and side where they are timed, and how often.
TIMED = (64, 64, 64)
REPEATS = 5
IMAGE = 240

# --- three layers, one result ---------------------------------------------------------------------------


def transposed(x: Tensor, weight: Tensor, scale: int) -> Tensor:
    """Transposed convolution: every input pixel adds its k x k stamp, ``scale`` apart.

    The output is cut to ``scale`` times the input, ``(k - scale) // 2`` less at the top and the left.
    """
    from torch.nn import functional

    full = functional.conv_transpose2d(x, weight, stride=scale)
    return _cut(full, weight.shape[2], scale, x.shape[2:])


def _cut(full: Tensor, kernel: int, scale: int, size: Sequence[int]) -> Tensor:
    before = max(0, (kernel - scale) // 2)
    return full[:, :, before : before + scale * size[0], before : before + scale * size[1]]


def zero_insertion(x: Tensor, weight: Tensor, scale: int) -> Tensor:
    """Sub-pixel convolution as first described: zeros between the pixels, then an ordinary convolution.

    The kernel is that of the transposed convolution turned by 180 degrees, with inputs and outputs swapped.
    """
    from torch.nn import functional

    kernel = weight.shape[2]
    n, channels, height, width = x.shape
    spread = x.new_zeros(n, channels, (height - 1) * scale + 1, (width - 1) * scale + 1)
    spread[:, :, ::scale, ::scale] = x
    full = functional.conv2d(spread, weight.flip(2, 3).transpose(0, 1), padding=kernel - 1)
    return _cut(full, kernel, scale, (height, width))


def pixel_shuffle(x: Tensor, weight: Tensor, scale: int) -> Tensor:
    """Pixel shuffle: an ordinary convolution on the small image with scale^2 outputs, then rearranged.

    Each output phase of the transposed convolution sees every ``scale``-th weight of its kernel, and is an
    ordinary convolution with those (Shi et al., arXiv 1609.07009); :func:`shuffle_weight` picks them.
    """
    from torch.nn import functional

    rearranged, before, after = shuffle_weight(weight, scale)
    padded = functional.pad(x, (before, after, before, after))
    return functional.pixel_shuffle(functional.conv2d(padded, rearranged), scale)


def shuffle_weight(weight: Tensor, scale: int) -> tuple[Tensor, int, int]:
    """Weights of the convolution before a pixel shuffle that do what a transposed convolution does.

    Returns (outputs * scale^2, inputs, m, m) and the zeros to pad the input with before and after.

    Output pixel o = scale * q + p reads input i with weight ``o + cut - scale * i``, so that along an axis
    input q + t has the weight p + cut - scale * t of phase p, where there is one.
    """
    inputs, outputs, kernel, _ = weight.shape
    cut = max(0, (kernel - scale) // 2)
    first = -((kernel - 1 - cut) // scale)  # least t: p + cut - scale t <= kernel - 1 for p = 0
    last = (scale - 1 + cut) // scale
    taps = list(range(first, last + 1))
    rearranged = weight.new_zeros(outputs, scale, scale, inputs, len(taps), len(taps))
    for down in range(scale):
        for right in range(scale):
            for i, t in enumerate(taps):
                for j, u in enumerate(taps):
                    row, column = down + cut - scale * t, right + cut - scale * u
                    if 0 <= row < kernel and 0 <= column < kernel:
                        rearranged[:, down, right, :, i, j] = weight[:, :, row, column].T
    return rearranged.reshape(outputs * scale**2, inputs, len(taps), len(taps)), -first, last


LAYERS: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "transposed convolution": transposed,
    "zero insertion": zero_insertion,
    "pixel shuffle": pixel_shuffle,
}


# --- checkerboard ---------------------------------------------------------------------------------------


def flat(kernel: int) -> Floats:
    """k x k equal weights, float64: what is left of a kernel when only the overlap of stamps counts."""
    return np.ones((kernel, kernel))


def phase_sums(kernel: Floats, scale: int) -> Floats:
    """What a transposed convolution makes of a constant 1: the sum of the weights of each phase, (s, s)."""
    size = -(-kernel.shape[0] // scale) * scale
    padded = np.zeros((size, size))
    padded[: kernel.shape[0], : kernel.shape[1]] = kernel
    return padded.reshape(size // scale, scale, size // scale, scale).sum(axis=(0, 2))


def ripple(kernel: Floats, scale: int) -> float:
    """Checkerboard of a kernel: largest less smallest phase sum over their mean; 0 for none."""
    sums = phase_sums(kernel, scale)
    return float((sums.max() - sums.min()) / sums.mean())


def balanced(kernel: Floats, scale: int) -> Floats:
    """The kernel with each phase divided by its sum: constants stay constant."""
    sums = phase_sums(kernel, scale)
    tiled = np.tile(sums, (-(-kernel.shape[0] // scale),) * 2)[: kernel.shape[0], : kernel.shape[1]]
    return kernel / tiled


def initial(scale: int, draws: int = 200) -> dict[str, float]:
    """How far phases differ on a constant before training: their deviation over the rms of their sums.

    For random weights, and for random weights that are the same in every phase, as a layer starts that copies
    nearest neighbour (ICNR: Aitken et al., arXiv 1707.02937).
    """
    rng = np.random.default_rng(0)
    apart, size = np.zeros(2), np.zeros(2)
    for _ in range(draws):
        random = rng.standard_normal((2 * scale, 2 * scale))
        same = rng.standard_normal((2, 2)).repeat(scale, axis=0).repeat(scale, axis=1)
        for index, kernel in enumerate((random, same)):
            sums = phase_sums(kernel, scale)
            apart[index] += sums.var()
            size[index] += np.mean(sums**2)
    spread = np.sqrt(apart / size)
    return {"random weights": float(spread[0]), "same weights in every phase": float(spread[1])}


def best_kernel(truth: Floats, small: Floats, kernel: int, scale: int) -> Floats:
    """The transposed convolution of one channel with the least squared error, (k, k) float64.

    Its output is linear in the weights, and each phase has weights of its own: one least-squares problem a
    phase, solved exactly.  No training can do better.
    """
    found = np.zeros((kernel, kernel))
    cut = max(0, (kernel - scale) // 2)
    for down in range(scale):
        for right in range(scale):
            rows = [r for r in range(kernel) if (r - cut - down) % scale == 0]
            columns = [c for c in range(kernel) if (c - cut - right) % scale == 0]
            # Weight r of phase `down` reads the small image (down + cut - r) / scale pixels away.
            shifted = [
                np.roll(small, ((r - cut - down) // scale, (c - cut - right) // scale), (0, 1)).ravel()
                for r in rows
                for c in columns
            ]
            if not shifted:
                continue
            target = truth[down::scale, right::scale].ravel()
            weights, *_ = np.linalg.lstsq(np.stack(shifted, axis=1), target, rcond=None)
            found[np.ix_(rows, columns)] = weights.reshape(len(rows), len(columns))
    return found


def enlarge(small: Floats, kernel: Floats, scale: int) -> Floats:
    """A gray image through a transposed convolution of one channel, by the layer itself."""
    import torch

    x = torch.from_numpy(np.ascontiguousarray(small))[None, None]
    return transposed(x, torch.from_numpy(kernel)[None, None], scale)[0, 0].numpy()


def phase_errors(truth: Floats, found: Floats, scale: int, border: int = 8) -> Floats:
    """PSNR in dB of each phase of the output, (s, s)."""
    inner = slice(border * scale, -border * scale)
    error = (truth - found)[inner, inner]
    sides = [[float(np.mean(error[i::scale, j::scale] ** 2)) for j in range(scale)] for i in range(scale)]
    return -10 * np.log10(np.array(sides))


# --- unpooling ------------------------------------------------------------------------------------------


def unpool(image: Floats, factor: int) -> tuple[Floats, Floats]:
    """Maximum pooling of an image and its undoing: the pooled (h / f, w / f), and (h, w) with zeros."""
    import torch
    from torch.nn import functional

    x = torch.from_numpy(np.ascontiguousarray(image))[None, None]
    pooled, places = functional.max_pool2d(x, factor, return_indices=True)
    back = functional.max_unpool2d(pooled, places, [factor, factor])
    return pooled[0, 0].numpy(), back[0, 0].numpy()


# --- the study ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class LayersResult:
    """``rows`` of the table; of the first image, what kernels and unpooling make of it."""

    rows: list[StudyRow]
    boards: dict[str, Floats]
    unpooled: dict[str, Floats]
    image: str


def measure(images: Sequence[StudyImage]) -> LayersResult:
    """Equality, cost, checkerboards and unpooling."""
    rows = [*equality(), *cost()]
    for scale in SCALES:
        for method, value in initial(scale).items():
            part = f"initialisation x{scale}"
            rows.append(StudyRow(part, "", method, "kernel", 2 * scale, "spread of phases", value))
        for kernel in range(scale, 3 * scale + 1):
            for method, weights in (
                ("flat kernel", flat(kernel)),
                ("balanced kernel", balanced(flat(kernel), scale)),
            ):
                value = ripple(weights, scale)
                rows.append(StudyRow(f"checkerboard x{scale}", "", method, "kernel", kernel, "ripple", value))
    boards: dict[str, Floats] = {}
    for image in images:
        made = _trained(image, rows)
        boards = boards or made
    return LayersResult(rows, boards, _unpooled(images, rows), images[0].name)


def equality() -> list[StudyRow]:
    """Largest difference of the three layers, over the largest output, in float32 and float64."""
    import torch

    rows = []
    for scale in SCALES:
        for kernel in (scale, 2 * scale, 2 * scale + 1, 3 * scale):
            for dtype in (torch.float32, torch.float64):
                made = torch.Generator().manual_seed(scale)
                x = torch.rand((2, CHANNELS[0], SIDE, SIDE), generator=made, dtype=dtype)
                weight = torch.randn((*CHANNELS, kernel, kernel), generator=made, dtype=dtype)
                expected = transposed(x, weight, scale)
                for name, layer in LAYERS.items():
                    error = (layer(x, weight, scale) - expected).abs().max() / expected.abs().max()
                    part = f"equality x{scale}, {str(dtype).removeprefix('torch.')}"
                    rows.append(
                        StudyRow(part, "", name, "kernel", kernel, "relative difference", float(error))
                    )
    return rows


def cost() -> list[StudyRow]:
    """Multiply-adds, values held and time of the layers at one size, kernel of twice the scale."""
    import torch

    inputs, outputs, side = TIMED
    rows = []
    for scale in SCALES:
        x, weight = torch.rand(1, inputs, side, side), torch.randn(inputs, outputs, 2 * scale, 2 * scale)
        made = weight.numel() * side**2  # every input pixel meets every weight once
        wide, before, after = shuffle_weight(weight, scale)
        big = (scale * side) ** 2
        counted = {
            "transposed convolution": (made, inputs * side**2 + outputs * ((side + 1) * scale) ** 2),
            "zero insertion": (weight.numel() * big, (inputs + outputs) * big),
            "pixel shuffle": (
                wide.numel() * side**2,
                inputs * (side + before + after) ** 2 + 2 * outputs * big,
            ),
        }
        for name, layer in LAYERS.items():
            part = f"cost x{scale}"
            macs, values = counted[name]
            found = {
                "multiply-adds in billions": macs / 1e9,
                "values held in millions": values / 1e6,
                "milliseconds": 1e3 * _time(layer, x, weight, scale),
            }
            rows += [StudyRow(part, "", name, "scale", scale, what, value) for what, value in found.items()]
    return rows


def _time(layer: Callable[[Tensor, Tensor, int], Tensor], x: Tensor, weight: Tensor, scale: int) -> float:
    """Median seconds of a call."""
    import torch

    seconds = []
    with torch.inference_mode():
        layer(x, weight, scale)
        for _ in range(REPEATS):
            start = time.perf_counter()
            layer(x, weight, scale)
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _trained(image: StudyImage, rows: list[StudyRow]) -> dict[str, Floats]:
    """The best transposed convolutions at x2 and the PSNR of their phases; images of the first two."""
    from sisr.lr.kernels.matlab import imresize

    scale, truth = 2, image.luma
    small = imresize(truth, 1 / scale)
    boards = {"truth": truth}
    for kernel in (3, 4, 5, 6):
        found = enlarge(small, best_kernel(truth, small, kernel, scale), scale)
        boards[f"trained {kernel} x {kernel}"] = found
        values = phase_errors(truth, found, scale)
        value = psnr(truth, found, 8 * scale)
        rows.append(StudyRow("trained x2", image.name, "all phases", "kernel", kernel, "PSNR", value))
        for name, value in (("best phase", values.max()), ("worst phase", values.min())):
            rows.append(StudyRow("trained x2", image.name, name, "kernel", kernel, "PSNR", float(value)))
    for kernel in (3, 4):
        for name, weights in (("flat", flat(kernel)), ("balanced", balanced(flat(kernel), scale))):
            scaled = weights / phase_sums(weights, scale).mean()
            boards[f"{name} {kernel} x {kernel}"] = enlarge(small, scaled, scale)
    return boards


def _unpooled(images: Sequence[StudyImage], rows: list[StudyRow]) -> dict[str, Floats]:
    shown: dict[str, Floats] = {}
    for image in images:
        for factor in (2, 4):
            pooled, back = unpool(image.luma, factor)
            nearest = pooled.repeat(factor, axis=0).repeat(factor, axis=1)
            held = float(np.mean(back != 0))
            for method, made in (("unpooled", back), ("pooled, nearest", nearest)):
                value = psnr(image.luma, made)
                rows.append(StudyRow("unpooling", image.name, method, "factor", factor, "PSNR", value))
            rows.append(
                StudyRow("unpooling", image.name, "unpooled", "factor", factor, "part not zero", held)
            )
            if not shown and factor == 2:
                shown = {"truth": image.luma, "pooled": pooled, "unpooled": back, "nearest": nearest}
    return shown


def findings(result: LayersResult) -> list[str]:
    """What came out, with its numbers."""
    rows = result.rows
    worst = {
        kind: max(row.value for row in rows if row.part.startswith("equality") and row.part.endswith(kind))
        for kind in ("float32", "float64")
    }
    slower = {
        name: mean(rows, part="cost x4", method=name, measure="multiply-adds in billions")
        / mean(rows, part="cost x4", method="transposed convolution", measure="multiply-adds in billions")
        for name in LAYERS
    }
    odd = mean(rows, part="checkerboard x2", method="flat kernel", at=3)
    gap = {
        kernel: mean(rows, part="trained x2", method="best phase", at=kernel)
        - mean(rows, part="trained x2", method="worst phase", at=kernel)
        for kernel in (3, 4)
    }
    whole = {k: mean(rows, part="trained x2", method="all phases", at=k) for k in (3, 4)}
    held = mean(rows, part="unpooling", measure="part not zero", at=2)
    return [
        f"At x2, x3 and x4 transposed convolution, zero insertion and pixel shuffle give the same values, to "
        f"{worst['float32']:.0e} of the largest in float32 and {worst['float64']:.0e} in float64.",
        f"At x4 zero insertion takes {slower['zero insertion']:.0f} times the multiply-adds, nearly all with "
        "zeros.",
        f"A flat 3 x 3 kernel at stride 2 makes a checkerboard of {100 * odd:.0f} % of the mean on a "
        "constant image, one of 4 x 4 none.",
        f"Trained to the optimum, its phases differ by {gap[3]:.2f} dB ({whole[3]:.2f} dB in all), those of "
        f"a 4 x 4 kernel by {gap[4]:.2f} dB ({whole[4]:.2f} dB).",
        f"Unpooling by 2 puts {100 * held:.0f} % of the values back and zeros elsewhere.",
    ]
