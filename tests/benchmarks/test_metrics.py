"""Images per second of PSNR-Y + SSIM-Y beside BasicSR, scikit-image, pyiqa, piq and torchmetrics, in one run.

The images are those of Urban100 where SISR_MIRROR has them (HR against its bicubic enlargement, x4), else
random ones of their size.  They are in memory: decoding is the same for everybody, and is measured apart, in
the last row, which is what ``sisr score`` does from file to number.  Nothing here asserts a time; values are
asserted to agree.  Run with ``pytest tests/benchmarks -s``.

The last three are not among the requirements, since their own would replace pinned packages; `make benchmark`
puts them in .cache/peers.  Those that can be imported are in the table, which says of others why not.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sisr.base import registry
from sisr.base.colour import BT601, Uint8Image
from sisr.base.images import modcrop, read_image, write_png
from sisr.base.ordered import map_ordered
from sisr.lr.kernels.matlab import imresize
from sisr.models import compat
from sisr.scoring.metrics.fidelity import prepare, psnr_of, ssim_of
from sisr.scoring.score import Evaluation, Pair, score_pairs

PEERS = registry.ROOT / ".cache/peers"
SCALE = 4
ROUNDS = 3
IMAGES = 6

Images = tuple[Uint8Image, Uint8Image]
Values = tuple[float, float]


@pytest.fixture(scope="module")
def images() -> tuple[str, list[Images]]:
    """What they are, and HR and SR of each."""
    mirror = os.environ.get("SISR_MIRROR")
    base = registry.load("assets")["urban100"]["base"][0].removeprefix("https://")
    files = sorted((Path(mirror) / base).glob("img_*_SRF_4_HR.png"))[:IMAGES] if mirror else []
    if not files:
        return f"{IMAGES} random images of 1024x768", [random_pair(seed) for seed in range(IMAGES)]
    originals = [modcrop(read_image(file).array, SCALE) for file in files]
    return f"the first {len(files)} images of Urban100", [
        (hr, imresize(imresize(hr, 1 / SCALE), SCALE)) for hr in originals
    ]


def random_pair(seed: int) -> Images:
    rng = np.random.default_rng(seed)
    hr = np.kron(rng.integers(0, 256, (96, 128, 3)), np.ones((8, 8, 1), int))
    sr = np.clip(hr + rng.integers(-9, 10, hr.shape), 0, 255)
    return hr.astype(np.uint8), sr.astype(np.uint8)


def ours(pair: Images) -> Values:
    prepared = prepare(*pair, "y-bt601", SCALE)
    return psnr_of(prepared), ssim_of(prepared)


def basicsr() -> Callable[[Images], Values]:
    pytest.importorskip("torch")
    compat.prepare_torchvision()
    module = pytest.importorskip("basicsr.metrics.psnr_ssim")
    functions = (module.calculate_psnr, module.calculate_ssim)

    def call(pair: Images) -> Values:
        x, y = (np.ascontiguousarray(image[..., ::-1]) for image in pair)
        psnr, ssim = (float(function(x, y, SCALE, test_y_channel=True)) for function in functions)
        return psnr, ssim

    return call


def skimage() -> Callable[[Images], Values]:
    metrics = pytest.importorskip("skimage.metrics")

    def call(pair: Images) -> Values:
        x, y = (BT601.of(image)[SCALE:-SCALE, SCALE:-SCALE] for image in pair)
        _, full = metrics.structural_similarity(
            x, y, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
        )
        psnr = metrics.peak_signal_noise_ratio(x, y, data_range=255)
        return float(psnr), float(full[5:-5, 5:-5].mean())

    return call


def of_torch(psnr_and_ssim: Callable[[], tuple[Any, Any]]) -> Callable[[], Callable[[Images], Values]]:
    """Functions of tensors on the same luma, [0, 1]; raises ImportError where something is missing."""

    def prepared() -> Callable[[Images], Values]:
        compat.prepare_torchvision()
        if str(PEERS) not in sys.path:
            sys.path.append(str(PEERS))  # after the pinned packages, which therefore win
        import torch

        psnr, ssim = psnr_and_ssim()

        def call(pair: Images) -> Values:
            planes = [BT601.of(image)[SCALE:-SCALE, SCALE:-SCALE] / 255 for image in pair]
            x, y = (torch.from_numpy(plane)[None, None] for plane in planes)
            with torch.inference_mode():
                return float(psnr(x, y, data_range=1.0)), float(ssim(x, y, data_range=1.0))

        return call

    return prepared


@of_torch
def pyiqa() -> tuple[Any, Any]:
    from pyiqa.archs.psnr_arch import psnr
    from pyiqa.archs.ssim_arch import ssim

    return psnr, ssim


@of_torch
def piq() -> tuple[Any, Any]:
    from piq import psnr, ssim

    # It would shrink images of more than 256 pixels before SSIM.
    return psnr, partial(ssim, downsample=False)


@of_torch
def torchmetrics() -> tuple[Any, Any]:
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    def ssim(x: Any, y: Any, data_range: float) -> Any:
        # Its mean has the border, where it reflects the image.
        found = structural_similarity_index_measure(x, y, data_range=data_range, return_full_image=True)
        return found[1][..., 5:-5, 5:-5].mean()

    return peak_signal_noise_ratio, ssim


#: Whose convolutions take every core already.
TENSORS = {"pyiqa": pyiqa, "piq": piq, "torchmetrics": torchmetrics}


def in_turn(function: Callable[[Images], Values], pairs: Sequence[Images]) -> list[Values]:
    return [function(pair) for pair in pairs]


def in_threads(function: Callable[[Images], Values], pairs: Sequence[Images]) -> list[Values]:
    return list(map_ordered(function, pairs, 2))


def test_psnr_and_ssim(
    images: tuple[str, list[Images]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    what, pairs = images
    files = []
    for index, pair in enumerate(pairs):
        for kind, image in zip(("hr", "sr"), pair, strict=True):
            write_png(tmp_path / f"{kind}{index}.png", image)
        files.append(Pair(str(index), tmp_path / f"hr{index}.png", tmp_path / f"sr{index}.png"))

    def whole() -> list[Values]:
        scores = [score.value for score in score_pairs(files, SCALE, Evaluation(MEASURES, threads=2))]
        return list(zip(scores[::2], scores[1::2], strict=True))

    theirs: dict[str, Callable[[Images], Values]] = {"BasicSR": basicsr(), "scikit-image": skimage()}
    notes = []
    for name, prepared in TENSORS.items():
        try:
            theirs[name] = prepared()
        except ImportError as error:
            notes.append(f"{name}: not measured: {error}")
    runs: dict[str, Callable[[], list[Values]]] = {
        "sisr, 1 thread": lambda: in_turn(ours, pairs),
        "sisr, 2 threads": lambda: in_threads(ours, pairs),
    }
    for name, function in theirs.items():
        runs[f"{name}, as it is called"] = lambda function=function: in_turn(function, pairs)
        if name not in TENSORS:
            runs[f"{name}, in 2 threads"] = lambda function=function: in_threads(function, pairs)
    runs["sisr, 2 threads, decoding included"] = whole

    expected = in_turn(ours, pairs)
    for name, run in runs.items():
        found = run()
        # pyiqa and piq add 1e-8 to the mean squared error.
        within = 1e-3 if name.startswith(tuple(TENSORS)) else 1e-6
        assert np.allclose(found, expected, atol=within, rtol=0), name
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):  # interleaved, so that a busy machine disturbs all alike
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - start)
    rates = {name: len(pairs) / statistics.median(of) for name, of in times.items()}
    peers = {name: rate for name, rate in rates.items() if name.startswith(("BasicSR", "scikit-image"))}
    called = max(rate for name, rate in peers.items() if name.endswith("called"))
    ratios = [rates["sisr, 2 threads"] / rate for rate in (called, max(peers.values()))]
    with capsys.disabled():
        print(f"\nPSNR-Y + SSIM-Y, {what}, median of {ROUNDS} rounds")
        for name, rate in rates.items():
            print(f"  {name:<36} {rate:7.1f} images/s")
        for note in notes:
            print(f"  {note}")
        print(f"  sisr in 2 threads: {ratios[0]:.1f} x the faster of BasicSR and scikit-image as called,")
        print(f"  {ratios[1]:.1f} x the fastest way of calling them")


MEASURES = ["psnr@y-bt601", "ssim@y-bt601"]

#: Peak memory in MB of scoring the same pair of files N times over, as if they were N images.
_PEAK = """
import sys
from pathlib import Path
from sisr.scoring.score import Evaluation, Pair, score_pairs
hr, sr, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
pairs = (Pair(str(i), hr, sr) for i in range(count))
evaluation = Evaluation(["psnr@y-bt601", "ssim@y-bt601"], threads=2)
assert sum(1 for _ in score_pairs(pairs, 4, evaluation)) == 2 * count
# Not ru_maxrss, which a child of a large process inherits.
status = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="no peak memory on this system")
def test_memory_is_flat_in_the_number_of_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind, image in zip(("hr", "sr"), random_pair(0), strict=True):
        write_png(tmp_path / f"{kind}.png", image)
    environment = {**os.environ, "PYTHONPATH": str(registry.ROOT / "scripts")}
    peaks = {}
    for count in (6, 40):
        files = [str(tmp_path / f"{kind}.png") for kind in ("hr", "sr")]
        command = [sys.executable, "-c", _PEAK, *files, str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        peaks[count] = int(done.stdout) / 1024
    with capsys.disabled():
        shown = ", ".join(f"{count} images {peak:.0f} MB" for count, peak in peaks.items())
        print(f"\npeak memory of scoring 1024x768: {shown}")
    # 34 pairs more are 160 MB of pixels, and 430 MB as float64 luma: held, they would show.
    assert peaks[40] - peaks[6] < 30
