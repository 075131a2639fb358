"""Images per second of the inference engine beside BasicSR's ``test_pipeline``, in one run on the CPU.

The same network, weights and LR files; both read PNG, write PNG and compute PSNR-Y of every image, and both
have all cores.  Each has a process of its own, as in use, and they take turns.  Loading the network is in
both times, importing libraries in neither.  Nothing here asserts a time; that both make the same images and
the same PSNR is asserted.  Run with ``pytest tests/benchmarks -s``.

Processor seconds are printed as well: on a machine that does other work they are what to compare.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from sisr.base.images import modcrop, read_image, write_png
from sisr.data.assets import fetch
from sisr.lr.degrade import degrade
from sisr.models import archs, compat, model_entries
from sisr.scoring.score import Evaluation, Pair, score_pairs
from sisr.upscaling import engines, networks
from sisr.upscaling.upscale import upscale_images
from torch import Tensor, nn

EDSR = "edsr-baseline"
SCALE = 4
ROUNDS = 3
THREADS = os.cpu_count() or 1

#: Values of PSNR, sorted, since BasicSR takes files in the order of the directory; wall and processor
#: seconds.
Round = tuple[list[float], float, float]

pytestmark = [pytest.mark.mirror, pytest.mark.slow]


@pytest.fixture
def folder(mirror: Path, resources: Path, tmp_path: Path) -> Path:
    """A folder with the HR and LR files of Set5 and Set14, cropped to multiples of the scale."""
    images = {
        name: path
        for dataset in ("set5", "set14")
        for name, path in fetch(dataset, resources, mirror=mirror, progress=False).paths().items()
    }
    for name, path in sorted(images.items()):
        hr = modcrop(read_image(path).array, SCALE)
        if hr.ndim == 2:  # BasicSR makes colour of Set14's gray image
            hr = np.repeat(hr[..., None], 3, axis=2)
        write_png(tmp_path / "hr" / f"{Path(name).stem}.png", hr)
        write_png(tmp_path / "lr" / f"{Path(name).stem}.png", degrade(hr, "matlab-bicubic", SCALE, name))
    return tmp_path


def write_weights(model: str, folder: Path, mirror: Path, resources: Path) -> dict[str, Path]:
    """Published weights, for either program in its form; EDSR's are in no mirror, and are drawn here."""
    ours, theirs = folder / "weights.pth", folder / "peer.pth"
    entry = model_entries.get(model)
    if model == EDSR:
        torch.manual_seed(0)
        drawn = archs.build(entry.params["arch"], SCALE, **entry.params["args"])
        torch.save({"params": drawn.state_dict()}, ours)
        return {"sisr": ours, "BasicSR": ours}
    weights = entry.weights[SCALE]
    assert weights.asset is not None
    published = fetch(weights.asset, resources, mirror=mirror, progress=False).path(weights.files["state"])
    ours.write_bytes(published.read_bytes())
    torch.save(
        {"params": Peer(model, networks.load(entry, SCALE, {"state": ours}).module).state_dict()}, theirs
    )
    return {"sisr": ours, "BasicSR": theirs}


class Peer(nn.Module):
    """A network as BasicSR is told of it: a user's class, on [0, 1]."""

    def __init__(self, model: str, network: nn.Module | None = None) -> None:
        super().__init__()
        entry = model_entries.get(model)
        built = archs.build(entry.params["arch"], SCALE, **entry.params.get("args", {}))
        self.network, self.peak = network or built, entry.input_peak

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.network(x * self.peak) / self.peak
        return found


# --- the two programs, each in its process ---------------------------------------------------------------


def basicsr(model: str, weights: Path, folder: Path) -> Callable[[], list[float]]:
    """BasicSR's program on the folder, with its own EDSR, else with a class as any user registers one."""
    compat.prepare_torchvision()
    from basicsr.test import test_pipeline
    from basicsr.utils.registry import ARCH_REGISTRY, METRIC_REGISTRY

    torch.set_num_threads(THREADS)
    ARCH_REGISTRY.register(Peer)
    values: list[float] = []

    def kept_psnr(*images: Any, **options: Any) -> float:
        values.append(float(METRIC_REGISTRY.get("calculate_psnr")(*images, **options)))
        return values[-1]

    METRIC_REGISTRY.register(kept_psnr)
    network: Mapping[str, Any] = {"type": "Peer", "model": model}
    if model == EDSR:
        network = {"type": "EDSR", "upscale": SCALE, **model_entries.get(model).params["args"]}
    options = {
        "name": "peer",
        "model_type": "SRModel",
        "scale": SCALE,
        "num_gpu": 0,
        "manual_seed": 0,
        "datasets": {
            "test": {
                "name": "Set5 and Set14",
                "type": "PairedImageDataset",
                "dataroot_gt": str(folder / "hr"),
                "dataroot_lq": str(folder / "lr"),
                "io_backend": {"type": "disk"},
            }
        },
        "network_g": network,
        "path": {
            "pretrain_network_g": str(weights),
            "param_key_g": "params",
            "strict_load_g": True,
        },
        "val": {
            "save_img": True,
            "suffix": None,
            "pbar": False,
            "metrics": {"psnr": {"type": "kept_psnr", "crop_border": SCALE, "test_y_channel": True}},
        },
    }
    file = folder / "peer.yaml"
    file.write_text(yaml.safe_dump(options))
    sys.argv = ["test.py", "-opt", str(file)]

    def run() -> list[float]:
        values.clear()
        test_pipeline(str(folder))
        return sorted(values)

    return run


def sisr(model: str, weights: Path, folder: Path) -> Callable[[], list[float]]:
    """What ``sisr upscale`` and ``sisr score`` do with the folder."""
    jobs = [(source, folder / "sr" / source.name) for source in sorted((folder / "lr").iterdir())]
    pairs = [Pair(source.stem, folder / "hr" / source.name, sr) for source, sr in jobs]

    def run() -> list[float]:
        upscaler = engines.load(model_entries.get(model), SCALE, {"state": weights}, "cpu", THREADS)
        (folder / "sr").mkdir(exist_ok=True)
        upscale_images(upscaler, jobs)
        evaluation = Evaluation(["psnr@y-bt601"], threads=THREADS)
        return sorted(s.value for s in score_pairs(pairs, SCALE, evaluation))

    return run


PROGRAMS = {"BasicSR": basicsr, "sisr": sisr}
_program: Callable[[], list[float]]


def prepare(name: str, model: str, weights: Path, folder: Path) -> None:
    global _program  # noqa: PLW0603 - one program a process
    # BasicSR's log, for the life of the process.
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="ascii")  # noqa: SIM115
    _program = PROGRAMS[name](model, weights, folder)


def play() -> Round:
    start, before = time.perf_counter(), used()
    values = _program()
    return values, time.perf_counter() - start, used() - before


def used() -> float:
    """Processor seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


# --- the comparison --------------------------------------------------------------------------------------


@pytest.mark.skipif(torch.cuda.is_available(), reason="there the script measures")
def test_the_cuda_script_says_what_it_needs() -> None:
    script = Path(__file__).with_name("cuda_inference.py")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs a CUDA GPU" in done.stderr


@pytest.mark.parametrize("model", [EDSR, "imdn", "rlfn", "span-28", "pan"])
def test_inference(
    model: str, folder: Path, mirror: Path, resources: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = write_weights(model, folder, mirror, resources)
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(
                ProcessPoolExecutor(
                    1,
                    get_context("spawn"),
                    initializer=prepare,
                    initargs=(name, model, weights[name], folder),
                )
            )
            for name in PROGRAMS
        }
        first = {name: process.submit(play).result() for name, process in processes.items()}  # warm up
        rounds: dict[str, list[Round]] = {name: [] for name in PROGRAMS}
        for _ in range(ROUNDS):
            for name, process in processes.items():
                rounds[name].append(process.submit(play).result())

    values = {name: played[0] for name, played in first.items()}
    count = len(list((folder / "lr").iterdir()))
    assert len(values["sisr"]) == count == 19
    assert np.allclose(values["sisr"], values["BasicSR"], atol=0.001, rtol=0)
    for ours in sorted((folder / "sr").iterdir()):
        theirs = folder / "results" / "peer" / "visualization" / "Set5 and Set14" / f"{ours.stem}_peer.png"
        difference = np.abs(read_image(ours).array.astype(int) - read_image(theirs).array)
        # Sums in another order move a value that is near a half.
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.001

    # The least of each: what other work on the machine adds is no part of either program.
    wall = {name: min(played[1] for played in of) for name, of in rounds.items()}
    work = {name: min(played[2] for played in of) for name, of in rounds.items()}
    with capsys.disabled():
        label = model_entries.get(model).label
        print(f"\n{label} x{SCALE}, {count} images, {THREADS} threads, best of {ROUNDS}")
        for name in PROGRAMS:
            print(
                f"  {name:<8} {count / wall[name]:6.2f} images/s, {work[name] / count:6.3f} processor "
                f"seconds an image, PSNR {np.mean(values[name]):.4f} dB"
            )
        print(
            f"  ratio: {wall['BasicSR'] / wall['sisr']:.2f} in time, "
            f"{work['BasicSR'] / work['sisr']:.2f} in processor seconds"
        )
