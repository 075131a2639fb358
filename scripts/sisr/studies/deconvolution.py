"""Deconvolution by division in the frequency domain: why it fails, and what cures it.

Images are float64 (h, w) on [0, 1].  An image is blurred as a camera does it, from a larger scene, so that
its border pixels hold what lies outside; white noise is added and values are rounded to 8 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sisr.lr.kernels.filtering import gaussian
from sisr.studies import variation
from sisr.studies.common import Floats, StudyImage, StudyRow, mean, psnr

Spectrum = NDArray[np.complex128]

#: Side of the images that are taken, with their scene.
SIDE = 264
#: Standard deviation of the moderate blur in pixels, and of the noise in 8-bit levels.
BLUR, NOISE = 1.6, 1.0
BLURS = (0.8, 1.6, 2.4, 3.2)
NOISES = (0.0, 1.0, 2.0, 5.0, 10.0)
#: Pixels of scene around an image: the widest blur reaches 13.
MARGIN = 24
#: Rings of frequency from 0 to 0.5 cycles a pixel.
RINGS = 32
#: Part of the largest response below which truncated division writes 0.
CUT = 0.05


# --- the observation ------------------------------------------------------------------------------------


def psf_of(sigma: float) -> Floats:
    """A Gaussian of odd size that holds four deviations; sums to 1."""
    return gaussian(2 * int(np.ceil(4 * sigma)) + 1, sigma)


def blur_inside(scene: Floats, psf: Floats) -> Floats:
    """The inside of a scene, ``MARGIN`` less at each side, blurred with what lies around it."""
    from scipy.signal import fftconvolve

    return fftconvolve(scene, psf, mode="same")[MARGIN:-MARGIN, MARGIN:-MARGIN]


def observe(scene: Floats, psf: Floats, noise: float, seed: int = 0) -> Floats:
    """Blur the inside of a scene (``MARGIN`` less at each side), add noise (in levels), round to 8 bits."""
    blurred = blur_inside(scene, psf)
    blurred = blurred + np.random.default_rng(seed).normal(0, noise / 255, blurred.shape)
    return np.clip(np.rint(255 * blurred), 0, 255) / 255


def otf_of(psf: Floats, shape: tuple[int, int]) -> Spectrum:
    """Frequency response of a PSF of odd size on a circular grid, complex (h, w): MATLAB's ``psf2otf``.

    The PSF is padded with zeros to the image's size, and its *middle* turned to element (0, 0).
    """
    padded = np.zeros(shape)
    padded[: psf.shape[0], : psf.shape[1]] = psf
    return np.fft.fft2(np.roll(padded, (-(psf.shape[0] // 2), -(psf.shape[1] // 2)), (0, 1)))


def apply(image: Floats, filter_: Spectrum | Floats) -> Floats:
    """A filter of frequencies on an image, circularly."""
    return np.fft.ifft2(np.fft.fft2(image) * filter_).real


# --- the failure, and its repair piece by piece ---------------------------------------------------------


def divide(observed: Floats, otf: Spectrum) -> Floats:
    """Unregularised division: exact without noise and with circular borders, useless otherwise."""
    return apply(observed, 1 / otf)


def divide_truncated(observed: Floats, otf: Spectrum, cut: float = CUT) -> Floats:
    """Division where the response is above ``cut``, 0 elsewhere."""
    large = np.abs(otf) > cut
    return apply(observed, np.where(large, 1 / np.where(large, otf, 1), 0))


def taper(image: Floats, psf: Floats) -> Floats:
    """An image whose opposite borders meet smoothly: MATLAB's ``edgetaper``.

    Near a border it fades to its own circular blur.  The weight falls with the autocorrelation of the PSF's
    projection on each axis, so that pixels farther than the PSF reaches are not touched.
    """
    weight = np.ones(image.shape)
    for axis, length in enumerate(image.shape):
        projection = psf.sum(axis=1 - axis)
        power = np.abs(np.fft.fft(projection, length - 1)) ** 2
        correlation = np.fft.ifft(power).real
        correlation = np.append(correlation, correlation[0]) / correlation.max()
        weight *= (1 - correlation)[:, None] if axis == 0 else 1 - correlation
    return weight * image + (1 - weight) * apply(image, otf_of(psf, image.shape))


def with_borders(restore: Callable[[Floats], Floats], observed: Floats, psf: Floats) -> Floats:
    """Restore an image that was continued by its mirror image over ``MARGIN`` pixels and tapered."""
    wide = taper(np.pad(observed, MARGIN, mode="reflect"), psf)
    return restore(wide)[MARGIN:-MARGIN, MARGIN:-MARGIN]


# --- cures ----------------------------------------------------------------------------------------------


def wiener(observed: Floats, psf: Floats, noise: float) -> Floats:
    """Wiener's filter H* / (|H|^2 + N / S) for white noise of standard deviation ``noise`` (on [0, 1]).

    The spectrum S of the sharp image is not known; it is taken to be that of :func:`power_law`.
    """
    otf = otf_of(psf, observed.shape)
    inverse_snr = noise**2 / power_law(observed, psf, noise)
    return (
        apply(observed - observed.mean(), np.conj(otf) / (np.abs(otf) ** 2 + inverse_snr)) + observed.mean()
    )


def power_law(observed: Floats, psf: Floats, noise: float) -> Floats:
    """Power of the sharp image at each frequency, ``a / f^b`` (Field, JOSA A 4, 1987), float64 (h, w).

    White noise of variance v has the power v.  a and b are fitted in logarithms, to rings of frequency in
    which the observed power, less the noise, can be divided by the response without harm.
    """
    frequency = _frequency(observed.shape)
    passed, at = ring_means(np.abs(otf_of(psf, observed.shape)) ** 2), ring_means(frequency)
    signal = ring_means(windowed_power(observed)) - noise**2
    usable = (np.arange(len(at)) >= 2) & (passed > 0.05) & (signal > noise**2)
    if usable.sum() < 3:  # noise covers all but the slowest waves
        usable = np.arange(len(at)) == 1
        slope, height = -2.0, float(np.log(max(signal[1], noise**2)) + 2 * np.log(at[1]))
    else:
        slope, height = np.polyfit(np.log(at[usable]), np.log(signal[usable] / passed[usable]), 1)
    frequency[0, 0] = 1 / max(observed.shape)
    return np.exp(height) * frequency**slope


def windowed_power(image: Floats) -> Floats:
    """Power spectrum under a Hann window, float64 (h, w), in which white noise of variance v has the mean v.

    The window keeps the jump between opposite borders out of the high frequencies.
    """
    window = np.hanning(image.shape[0])[:, None] * np.hanning(image.shape[1])
    return np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2 / (window**2).sum()


def ring_means(values: Floats) -> Floats:
    """Mean over rings of equal frequency, ``RINGS`` up to 0.5 cycles a pixel and more up to the corners."""
    rings = np.round(_frequency(values.shape) * 2 * RINGS).astype(int).ravel()
    return np.bincount(rings, values.ravel()) / np.bincount(rings)


def _frequency(shape: tuple[int, ...]) -> Floats:
    """Distance of each element of a spectrum from frequency 0, in cycles a pixel."""
    rows, columns = (np.fft.fftfreq(n) for n in shape)
    return np.hypot(rows[:, None], columns)


def estimated_noise(observed: Floats, psf: Floats) -> float:
    """Standard deviation of white noise, from the frequencies that the blur left nothing of.

    Where the response is below 1 % the spectrum of a blurred image is noise.  Its power is exponentially
    distributed, with the variance as mean and ln 2 of it as median; the median minds no stray edge.
    """
    power = windowed_power(observed)
    response = np.abs(otf_of(psf, observed.shape))
    # A narrow blur leaves something of every frequency: then the hundredth part that it leaves least of.
    nothing = response <= max(0.01, float(np.quantile(response, 0.01)))
    return float(np.sqrt(np.median(power[nothing]) / np.log(2)))


def unsupervised(observed: Floats, psf: Floats) -> Floats:
    """Wiener-Hunt with both unknowns estimated by Gibbs sampling (Orieux et al. 2010, scikit-image)."""
    from skimage.restoration import unsupervised_wiener

    found, _ = unsupervised_wiener(observed, psf, clip=False, rng=0, user_params={"max_num_iter": 60})
    return found


def tikhonov(observed: Floats, psf: Floats, noise: float) -> Floats:
    """Least ``|H x - y|^2 + balance |L x|^2``, L the Laplacian (scikit-image's ``wiener``).

    The balance is the largest that leaves a residual as large as the noise (Morozov's discrepancy principle).
    """
    from skimage.restoration import wiener as wiener_hunt

    otf = otf_of(psf, observed.shape)

    def residual(balance: float) -> float:
        found = wiener_hunt(observed, psf, balance, clip=False)
        return _residual(found, observed, otf)

    low, high = -8.0, 2.0
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (middle, high) if residual(10**middle) < noise else (low, middle)
    return wiener_hunt(observed, psf, 10**low, clip=False)


def _residual(found: Floats, observed: Floats, otf: Spectrum) -> float:
    """Standard deviation of H x - y where tapering changed nothing."""
    inner = slice(2 * MARGIN, -2 * MARGIN)
    return float(np.std((apply(found, otf) - observed)[inner, inner]))


def richardson_lucy(observed: Floats, psf: Floats, noise: float) -> Floats:
    """Richardson (1972) and Lucy (1974), scikit-image; stopped when the residual is as large as the noise."""
    from skimage.restoration import richardson_lucy as lucy

    otf = otf_of(psf, observed.shape)
    best = observed
    for steps in (5, 15, 45):
        best = lucy(observed, psf, num_iter=steps, clip=False)
        if _residual(best, observed, otf) < noise:
            break
    return best


def total_variation(observed: Floats, psf: Floats, noise: float, steps: int = 40) -> Floats:
    """Least ``|H x - y|^2 / 2 + weight TV(x)``, the weight ``TV_FACTOR`` times the noise's variance."""
    otf = otf_of(psf, observed.shape)
    return variation.total_variation(
        lambda x: apply(apply(x, otf) - observed, np.conj(otf)), observed, TV_FACTOR * noise**2, steps
    )


#: Weight of total variation over the noise's variance (on [0, 1]); chosen on images that no study uses, see
#: docs/studies/deconvolution.md.
TV_FACTOR = 12.0
#: Standard deviation of rounding to 8 bits, in levels: no image has less noise.
ROUNDING = 12**-0.5

Restorer = Callable[[Floats, Floats, float], Floats]

#: Name for people -> function of the tapered image, the PSF and the true standard deviation of the noise.
CURES: dict[str, Restorer] = {
    "truncated division": lambda y, psf, noise: divide_truncated(y, otf_of(psf, y.shape)),
    "Wiener, known noise": wiener,
    "Wiener, estimated noise": lambda y, psf, noise: wiener(y, psf, estimated_noise(y, psf)),
    "Wiener, unsupervised": lambda y, psf, noise: unsupervised(y, psf),
    "Tikhonov": tikhonov,
    "Richardson-Lucy": richardson_lucy,
    "total variation": total_variation,
}


# --- the study ------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class DeconvolutionResult:
    """``rows`` of the table; of the first image, at the moderate blur, what each method makes of it."""

    rows: list[StudyRow]
    images: dict[str, Floats]
    observed: Floats
    psf: Floats
    image: str


def measure(images: Sequence[StudyImage]) -> DeconvolutionResult:
    """Causes of the failure one at a time, then every cure against blur and noise."""
    rows: list[StudyRow] = []
    shown: dict[str, Floats] = {}
    psf = psf_of(BLUR)
    for image in images:
        scene = image.luma
        for name, value in causes(scene).items():
            rows.append(StudyRow("cause", image.name, name, "", "", "PSNR", value))
        conditions = dict.fromkeys([*((blur, NOISE) for blur in BLURS), *((BLUR, noise) for noise in NOISES)])
        for blur, noise in conditions:
            restored = _restore(scene, blur, noise)
            truth = restored.pop("truth")
            if not shown and (blur, noise) == (BLUR, NOISE):
                shown = {"truth": truth, **restored}
            for method, found in restored.items():
                value = psnr(truth, found)
                if noise == NOISE:
                    rows.append(StudyRow("cure", image.name, method, "blur in pixels", blur, "PSNR", value))
                if blur == BLUR:
                    rows.append(StudyRow("cure", image.name, method, "noise in levels", noise, "PSNR", value))
    first = images[0].luma
    return DeconvolutionResult(rows, shown, observe(first, psf, NOISE), psf, images[0].name)


def causes(scene: Floats) -> dict[str, float]:
    """PSNR after unregularised division with one thing wrong at a time, at the moderate blur.

    All but one start from a circular blur without noise or rounding, where division is right.
    """
    truth, psf = scene[MARGIN:-MARGIN, MARGIN:-MARGIN], psf_of(BLUR)
    otf = otf_of(psf, truth.shape)
    clean = apply(truth, otf)
    rng = np.random.default_rng(0)
    outside = blur_inside(scene, psf)
    uncentred = np.zeros(truth.shape)
    uncentred[: psf.shape[0], : psf.shape[1]] = psf
    box = otf_of(np.full((3, 3), 1 / 9), truth.shape)
    made = {
        "blurred, nothing undone": clean,
        "nothing wrong": divide(clean, otf),
        "response with zeros (3 x 3 mean)": divide(apply(truth, box), np.where(box == 0, 1e-18, box)),
        "rounded to 8 bits": divide(np.rint(255 * clean) / 255, otf),
        f"noise of {NOISE:g} level": divide(clean + rng.normal(0, NOISE / 255, clean.shape), otf),
        "borders blurred with what lies outside": divide(outside, otf),
        "filter that sums to 1.1": divide(clean, 1.1 * otf),
        "filter not centred": divide(clean, np.fft.fft2(uncentred)),
        "filter a tenth too wide": divide(clean, otf_of(psf_of(1.1 * BLUR), truth.shape)),
        "all as a camera has it": divide(observe(scene, psf, NOISE), otf),
    }
    return {name: psnr(truth, found) for name, found in made.items()}


def _restore(scene: Floats, blur: float, noise: float) -> dict[str, Floats]:
    """The truth, the observed image and what each method makes of it."""
    psf = psf_of(blur)
    observed = observe(scene, psf, noise)
    deviation = float(np.hypot(noise, ROUNDING)) / 255
    restored = {
        "truth": scene[MARGIN:-MARGIN, MARGIN:-MARGIN],
        "blurred": observed,
        "division": divide(observed, otf_of(psf, observed.shape)),
        "Wiener without tapering": wiener(observed, psf, deviation),
    }
    for name, cure in CURES.items():
        restored[name] = with_borders(lambda y, cure=cure: cure(y, psf, deviation), observed, psf)  # type: ignore[misc]
    return restored


def amplification(otf: Spectrum) -> float:
    """Factor by which division multiplies the variance of white noise: the mean of 1 / |H|^2."""
    return float(np.mean(1 / np.abs(otf) ** 2))


def findings(result: DeconvolutionResult) -> list[str]:
    """What came out, with its numbers."""
    at_moderate = {"part": "cure", "parameter": "noise in levels", "at": NOISE}
    quality = {m: mean(result.rows, method=m, **at_moderate) for m in ("blurred", "division", *CURES)}
    cured = {m: quality[m] for m in CURES}
    best = max(cured, key=cured.__getitem__)
    otf = otf_of(result.psf, result.observed.shape)
    gains = ", ".join(f"{m} {value - quality['blurred']:+.2f}" for m, value in cured.items())
    tapering = mean(result.rows, method="Wiener, known noise", **at_moderate) - mean(
        result.rows, method="Wiener without tapering", **at_moderate
    )
    exact = mean(result.rows, part="cause", method="nothing wrong")
    rounded = mean(result.rows, part="cause", method="rounded to 8 bits")
    return [
        f"A Gaussian blur of {BLUR:g} pixels lets {np.abs(otf).min():.0e} of the finest waves through; "
        f"division multiplies the noise's standard deviation by {np.sqrt(amplification(otf)):.0e}.",
        f"With nothing wrong, division gives {exact:.0f} dB; with rounding to 8 bits alone {rounded:.1f} dB.",
        f"With noise of {NOISE:g} level the blurred images have {quality['blurred']:.2f} dB, unregularised "
        f"division {quality['division']:.2f} dB and {best} {quality[best]:.2f} dB "
        f"({quality[best] - quality['blurred']:+.2f}).",
        f"Gains in dB: {gains}. Tapering the borders is worth {tapering:.2f} dB to Wiener's filter.",
    ]
