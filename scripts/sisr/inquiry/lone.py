"""What LR images show without HR: JPEG, their highest frequency, whether they were enlarged before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sisr.base.colour import YIQ
from sisr.base.image_files import list_images
from sisr.base.images import read_image
from sisr.inquiry import compression

Pixels = NDArray[np.uint8]

#: Images that are looked at, evenly chosen, and the largest side of what is looked at.
_IMAGES, _SIDE = 20, 512
#: Power per frequency, in squared levels, below which is nothing but rounding (1/12 is white rounding).
_FLOOR = 1.5 / 12
#: A frequency of the second differences this many times above those around it shows an enlargement.
_PEAK = 6.0
#: Lowest frequency that is looked at, in cycles a pixel: enlarged by 4.
_SLOWEST = 0.24
#: Cut-offs above are those of any image; the highest frequency is 0.5.
_FULL = 0.46


@dataclass(frozen=True)
class LoneImage:
    """One image: what JPEG it went through, its highest frequency in cycles a pixel, its enlargement."""

    name: str
    jpeg: str
    cut_off: float
    enlarged: float | None


@dataclass(frozen=True)
class Traces:
    """What the images of a folder show."""

    images: tuple[LoneImage, ...]

    def sentence(self) -> str:
        """What most of them show."""
        many = len(self.images)
        said = []
        jpegs = [image.jpeg for image in self.images if image.jpeg]
        if jpegs:
            most = max(set(jpegs), key=jpegs.count)
            said.append(f"{len(jpegs)} of {many} went through JPEG, mostly {most.removeprefix('JPEG ')}")
        else:
            said.append("no trace of JPEG")
        cut = float(np.median([image.cut_off for image in self.images]))
        if cut < _FULL:
            said.append(f"nothing above {cut:.2f} cycles a pixel, as of an image enlarged x{0.5 / cut:.2g}")
        else:
            said.append("detail up to the highest frequency")
        larger = [image.enlarged for image in self.images if image.enlarged]
        if 2 * len(larger) > many:
            said.append(f"enlarged before, x{float(np.median(larger)):.3g} by its period")
        text = "; ".join(said)
        return text[0].upper() + text[1:] + "."

    def table(self) -> list[tuple[str, str, str, str]]:
        rows = [("image", "JPEG", "cut-off", "enlarged")]
        for one in self.images:
            times = f"x{one.enlarged:.3g}" if one.enlarged else "no"
            rows.append((one.name, one.jpeg or "none", f"{one.cut_off:.3f}", times))
        return rows

    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        keys = ("name", "jpeg", "cut_off", "enlarged")
        return {
            "sentence": self.sentence(),
            "images": [{key: getattr(image, key) for key in keys} for image in self.images],
        }


def look(folder: Path) -> Traces:
    """What the images of a folder, at most 20 of them evenly chosen, show of what was done to them."""
    files = list_images(Path(folder))
    count = min(len(files), _IMAGES)
    chosen = [files[number * len(files) // count] for number in range(count)]
    return Traces(tuple(_look(path) for path in chosen))


def _look(path: Path) -> LoneImage:
    pixels = read_image(path).array
    said = compression.of_file(path)
    found = said or compression.in_pixels(pixels)
    plane = YIQ.of(pixels[:_SIDE, :_SIDE])
    return LoneImage(
        path.stem, str(found or ""), round(cut_off(plane), 4), enlargement(plane, found is not None)
    )


def cut_off(plane: NDArray[np.float64]) -> float:
    """The frequency along rows or columns above which there is only rounding, in cycles a pixel, at most 0.5.

    Of a plane on the 8-bit scale; its edges are faded out, which would otherwise be detail of their own.
    """
    from scipy import fft

    windows = [np.hanning(side + 2)[1:-1] for side in plane.shape]
    faded = (plane - plane.mean()) * windows[0][:, None] * windows[1]
    power = np.abs(fft.fft2(faded)) ** 2
    power /= plane.size * (windows[0] ** 2).mean() * (windows[1] ** 2).mean()
    down = np.abs(fft.fftfreq(plane.shape[0]))[:, None]
    right = np.abs(fft.fftfreq(plane.shape[1]))[None]
    highest = np.maximum(down, right)  # of a separable filter
    edges = np.linspace(0, 0.5, 51)
    numbers = np.clip(np.digitize(highest, edges) - 1, 0, 49)
    means = np.bincount(numbers.ravel(), power.ravel(), 50) / np.maximum(
        np.bincount(numbers.ravel(), minlength=50), 1
    )
    above = np.flatnonzero(means > _FLOOR)
    return float(edges[above[-1] + 1]) if len(above) else 0.0


def enlargement(plane: NDArray[np.float64], blocks: bool = False) -> float | None:
    """By how much an image was enlarged, at most 4, from the period of its second differences; None for none.

    Interpolated samples vary less the farther they lie from the samples that were there, so that the second
    difference's mean size repeats with the factor (Gallagher, Detection of linear and cubic interpolation in
    JPEG compressed images, CRV 2005).  Enlarged by 2, all samples lie alike between those that were there,
    and nothing shows; nor does x4 where JPEG left ``blocks``.
    """
    from scipy import ndimage

    votes = []
    for axis in range(2):
        second = np.abs(np.diff(plane, 2, axis=axis)).mean(axis=1 - axis)
        if len(second) < 64:
            return None
        line = second - ndimage.median_filter(second, 9)
        size = np.abs(np.fft.rfft(line * np.hanning(len(line))))
        frequencies = np.fft.rfftfreq(len(line))
        allowed = frequencies > _SLOWEST
        if blocks:  # of JPEG, whose period is 8: then x4 cannot be told
            allowed &= np.abs(frequencies * 8 - np.round(frequencies * 8)) > 0.08
        rest = float(np.median(size[frequencies > 0.1]))
        best = int(np.argmax(np.where(allowed, size, 0)))
        if size[best] > _PEAK * rest:
            votes.append(1 / frequencies[best])
    if len(votes) == 2 and math.isclose(votes[0], votes[1], rel_tol=0.05):
        return round(float(np.mean(votes)), 3)
    return None
