"""How long the plan of a large run takes beside what Snakemake needs for as many rules that say nothing.

    python tests/benchmarks/planning.py [--kernels 8 20 36]

For each number of LR kernels, a run of 50 models on four sets at x2 and x4 is planned (`snakemake --dry-
run`), with all that its rules state: parameters, resources, environments, messages. Then a workflow of
the same files and none of that. Prints a table in Markdown, for docs/performance.md; the ratio is of
processor seconds.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

CHECKOUT = Path(__file__).resolve().parents[2]
SETS = ("set5", "set14", "bsd100", "urban100")
#: Sets in more than one shard, see config/datasets.yaml.
DATASETS = yaml.safe_load((CHECKOUT / "config/datasets.yaml").read_text())
SHARDS = {name: DATASETS[name].get("shards", 1) for name in SETS}

EMPTY = """
import json
cells, shards = json.load(open("cells.json"))
def shards_of(d): return [f"{i}of{shards[d]}" for i in range(shards[d])]
def files(p, some): return [p.format(d=d, k=k, s=s, m=m, h=h) for d, k, s, m in some for h in shards_of(d)]
def of_cell(w):
    cell = [(w.d, w.k, w.s, w.m)]
    return files("sr/{d}/{k}/x{s}/{m}/{h}.json", cell) + files("sr/{d}/{k}/x{s}/{m}/{h}", cell) + \\
        files("scores/{d}/{k}/x{s}/{m}/{h}.parts.json", cell)
rule all:
    input: "report.html"
rule prepare:
    output: "hr/{d}.json", directory("hr/{d}")
rule lr:
    input: "hr/{d}.json", "hr/{d}"
    output: "lr/{d}/{k}/x{s}.json", directory("lr/{d}/{k}/x{s}")
rule upscale:
    input: "lr/{d}/{k}/x{s}.json", "lr/{d}/{k}/x{s}"
    output: "sr/{d}/{k}/x{s}/{m}/{h}.json", directory("sr/{d}/{k}/x{s}/{m}/{h}")
rule score:
    input: "hr/{d}.json", "hr/{d}", "sr/{d}/{k}/x{s}/{m}/{h}.json", "sr/{d}/{k}/x{s}/{m}/{h}"
    output: "scores/{d}/{k}/x{s}/{m}/{h}.csv", "scores/{d}/{k}/x{s}/{m}/{h}.parts.json"
rule site:
    input: "hr/{d}.json", "hr/{d}", of_cell
    output: "site/{d}/{k}/x{s}/{m}.json", directory("site/{d}/{k}/x{s}/{m}")
rule gather:
    input:
        files("scores/{d}/{k}/x{s}/{m}/{h}.csv", cells),
        files("scores/{d}/{k}/x{s}/{m}/{h}.parts.json", cells),
        files("sr/{d}/{k}/x{s}/{m}/{h}.json", cells)
    output: "scores.csv"
rule report:
    input: "scores.csv", [f"site/{d}/{k}/x{s}/{m}.json" for d, k, s, m in cells]
    output: "report.html"
"""


def planned(folder: Path, *arguments: str) -> tuple[int, float, float]:
    """Jobs, processor seconds and MiB of a dry run."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--quiet", "rules", *arguments]
    with (folder / "out").open("w+") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        text = (folder / "out").read_text()
    if status:
        raise SystemExit(text[-3000:])
    jobs = re.search(r"^total +(\d+)$", text, re.MULTILINE)
    assert jobs is not None
    return int(jobs[1]), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kernels", type=int, nargs="*", default=[8, 20, 36])
    kernels, models = (
        list(yaml.safe_load((CHECKOUT / f"config/{name}.yaml").read_text())) for name in ("kernels", "models")
    )
    print("| jobs | processor seconds | MiB | empty rules: jobs | processor seconds | MiB | ratio a job |")
    print("|---:|---:|---:|---:|---:|---:|---:|", flush=True)
    for number in parser.parse_args().kernels:
        axes = {"datasets": list(SETS), "kernels": kernels[:number], "scales": [2, 4], "models": models[:50]}
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            config = {"name": "plan", "device": "cpu", "suites": {"plan": axes}, "metrics": ["psnr@y-bt601"]}
            (folder / "plan.yaml").write_text(yaml.safe_dump(config))
            snakefile = str(CHECKOUT / "workflow/Snakefile")
            real = planned(folder, "--snakefile", snakefile, "--configfile", "plan.yaml")
            cells = list(itertools.product(*axes.values()))
            (folder / "cells.json").write_text(json.dumps([cells, SHARDS]))
            (folder / "empty.smk").write_text(EMPTY)
            empty = planned(folder, "--snakefile", "empty.smk", "--workflow-profile", "none")
        ratio = (real[1] / real[0]) / (empty[1] / empty[0])
        cells_of = [f"{jobs:,} | {seconds:.1f} | {mib:,.0f}" for jobs, seconds, mib in (real, empty)]
        print(f"| {' | '.join(cells_of)} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
