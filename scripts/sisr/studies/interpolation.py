"""Interpolation: what each kernel does to a sine of every frequency, and to images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sisr.lr.kernels.matlab import KERNELS, imresize
from sisr.studies.common import Floats, StudyImage, StudyRow, mean, psnr

#: Name for people -> kernel of :mod:`sisr.lr.kernels.matlab`.
METHODS = {"nearest": "box", "linear": "linear", "cubic": "cubic", "Lanczos": "lanczos3"}
#: Scale of the measured enlargements.
SCALE = 4
#: Samples of the one-dimensional example, on [0, 1]: a ramp, an edge, a line and a ripple.
SAMPLES = np.array([0.2, 0.25, 0.3, 0.35, 0.4, 0.9, 0.9, 0.9, 0.2, 0.9, 0.9, 0.4, 0.6, 0.4, 0.6, 0.5])
#: Bands of frequency of an image's spectrum, from 0 to the Nyquist frequency of HR.
_BANDS = 16
#: Unit of frequency in the table.
CYCLES = "cycles per LR sample"
#: LR samples left out at each border of the zone plate: the widest kernel reaches three.
_BORDER = 4


@dataclass(frozen=True, eq=False)
class InterpolationResult:
    """``rows`` of the table; the zone plate and a crop of an image, enlarged by each method."""

    rows: list[StudyRow]
    plates: dict[str, Floats]
    crops: dict[str, Floats]
    image: str


# --- mathematics ----------------------------------------------------------------------------------------


def interpolate(samples: Floats, method: str, factor: int) -> Floats:
    """One-dimensional interpolation: float64 (n,) -> (n * factor,), mirrored at the ends.

    Element ``i`` lies at ``(i + 0.5) / factor - 0.5`` samples.
    """
    rows = np.repeat(samples[None], 2, axis=0)
    return imresize(rows, factor, kernel=METHODS[method])[0]


def response(method: str, frequency: Floats) -> Floats:
    """Fourier transform of a kernel, float64, at frequencies in cycles per LR sample.

    By Simpson's rule piece by piece, since kernels have corners at whole and half samples.
    """
    from scipy.integrate import simpson

    kernel = KERNELS[METHODS[method]]
    total = np.zeros_like(frequency, dtype=float)
    edges = np.arange(0, kernel.width / 2, 0.5)
    for left in edges:
        # The ends themselves may belong to the next piece of the kernel.
        x = np.linspace(left, left + 0.5, 129)
        inside = np.clip(x, left + 1e-12, left + 0.5 - 1e-12)
        waves = np.cos(2 * np.pi * frequency[..., None] * x)
        total += 2 * simpson(kernel.function(inside) * waves, x=x, axis=-1)
    return total


def sine_error(method: str, frequency: Floats, factor: int) -> Floats:
    """Squared error of an interpolated sine, as a part of the sine's power, averaged over its phase.

    ``frequency`` in cycles per LR sample; the sine is looked at ``factor`` times a sample, at ``(i + 0.5) /
    factor - 0.5``.  There the interpolated sine is the sine times a complex gain, and the error its distance
    from 1.  For a large ``factor`` it is ``(1 - H(f))^2 + sum H(f + k)^2`` over the copies of the spectrum
    that sampling makes at whole frequencies k (Parseval), with H of :func:`response`.
    """
    positions = (np.arange(factor) + 0.5) / factor - 0.5
    kernel = KERNELS[METHODS[method]]
    taps = np.arange(-4, 5)
    weights = kernel.function(positions[:, None] - taps)
    weights /= weights.sum(axis=1, keepdims=True)
    turns = np.exp(2j * np.pi * frequency[..., None, None] * (taps - positions[:, None]))
    gain = (weights * turns).sum(axis=-1)
    return (np.abs(gain - 1) ** 2).mean(axis=-1)


def zone_plate(side: int) -> Floats:
    """An image on [0, 1] in which frequency grows with the distance from the centre, float64 (side, side).

    ``0.5 + 0.5 cos(pi r^2 / side)``: at distance r the frequency is ``r / side`` cycles a pixel, the Nyquist
    frequency 0.5 at the middle of each edge.
    """
    axis = np.arange(side) + 0.5 - side / 2
    return 0.5 + 0.5 * np.cos(np.pi * (axis[:, None] ** 2 + axis**2) / side)


def fine_zone_plate(side: int, factor: int) -> Floats:
    """The same plate sampled ``factor`` times as densely, float64 (side * factor, side * factor)."""
    axis = (np.arange(side * factor) + 0.5) / factor - side / 2
    return 0.5 + 0.5 * np.cos(np.pi * (axis[:, None] ** 2 + axis**2) / side)


def band_energy(image: Floats, bands: int = _BANDS) -> Floats:
    """Energy of an image's spectrum by frequency, float64 (bands,), of a Hann window without its mean.

    Band ``i`` holds what lies between ``i`` and ``i + 1`` over ``2 * bands`` cycles a pixel, along the axis
    where it is faster: squares around the origin, as a coarser grid cuts the spectrum.
    """
    window = np.hanning(image.shape[0])[:, None] * np.hanning(image.shape[1])
    spectrum = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
    fast = np.maximum(*np.abs(np.meshgrid(*(np.fft.fftfreq(n) for n in image.shape), indexing="ij")))
    index = np.minimum((fast * 2 * bands).astype(int), bands - 1)
    return np.bincount(index.ravel(), spectrum.ravel(), bands).astype(np.float64)


# --- the study ------------------------------------------------------------------------------------------


def measure(images: Sequence[StudyImage]) -> InterpolationResult:
    """The zone plate and each image, made smaller by MATLAB's bicubic and enlarged by each method."""
    rows: list[StudyRow] = []
    frequencies = np.linspace(0, 0.5, 51)
    for method in METHODS:
        for at, value in zip(frequencies, sine_error(method, frequencies, SCALE), strict=True):
            rows.append(StudyRow("sine", "", method, CYCLES, float(at), "relative error", value))
    plates = _zone_plates(rows)
    crops: dict[str, Floats] = {}
    for image in images:
        enlarged = _image(image, rows)
        crops = crops or enlarged
    return InterpolationResult(rows, plates, crops, images[0].name)


def _zone_plates(rows: list[StudyRow]) -> dict[str, Floats]:
    """Enlarge the plate, and measure along its middle row, where frequency is horizontal and known."""
    side = 128
    coarse, fine = zone_plate(side), fine_zone_plate(side, SCALE)
    plates = {"truth": fine}
    edges = np.linspace(0, 0.5, 11)
    middle = slice(side * SCALE // 2 - SCALE, side * SCALE // 2 + SCALE)  # two LR rows, nearly constant down
    frequency = np.abs((np.arange(side * SCALE) + 0.5) / SCALE - side / 2) / side
    inner = np.zeros(side * SCALE, bool)
    inner[_BORDER * SCALE : -_BORDER * SCALE] = True
    for method, kernel in METHODS.items():
        plates[method] = imresize(coarse, SCALE, kernel=kernel)
        error = ((plates[method] - fine)[middle] ** 2).mean(axis=0) / 0.125  # power of a sine of +-0.5
        for low, high in pairwise(edges):
            band = inner & (frequency >= low) & (frequency < high)
            if band.any():
                at = float((low + high) / 2)
                value = float(error[band].mean())
                rows.append(StudyRow("zone plate", "", method, CYCLES, at, "relative error", value))
    return plates


def _image(image: StudyImage, rows: list[StudyRow]) -> dict[str, Floats]:
    truth = image.luma
    lr = imresize(truth, 1 / SCALE, kernel="cubic")
    enlarged = {"truth": truth}
    energy = band_energy(truth)
    for method, kernel in METHODS.items():
        enlarged[method] = imresize(lr, SCALE, kernel=kernel)
        rows.append(
            StudyRow("image", image.name, method, "", "", "PSNR", psnr(truth, enlarged[method], SCALE))
        )
        lost = band_energy(enlarged[method] - truth)
        for band in range(_BANDS):
            at = (band + 0.5) / (2 * _BANDS) * SCALE
            values = {
                "error over signal": lost[band] / energy[band],
                "part of all error": lost[band] / lost.sum(),
            }
            for what, value in values.items():
                rows.append(StudyRow("spectrum", image.name, method, CYCLES, at, what, float(value)))
    return enlarged


def findings(result: InterpolationResult) -> list[str]:
    """What came out, with its numbers."""
    rows = result.rows
    quarter = {m: 100 * mean(rows, part="sine", method=m, at=0.25) for m in METHODS}
    quality = {m: mean(rows, part="image", method=m) for m in METHODS}
    best = max(quality, key=quality.__getitem__)
    beyond = sum(
        mean(rows, part="spectrum", method="cubic", measure="part of all error", at=at)
        for at in {float(r.at) for r in rows if r.part == "spectrum" and float(r.at) > 0.5}
    )
    said = ", ".join(f"{m} {v:.2g} %" for m, v in quarter.items())
    list_of = ", ".join(f"{m} {v:.2f} dB" for m, v in quality.items())
    return [
        f"Of a sine of four samples a period, interpolation gets this part of the power wrong: {said}.",
        f"On images made x{SCALE} smaller by MATLAB's bicubic: {list_of}; best is {best}, "
        f"{quality[best] - quality['nearest']:.2f} dB above nearest.",
        f"{100 * beyond:.0f} % of cubic's squared error lies above the highest frequency that LR samples can "
        "hold, where no interpolation reaches.",
    ]
