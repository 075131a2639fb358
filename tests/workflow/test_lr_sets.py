"""LR sets: the same bytes with any number of cores, and made again only where their kernel changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_project import CONFIG, Project

pytestmark = pytest.mark.workflow

LENS = {
    "label": "Lens",
    "function": "psf-subsample",
    "params": {"file": "lens.npy"},
    "border": "replicate",
    "observation": {"blur": "measured", "decimation": "at the centre", "noise": "rounding"},
    "source": "tests",
    "description": "tests",
}
KERNELS = ["dn", "realesrgan", "lens"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project whose LR sets were made by one core."""
    project = Project.create(tmp_path_factory.mktemp("lr") / "one")
    np.save(project.root / "config/lens.npy", np.outer([1, 2, 3, 1], [1, 4, 1]))
    project.register("kernels", {"lens": LENS})
    suite = {"datasets": ["tiny"], "kernels": KERNELS, "scales": [4], "models": ["nearest"]}
    project.configure({**CONFIG, "suites": {"main": suite}})
    run = project.run("--until", "make_lr", cores=1)
    assert run.status == 0, run.output
    assert run.jobs["make_lr"] == 3
    return project


def lr_files(project: Project) -> dict[str, str]:
    files = project.snapshot().items()
    return {path: digest for path, digest in files if "/lr/" in path and path.endswith((".png", ".json"))}


def test_cores_do_not_matter(made: Project, tmp_path: Path) -> None:
    other = made.copy(tmp_path / "four")
    before = lr_files(made)
    assert len(before) == 3 * 4  # three images and a manifest
    run = other.run("--until", "make_lr", "--forcerun", "make_lr", cores=4)
    assert run.status == 0, run.output
    assert run.jobs["make_lr"] == 3
    assert lr_files(other) == before


def test_what_makes_an_lr_set_again(made: Project, tmp_path: Path) -> None:
    project = made.copy(tmp_path / "edited")
    dry = ("--until", "make_lr", "--dry-run")
    project.edit("config/kernels.yaml", "description: tests", "description: other words")
    assert project.run(*dry).jobs == {}
    np.save(project.root / "config/lens.npy", np.outer([1, 1], [1, 4, 1]))
    project.edit(
        "scripts/sisr/lr/kernels/noise.py", "border=border), sigma, rng)", "border=border), 2 * sigma, rng)"
    )
    assert project.run(*dry).jobs["make_lr"] == 2  # the lens and dn, and not realesrgan
