"""What made a results folder: configuration as resolved, versions, machine, commit, hashes of its inputs."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from sisr import __version__
from sisr.base import extensions, registry
from sisr.base.atomic import write_json, write_text
from sisr.base.digest import file_digest
from sisr.base.machine import now, processor

#: Distributions whose version can change a number.
_PACKAGES = (
    "numpy", "scipy", "pillow", "opencv-contrib-python-headless", "torch", "torchvision", "lpips",
    "scikit-image", "ncnn", "pandas", "matplotlib", "seaborn", "safetensors", "snakemake",
    "onnxruntime", "spandrel",
)  # fmt: skip


def record(
    config: Mapping[str, Any],
    asset_records: Sequence[Path],
    own_files: Sequence[Path],
    trained: Sequence[Path],
    out: Path,
    config_copy: Path,
) -> None:
    """Write the provenance JSON of a run, and its configuration as YAML that Snakemake takes.

    ``assets`` maps each asset to its status and the sha256 of its files; ``own_files`` and ``trained`` map
    the files of models of the user's own, and the weights that the run trained, to theirs.  The numbers do
    not depend on it.
    """
    write_text(config_copy, yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True))
    assets = {}
    for path in asset_records:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        files = manifest.get("files", {})
        assets[path.stem] = {
            "status": manifest["status"],
            "files": {name: entry["sha256"] for name, entry in files.items()},
        }
    write_json(
        out,
        {
            "config": config,
            "recorded": now(),
            **software(),
            "machine": machine(),
            "assets": assets,
            "own_files": {str(path): file_digest(path) for path in own_files},
            "trained": {f"{path.parent.name}/{path.name}": file_digest(path) for path in trained},
        },
    )


def software() -> dict[str, Any]:
    """Version of this project, its commit (None outside Git), and versions of what it uses."""
    return {
        "version": __version__,
        "commit": git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(git("status", "--porcelain")),
        "python": sys.version.split()[0],
        "packages": {name: _version(name) for name in (*_PACKAGES, *extensions.packages())},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def git(*arguments: str) -> str | None:
    """What Git says in this checkout; None where it fails, or there is none."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=registry.ROOT, capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def machine() -> dict[str, Any]:
    """System, processor, memory and GPUs of this machine."""
    return {
        "system": platform.platform(),
        "processor": processor(),
        "cpus": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "gpus": _gpus(),
    }


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (OSError, ValueError):
        return None


def _gpus() -> list[str]:
    """Name, driver and memory of each NVIDIA GPU, as ``nvidia-smi`` says; empty without it."""
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []
