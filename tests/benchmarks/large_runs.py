"""How a run grows: its plan, its memory and its time per image, on tiny images.

    python tests/benchmarks/large_runs.py [--images 10 100 1000] [--jobs 10000]

Prints two tables in Markdown, for docs/cluster.md: runs of one cell on datasets of growing size, and the plan
of a matrix of many cells.  Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
from tiny_project import SCORES, Project, dataset, save

#: As little as the border of x2 and SSIM's window leave anything of.
SIDE = 32


def timed(project: Project, *arguments: str) -> tuple[float, float]:
    """Seconds and MiB (largest process) of a call of Snakemake."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    start = time.perf_counter()
    done = subprocess.run(
        project.command(*arguments),
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise SystemExit(done.stdout)
    # Of all children so far: correct where each call needs as much as those before it, as here.
    return seconds, max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024


def configure(project: Project, datasets: list[str], models: list[str]) -> None:
    suite = {"datasets": datasets, "kernels": ["matlab-bicubic"], "scales": [2], "models": models}
    project.configure(
        {
            "name": "tiny",
            "device": "cpu",
            "suites": {"large": suite},
            "metrics": ["psnr@y-bt601"],
            "certify": "none",
        }
    )


def write_images(folder: Path, count: int) -> None:
    random = np.random.default_rng(0)
    for index in range(count):
        save(folder / f"{index:06}.png", random.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8))


def plan(root: Path, jobs: int) -> tuple[int, float, float]:
    """A dry run of about ``jobs`` jobs: 50 models on as many datasets as that takes."""
    project = Project.create(root)
    models = list(yaml.safe_load((root / "config/models.yaml").read_text()))[:50]
    names = [f"large{index}" for index in range(jobs // (2 * len(models)))]
    project.register("datasets", {name: dataset(f"sets/{name}") for name in names})
    for name in names:
        write_images(root / "sets" / name, 1)
    configure(project, names, models)
    seconds, memory = timed(project, "--dry-run", "--quiet", "--", SCORES)
    return 2 * len(names) * (len(models) + 1) + 1, seconds, memory


def run(root: Path, images: int, shard: int) -> tuple[int, float, float]:
    """All of a run of one model on ``images`` images, in shards of ``shard``."""
    project = Project.create(root)
    shards = max(1, images // shard)
    project.register("datasets", {"large": {**dataset("sets/large"), "shards": shards}})
    write_images(root / "sets/large", images)
    configure(project, ["large"], ["bicubic"])
    seconds, memory = timed(project, "--", SCORES)
    return shards, seconds, memory


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--jobs", type=int, nargs="*", default=[1000, 10000])
    parser.add_argument("--shard", type=int, default=250, help="images of a shard")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("| images | shards | seconds | seconds per image | largest process, MiB |")
        print("|---:|---:|---:|---:|---:|")
        for images in arguments.images:
            shards, seconds, memory = run(Path(folder) / f"images{images}", images, arguments.shard)
            print(
                f"| {images} | {shards} | {seconds:.1f} | {seconds / images:.3f} | {memory:.0f} |", flush=True
            )
        print("\n| jobs | seconds to plan | MiB |\n|---:|---:|---:|")
        for jobs in arguments.jobs:
            number, seconds, memory = plan(Path(folder) / f"jobs{jobs}", jobs)
            print(f"| {number} | {seconds:.1f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
