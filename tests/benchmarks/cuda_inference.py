"""EDSR and RRDB on Urban100 x4 on a CUDA GPU, beside BasicSR's loop.

    python tests/benchmarks/cuda_inference.py [--weights FOLDER] [--images N]

Three ways on the same network, weights and LR images, in turns within one process:

* BasicSR's: one image at a time in float32, as ``SRModel.test`` runs it, with its switches of cuDNN;
* the engine in float32 with its defaults, which are those of reported numbers;
* the engine in bf16 with batches of images of one size.

From arrays in memory to arrays in memory, since files are the same for all; each way ends with a
synchronisation.  Printed are images per second, the ratio to BasicSR's loop, the mean change of PSNR-Y, and
the share of the matrix rate in bf16 that the same GPU reaches in a product of two 8192 x 8192 matrices.  The
weights are drawn unless ``--weights FOLDER`` has those of ``FILES``: with drawn ones times are right, and the
change of PSNR says nothing.

It has not been run yet: no GPU was at hand when it was written.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

import torch
from sisr.analysis.cost.counts import count_module
from sisr.base.images import modcrop, read_image
from sisr.data.assets import fetch
from sisr.lr.kernels.matlab import imresize
from sisr.models import archs, model_entries
from sisr.models.modified import to_uint8
from sisr.scoring.metrics.fidelity import psnr
from sisr.upscaling import networks
from sisr.upscaling.engines.pytorch import TorchUpscaler
from sisr.upscaling.inference.options import Options
from sisr.upscaling.inference.runner import Runner
from sisr.upscaling.networks import Network
from torch import nn

SCALE = 4
ROUNDS = 3
FILES = {"edsr": "EDSR_Lx4_f256b32_DIV2K_official-76ee1c8f.pth", "rrdb": "RRDB_PSNR_x4.pth"}

Images = Sequence[np.ndarray]


def network(row: str, folder: Path | None) -> Network:
    """The network of a row, with the weights of a folder or drawn ones."""
    if folder is not None:
        return networks.load(model_entries.get(row), SCALE, {"state": folder / FILES[row]})
    torch.manual_seed(0)
    if row == "edsr":
        params = model_entries.get(row).params
        module = archs.build(params["arch"], SCALE, **params["args"])
    else:
        module = archs.build("basicsr:RRDBNet", SCALE, num_in_ch=3, num_out_ch=3)
    return Network(module.eval().requires_grad_(False), SCALE, 3, 1, False, row)


def urban100(resources: Path, mirror: str | None) -> tuple[Images, Images]:
    """HR and MATLAB bicubic LR images."""
    paths = sorted(fetch("urban100", resources, mirror=mirror, progress=False).paths().items())
    hr = [modcrop(read_image(path).array, SCALE) for _, path in paths]
    return hr, [imresize(image, 1 / SCALE) for image in hr]


def basicsr_loop(module: nn.Module, lrs: Images) -> list[np.ndarray]:
    """What BasicSR's ``SRModel`` does between reading and writing."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.deterministic = False
    torch.backends.cudnn.allow_tf32 = True  # torch's default, which BasicSR leaves
    found = []
    for lr in lrs:
        planes = torch.from_numpy(lr.transpose(2, 0, 1).astype(np.float32) / 255)[None].cuda()
        with torch.no_grad():
            output = module(planes)
        output = output.detach().cpu().squeeze(0).clamp_(0, 1).permute(1, 2, 0).numpy()
        found.append((output * 255.0).round().astype(np.uint8))
        del planes
        torch.cuda.empty_cache()
    return found


def engine(upscaler: TorchUpscaler, lrs: Images) -> list[np.ndarray]:
    """The engine, images of one size together."""
    by_size: dict[tuple[int, ...], list[int]] = {}
    for index, lr in enumerate(lrs):
        by_size.setdefault(lr.shape, []).append(index)
    found: list[np.ndarray] = [np.empty(0)] * len(lrs)
    for same in by_size.values():
        for first in range(0, len(same), upscaler.batch):
            batch = same[first : first + upscaler.batch]
            for index, sr in zip(batch, upscaler.many([lrs[i] for i in batch]), strict=True):
                found[index] = to_uint8(sr)
    return found


def seconds(call: Callable[[], object]) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def matrix_rate(side: int = 8192) -> float:
    """Floating-point operations a second of a product of two square matrices in bf16."""
    a, b = (torch.randn(side, side, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    for _ in range(3):
        a @ b
    return 2 * side**3 * 10 / seconds(lambda: [a @ b for _ in range(10)])


def operations(net: Network, lrs: Images) -> float:
    """Floating-point operations of the network on all images: two a multiply-add."""
    height, width = 64, 64
    counted = count_module(copy.deepcopy(net.module).cpu(), (3, height, width)).multiply_adds
    assert counted is not None
    return 2 * counted / (height * width) * sum(lr.shape[0] * lr.shape[1] for lr in lrs)


def main() -> None:
    parser = argparse.ArgumentParser(description="EDSR and RRDB on Urban100 x4, on a CUDA GPU.")
    parser.add_argument("--weights", type=Path, help="folder with the published weights")
    parser.add_argument("--images", type=int, default=100, help="how many of Urban100")
    parser.add_argument("--resources", type=Path, default=Path("resources"))
    options = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit(f"cuda_inference.py: needs a CUDA GPU, and torch {torch.__version__} finds none")

    mirror = os.environ.get("SISR_MIRROR")
    hrs, lrs = (half[: options.images] for half in urban100(options.resources, mirror))
    rate = matrix_rate()
    gpu = torch.cuda.get_device_name()
    print(f"{gpu}, torch {torch.__version__}, bf16 matrix rate {rate / 1e12:.0f} TFLOP/s")
    for row in FILES:
        compare(row, options.weights, hrs, lrs, rate)


def compare(row: str, folder: Path | None, hrs: Images, lrs: Images, rate: float) -> None:
    """Run one network in all ways and print what came out."""
    net = network(row, folder)
    # A copy, since the engine changes the layout of the weights.
    plain = copy.deepcopy(net.module).cuda()
    fp32, bf16 = (
        TorchUpscaler(Runner(net, Options(precision=precision), "cuda"), "rgb")
        for precision in ("fp32", "bf16")
    )
    ways: dict[str, Callable[[], list[np.ndarray]]] = {
        "BasicSR's loop": lambda: basicsr_loop(plain, lrs),
        "engine, fp32": lambda: engine(fp32, lrs),
        "engine, bf16": lambda: engine(bf16, lrs),
    }
    outputs = {name: way() for name, way in ways.items()}  # warms up
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            times[name].append(seconds(way))
    medians = {name: statistics.median(of) for name, of in times.items()}
    scores = {
        name: float(np.mean([psnr(hr, sr, "y-bt601", SCALE) for hr, sr in zip(hrs, srs, strict=True)]))
        for name, srs in outputs.items()
    }
    work = operations(net, lrs)
    theirs = "BasicSR's loop"
    print(
        f"{model_entries.get(row).label} x{SCALE}, {len(lrs)} images of Urban100, median of {ROUNDS} rounds"
    )
    for name, median in medians.items():
        print(
            f"  {name:<15} {len(lrs) / median:7.2f} images/s, {medians[theirs] / median:5.2f} x, "
            f"PSNR {scores[name]:.4f} dB ({scores[name] - scores[theirs]:+.4f}), "
            f"{100 * work / median / rate:.0f} % of the matrix rate"
        )


if __name__ == "__main__":
    main()
