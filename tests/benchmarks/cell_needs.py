"""What a cell needs: memory and time of one image, by model and size, each in a process of its own.

    python tests/benchmarks/cell_needs.py [--models bicubic vdsr ...] [--sides 128 256 512] [--scale 4]

Prints a table in Markdown, for docs/cluster.md: for square LR images, the largest resident memory of
the job, libraries and decoding included, and the seconds that the process took with one thread on the CPU.
Weights come as in a run (SISR_MIRROR, or the network); a model that cannot be had is a row that says so.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from sisr.base.errors import SisrError  # noqa: E402
from sisr.models.model_entries import entry_of  # noqa: E402

ENGINE = {
    "interpolation": "NumPy",
    "opencv": "OpenCV",
    "ncnn": "ncnn",
    "torch": "PyTorch",
    "onnx": "ONNX Runtime",
}
MODELS = [
    "bicubic", "opencv-fsrcnn", "opencv-lapsrn", "span", "realesrgan", "carn-m", "imdn", "rlfn", "srresnet",
    "edsr-baseline", "vdsr", "swinir-light", "rcan",
]  # fmt: skip


def need(model: str, scale: int, image: Path) -> str:
    """Peak memory and time of one call, or why there is none."""
    with tempfile.TemporaryDirectory() as out:
        command = [
            sys.executable,
            "-c",
            "from sisr.cli import app; app()",
            "upscale",
            "--model",
            model,
            "--scale",
            str(scale),
        ]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts"), "OMP_NUM_THREADS": "1"}
        start = time.perf_counter()
        process = subprocess.Popen(
            [*command, "--device", "cpu", str(image), out],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        message = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
    if status != 0:
        return message.strip().splitlines()[-1][:60] if message.strip() else f"status {status}"
    return f"{usage.ru_maxrss / 1024:,.0f} MiB, {seconds:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", nargs="*", default=MODELS)
    parser.add_argument("--sides", type=int, nargs="*", default=[128, 256, 512])
    parser.add_argument("--scale", type=int, default=4)
    arguments = parser.parse_args()
    try:
        entries = {model: entry_of(model) for model in arguments.models}
    except SisrError as error:
        parser.error(str(error))
    print("| model | engine | " + " | ".join(f"LR {side}x{side}" for side in arguments.sides) + " |")
    print("|---|---|" + "---:|" * len(arguments.sides))
    random = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        images = []
        for side in arguments.sides:
            images.append(Path(folder) / f"{side}.png")
            pixels = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(images[-1])
        for model, entry in entries.items():
            cells = (need(model, arguments.scale, image) for image in images)
            print(f"| {entry['label']} | {ENGINE[entry['engine']]} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
