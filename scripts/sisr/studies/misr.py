"""Super-resolution from several frames: y_k = D B M_k x + n.

x is a scene, float64 (h, w) on [0, 1]; M_k moves it by the frame's shift, B blurs it (the camera's optics and
sensor), D keeps one sample of each s x s, n is noise.  A *shift* is (down, right) in HR pixels: frame k shows
at its sample what the scene has that far below and to the right.

M, B and D all work on rows and columns separately, so that a frame is ``R x C^T`` with two small sparse
matrices, and its adjoint ``R^T y C``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sisr.lr.kernels.matlab import cubic, imresize
from sisr.models.model_entries import Model
from sisr.studies import variation
from sisr.studies.common import Floats, StudyImage, StudyRow, mean, psnr
from sisr.upscaling.engines import Upscaler

SCALE = 2
#: Standard deviation of the camera's blur in HR pixels, and of the noise in 8-bit levels.
BLUR, NOISE = 0.8, 2.0
FRAMES = (1, 2, 4, 8, 16)
NOISES = (0.0, 2.0, 5.0, 10.0)
#: Standard deviation of an error of registration, in HR pixels an axis.
MISPLACEMENTS = (0.0, 0.1, 0.2, 0.4, 0.8)
#: Shifts are drawn evenly from this many HR pixels either way.
REACH = 4.0
#: HR pixels around an image that frames see beyond it, and that are left out of the scores.
MARGIN = 12
SIDE = 216


# --- operators ------------------------------------------------------------------------------------------


def axis_operator(length: int, shift: float, blur: float = BLUR, scale: int = SCALE) -> sparse.csr_array:
    """D B M along one axis, (length / scale, length): cubic interpolation, Gaussian, every scale-th sample.

    Samples lie in the middle of their ``scale`` pixels; beyond the ends the image is mirrored.
    """
    return (_decimate(length, scale) @ _blur(length, blur) @ _move(length, shift)).tocsr()


def _fold(positions: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Positions of any size, mirrored into [0, length)."""
    folded = positions % (2 * length)
    return np.minimum(folded, 2 * length - 1 - folded)


def _matrix(first: NDArray[np.int64], weights: Floats, length: int) -> sparse.csr_array:
    """Rows that sum ``weights`` from position ``first`` on."""
    rows = np.repeat(np.arange(len(first)), weights.shape[1])
    columns = _fold(first[:, None] + np.arange(weights.shape[1]), length)
    shape = (len(first), length)
    return sparse.csr_array((weights.ravel(), (rows, columns.ravel())), shape=shape)


def _move(length: int, shift: float) -> sparse.csr_array:
    """M: element i takes what lies at ``i + shift``, by cubic convolution."""
    whole = int(np.floor(shift))
    weights = cubic(np.asarray(shift - whole - np.arange(-1, 3), np.float64))
    return _matrix(np.arange(length) + whole - 1, np.tile(weights, (length, 1)), length)


def _blur(length: int, sigma: float) -> sparse.csr_array:
    reach = int(np.ceil(4 * sigma))
    weights = np.exp(-(np.arange(-reach, reach + 1) ** 2) / (2 * sigma**2))
    return _matrix(np.arange(length) - reach, np.tile(weights / weights.sum(), (length, 1)), length)


def _decimate(length: int, scale: int) -> sparse.csr_array:
    """D: at even scales the middle of a block lies between two pixels, whose mean is taken."""
    first = np.arange(length // scale) * scale + (scale - 1) // 2
    weights = np.full((length // scale, 2 - scale % 2), 1 / (2 - scale % 2))
    return _matrix(first, weights, length)


@dataclass(frozen=True, eq=False)
class Frames:
    """The linear map from a scene (h, w) to a stack of frames (k, h / s, w / s)."""

    rows: tuple[sparse.csr_array, ...]
    columns: tuple[sparse.csr_array, ...]

    @classmethod
    def of(
        cls, shape: tuple[int, int], shifts: Iterable[Sequence[float]], blur: float = BLUR, scale: int = SCALE
    ) -> Frames:
        """The map for frames at some shifts."""
        shifts = [tuple(shift) for shift in shifts]
        return cls(
            tuple(axis_operator(shape[0], down, blur, scale) for down, _ in shifts),
            tuple(axis_operator(shape[1], right, blur, scale) for _, right in shifts),
        )

    def forward(self, scene: Floats) -> Floats:
        """A x."""
        return np.stack([r @ (c @ scene.T).T for r, c in zip(self.rows, self.columns, strict=True)])

    def adjoint(self, frames: Floats) -> Floats:
        """A^T y."""
        parts = zip(self.rows, self.columns, frames, strict=True)
        return sum(r.T @ (c.T @ y.T).T for r, c, y in parts)

    @property
    def norm(self) -> float:
        """Largest eigenvalue of A^T A, at most: every frame's is the product of its two axes'."""
        pairs = zip(self.rows, self.columns, strict=True)
        return float(sum(_bound(r) * _bound(c) for r, c in pairs))


def _bound(matrix: sparse.csr_array) -> float:
    """Bound of the largest eigenvalue of ``M^T M``: the largest row sum times the largest column sum."""
    size = abs(matrix)
    return float(size.sum(axis=0).max() * size.sum(axis=1).max())


# --- the observation ------------------------------------------------------------------------------------


def draw_shifts(count: int, seed: int = 0) -> Floats:
    """Shifts of frames, float64 (count, 2); the first frame is the reference and has none."""
    shifts = np.random.default_rng(seed).uniform(-REACH, REACH, (count, 2))
    shifts[0] = 0
    return shifts


def observe(scene: Floats, shifts: Floats, noise: float, seed: int = 0) -> Floats:
    """8-bit frames on [0, 1] of a scene, cut to its inside without ``MARGIN`` pixels.

    The scene is moved by splines of fifth order and blurred with a wider stencil, not by the operators that
    reconstruct it, so that these have to live with a model that is not quite right.
    """
    from scipy import ndimage

    rng = np.random.default_rng(seed + 1)
    inner = slice(MARGIN, -MARGIN)
    frames = []
    for shift in shifts:
        moved = ndimage.shift(scene, -shift, order=5, mode="mirror")
        blurred = ndimage.gaussian_filter(moved, BLUR, truncate=6)[inner, inner]
        height, width = blurred.shape
        means = blurred.reshape(height // SCALE, SCALE, width // SCALE, SCALE).mean(axis=(1, 3))
        noisy = means + rng.normal(0, noise / 255, means.shape)
        frames.append(np.clip(np.rint(255 * noisy), 0, 255) / 255)
    return np.stack(frames)


# --- registration ---------------------------------------------------------------------------------------


def register(frames: Floats, rounds: int = 4) -> Floats:
    """Estimated shifts in HR pixels, float64 (k, 2), of each frame against the first.

    Phase correlation with sub-pixel peaks (scikit-image) under a Hann window; magnitudes are kept, as in
    :mod:`sisr.scoring.metrics.registration`.  The window pulls an estimate towards zero, so each frame is
    moved back by its estimate and registered again, until nothing is left.
    """
    from scipy import ndimage
    from skimage.registration import phase_cross_correlation

    window = np.hanning(frames.shape[1])[:, None] * np.hanning(frames.shape[2])
    smooth = [ndimage.gaussian_filter(frame, 0.7) for frame in frames]
    reference = (smooth[0] - smooth[0].mean()) * window
    found = np.zeros((len(frames), 2))
    for index in range(1, len(frames)):
        for _ in range(rounds):
            back = ndimage.shift(smooth[index], found[index], order=3, mode="nearest")
            step, _, _ = phase_cross_correlation(
                reference, (back - back.mean()) * window, upsample_factor=100, normalization=None
            )
            found[index] += step
            if np.abs(step).max() < 0.01:
                break
    # The step moves a frame back onto the reference: by where the frame looks, in LR pixels.
    return found * SCALE


# --- reconstruction -------------------------------------------------------------------------------------

#: Weights of the regularisers over the variance of the noise; chosen on images that no study uses.
TIKHONOV, VARIATION = 200.0, 15.0

Reconstruction = Callable[[Floats, Frames, Floats, float], Floats]


def enlarged(frame: Floats) -> Floats:
    """One frame, enlarged by MATLAB's bicubic."""
    return imresize(frame, SCALE)


def shift_and_add(frames: Floats, model: Frames, shifts: Floats, noise: float) -> Floats:
    """Every sample is put where it was seen and spread over its four neighbours; their weighted mean.

    What no sample reaches is filled with the enlarged first frame.  The blur stays.
    """
    height, width = frames.shape[1] * SCALE, frames.shape[2] * SCALE
    total, count = np.zeros((height, width)), np.zeros((height, width))
    for frame, (down, right) in zip(frames, shifts, strict=True):
        rows = (np.arange(frame.shape[0]) + 0.5) * SCALE - 0.5 + down
        columns = (np.arange(frame.shape[1]) + 0.5) * SCALE - 0.5 + right
        for i, j in product((0, 1), (0, 1)):
            r, c = np.floor(rows).astype(int) + i, np.floor(columns).astype(int) + j
            weight = np.outer(1 - np.abs(rows - r), 1 - np.abs(columns - c))
            inside = np.ix_((r >= 0) & (r < height), (c >= 0) & (c < width))
            at = np.ix_(r[(r >= 0) & (r < height)], c[(c >= 0) & (c < width)])
            total[at] += (weight * frame)[inside]
            count[at] += weight[inside]
    filled = count > 0.05
    return np.where(filled, total / np.where(filled, count, 1), enlarged(frames[0]))


def back_projection(frames: Floats, model: Frames, shifts: Floats, noise: float) -> Floats:
    """Irani and Peleg (1991): add back what the frames have and the estimate does not explain, 30 times."""
    found = shift_and_add(frames, model, shifts, noise)
    step = 1 / model.norm
    for _ in range(30):
        found = found + step * model.adjoint(frames - model.forward(found))
    return found


def tikhonov(frames: Floats, model: Frames, shifts: Floats, noise: float, steps: int = 30) -> Floats:
    """Least ``|A x - y|^2 + weight |L x|^2``, L the Laplacian, by SciPy's conjugate gradients."""
    from scipy.sparse.linalg import LinearOperator, cg

    start = enlarged(frames[0])
    weight = TIKHONOV * noise**2
    curvature = [_laplacian(length) for length in start.shape]

    def bend(x: Floats) -> Floats:
        return curvature[0] @ x + (curvature[1] @ x.T).T

    def normal(flat: Floats) -> Floats:
        x = flat.reshape(start.shape)
        return (model.adjoint(model.forward(x)) + weight * bend(bend(x))).ravel()

    system = LinearOperator((start.size, start.size), matvec=normal)
    found, _ = cg(system, model.adjoint(frames).ravel(), x0=start.ravel(), maxiter=steps, rtol=1e-6)
    return found.reshape(start.shape)


def _laplacian(length: int) -> sparse.csr_array:
    """Second difference along an axis, mirrored; symmetric."""
    return _matrix(np.arange(length) - 1, np.tile(np.array([1.0, -2.0, 1.0]), (length, 1)), length)


def least_variation(frames: Floats, model: Frames, shifts: Floats, noise: float, steps: int = 30) -> Floats:
    """Least ``|A x - y|^2 / 2 + weight TV(x)``."""
    return variation.total_variation(
        lambda x: model.adjoint(model.forward(x) - frames),
        tikhonov(frames, model, shifts, noise, steps=10),
        VARIATION * noise**2,
        steps,
        pace=1 / model.norm,
    )


METHODS: dict[str, Reconstruction] = {
    "shift and add": shift_and_add,
    "back-projection": back_projection,
    "Tikhonov": tikhonov,
    "total variation": least_variation,
}

# --- the study ------------------------------------------------------------------------------------------

#: Frames where noise and registration are varied.
MANY = 16
BICUBIC = "bicubic of one frame"


@dataclass(frozen=True, eq=False)
class MisrResult:
    """``rows`` of the table; of the first image, what ``MANY`` frames with estimated shifts give."""

    rows: list[StudyRow]
    images: dict[str, Floats]
    quality: dict[str, float]
    image: str


def measure(images: Sequence[StudyImage], networks: Iterable[tuple[Model, Upscaler]] = ()) -> MisrResult:
    """Every method against frames, noise and registration, beside what one frame gives.

    ``networks`` enlarge the first frame; they were trained on other LR images than this camera's.
    """
    rows: list[StudyRow] = []
    shown: dict[str, Floats] = {}
    inner = slice(MARGIN, -MARGIN)
    for image in images:
        scene = image.luma
        truth = scene[inner, inner]
        made = _one_image(image.name, scene, truth, rows)
        shown = shown or {"truth": truth, **made}
    loaded = {model.label: upscale for model, upscale in networks}

    def one_frame(label: str, noise: float) -> None:
        for image in images:
            frame = observe(image.luma, np.zeros((1, 2)), noise)[0]
            found = loaded[label](np.rint(255 * frame).astype(np.uint8)) / 255.0
            found = found.mean(axis=2) if found.ndim == 3 else found  # a network on RGB gets gray thrice
            value = psnr(image.luma[inner, inner], found, MARGIN)
            rows.append(_one_frame(image.name, label, noise, value))
            if image is images[0] and noise == NOISE:
                shown[label] = found

    for label in loaded:
        one_frame(label, NOISE)
    best = best_network(rows)
    for noise in NOISES:
        if best and noise != NOISE:
            one_frame(best, noise)
    keep = {"truth", BICUBIC, *METHODS, *([best] if best else [])}
    shown = {name: found for name, found in shown.items() if name in keep}
    quality = {name: psnr(shown["truth"], found, MARGIN) for name, found in shown.items() if name != "truth"}
    return MisrResult(rows, shown, quality, images[0].name)


def _one_frame(image: str, method: str, noise: float, value: float) -> StudyRow:
    return StudyRow("one frame", image, method, "noise in levels", noise, "PSNR", value)


def _one_image(name: str, scene: Floats, truth: Floats, rows: list[StudyRow]) -> dict[str, Floats]:
    """Add an image's rows; returns what ``MANY`` frames with estimated shifts give at the usual noise."""
    made: dict[str, Floats] = {}
    drawn = draw_shifts(max(FRAMES))
    conditions = dict.fromkeys([*((count, NOISE) for count in FRAMES), *((MANY, noise) for noise in NOISES)])
    for count, noise in conditions:
        frames, true = observe(scene, drawn[:count], noise), drawn[:count]
        deviation = float(np.hypot(noise, 12**-0.5)) / 255
        estimated = register(frames)
        at: list[tuple[str, float]] = [("frames", count)] if noise == NOISE else []
        at += [("noise in levels", noise)] if count == MANY else []
        if count > 1:
            slip = float(np.sqrt(np.mean((estimated - true)[1:] ** 2)))
            method, what = "phase correlation", "rms error in HR pixels"
            rows += [StudyRow("registration", name, method, parameter, x, what, slip) for parameter, x in at]
        for part, shifts in (("known shifts", true), ("estimated shifts", estimated)):
            found = _reconstruct(frames, shifts, deviation)
            for method, scene_found in found.items():
                value = psnr(truth, scene_found, MARGIN)
                rows += [StudyRow(part, name, method, parameter, x, "PSNR", value) for parameter, x in at]
        if count == MANY:
            one = enlarged(frames[0])
            rows.append(_one_frame(name, BICUBIC, noise, psnr(truth, one, MARGIN)))
        if (count, noise) == (MANY, NOISE):
            made = {BICUBIC: one, **found}
            _misplace(name, frames, truth, true, deviation, rows)
    return made


def _misplace(
    name: str, frames: Floats, truth: Floats, shifts: Floats, deviation: float, rows: list[StudyRow]
) -> None:
    """Rows of reconstructions with shifts that are wrong by known amounts."""
    wrong = np.random.default_rng(7).standard_normal(shifts.shape)
    wrong[0] = 0
    for error in MISPLACEMENTS:
        for method, found in _reconstruct(frames, shifts + error * wrong, deviation).items():
            value = psnr(truth, found, MARGIN)
            rows.append(StudyRow("wrong shifts", name, method, "error in HR pixels", error, "PSNR", value))


def _reconstruct(frames: Floats, shifts: Floats, deviation: float) -> dict[str, Floats]:
    model = Frames.of((frames.shape[1] * SCALE, frames.shape[2] * SCALE), shifts)
    return {method: function(frames, model, shifts, deviation) for method, function in METHODS.items()}


def best_network(rows: Sequence[StudyRow]) -> str | None:
    """The network with the best mean at the usual noise; None without networks."""
    names = dict.fromkeys(row.method for row in rows if row.part == "one frame" and row.method != BICUBIC)
    return max(names, key=lambda m: mean(rows, part="one frame", method=m, at=NOISE), default=None)


def findings(result: MisrResult) -> list[str]:
    """What came out, with its numbers."""
    rows = result.rows
    one = mean(rows, part="one frame", method=BICUBIC, at=NOISE)
    gains = {
        part: {m: mean(rows, part=part, method=m, parameter="frames", at=MANY) - one for m in METHODS}
        for part in ("known shifts", "estimated shifts")
    }
    best = max(gains["known shifts"], key=gains["known shifts"].__getitem__)
    slip = mean(rows, part="registration", parameter="frames", at=MANY)
    alone = mean(rows, part="known shifts", method=best, parameter="frames", at=1) - one
    said = [
        f"{MANY} frames at x{SCALE} beat bicubic of one frame ({one:.2f} dB) by "
        f"{gains['known shifts'][best]:.2f} dB with known and {gains['estimated shifts'][best]:.2f} dB with "
        f"estimated shifts ({best}); the same method on one frame by {alone:.2f} dB.",
        f"Phase correlation finds the shifts to {slip:.3f} HR pixels.",
    ]
    worst = mean(rows, part="wrong shifts", method=best, at=MISPLACEMENTS[-1]) - one
    said.append(
        f"With shifts wrong by {MISPLACEMENTS[-1]:g} HR pixels an axis the same {MANY} frames gain "
        f"{worst:+.2f} dB."
    )
    network = best_network(rows)
    if network:
        value = mean(rows, part="one frame", method=network, at=NOISE)
        clean = mean(rows, part="one frame", method=network, at=0.0)
        said.append(
            f"The best network on one frame, {network}, gains {value - one:+.2f} dB over bicubic (it was "
            f"trained for another camera, without noise; on a frame without noise it has {clean:.2f} dB)."
        )
    return said
