"""LR images are the same bytes whatever the order, the threads, the process and the neighbours."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sisr.base import registry
from sisr.data.datasets import prepare_files
from sisr.lr import kernels
from sisr.lr.degrade import make_lr

ENTRIES = registry.load("kernels")
RANDOM = [kernel for kernel, entry in ENTRIES.items() if entry.get("random")]
NAMES = ["one", "two", "three", "four"]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Four images, one of them gray and two with the same pixels."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(3)
    arrays = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((40, 52, 3), (48, 36), (44, 44, 3))]
    for name, array in zip(NAMES, [*arrays, arrays[0]], strict=True):
        Image.fromarray(array).save(folder / f"{name}.png")
    return {f"{name}.png": folder / f"{name}.png" for name in NAMES}


def digests(out: Path) -> dict[str, str]:
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.glob("*.png")}


def lr_set(where: Path, files: dict[str, Path], kernel: str, **options: int) -> dict[str, str]:
    hr = where / "hr.json"
    prepare_files("mine", files, hr.with_suffix(""), hr)
    make_lr(hr, kernel, 4, out_dir=where / "lr", manifest=where / "lr.json", **options)
    return digests(where / "lr")


@pytest.mark.parametrize("kernel", sorted(ENTRIES))
def test_order_threads_and_neighbours_do_not_matter(
    kernel: str, tmp_path: Path, images: dict[str, Path]
) -> None:
    together = lr_set(tmp_path / "together", images, kernel, threads=1)
    assert set(together) == set(NAMES)
    in_threads = lr_set(tmp_path / "threads", dict(reversed(images.items())), kernel, threads=4)
    assert in_threads == together
    alone = {}
    for file, path in images.items():
        alone |= lr_set(tmp_path / file, {file: path}, kernel, threads=2)
    assert alone == together


@pytest.mark.parametrize("kernel", RANDOM)
def test_name_and_seed_choose_the_draw(kernel: str, tmp_path: Path, images: dict[str, Path]) -> None:
    made = lr_set(tmp_path / "a", images, kernel, seed=0)
    assert made["one"] != made["four"]  # the same pixels under two names
    other = lr_set(tmp_path / "b", images, kernel, seed=1)
    assert all(made[name] != other[name] for name in NAMES)


_APPLY = """
import hashlib, sys
import numpy as np
from sisr.lr import kernels
hr = np.random.default_rng(8).integers(0, 256, (48, 64, 3), dtype=np.uint8)
for kernel in sys.argv[1:]:
    print(hashlib.sha256(kernels.apply(kernel, hr, 4, "0/mine/one/x4").tobytes()).hexdigest())
"""


def test_another_process_draws_the_same() -> None:
    # with other hash seeds and thread counts, and all other random states as they come
    made = []
    for seed, threads in (("1", "1"), ("2", "2")):
        variables = {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", _APPLY, *ENTRIES],
            env={"PYTHONPATH": str(registry.ROOT / "scripts"), **variables},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        made.append(dict(zip(ENTRIES, done.stdout.split(), strict=True)))
    assert made[0] == made[1]
    hr = np.random.default_rng(8).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    here = {
        k: hashlib.sha256(kernels.apply(k, hr, 4, "0/mine/one/x4").tobytes()).hexdigest() for k in ENTRIES
    }
    assert here == made[0]


def test_random_numbers_of_a_key_are_pinned() -> None:
    # sha256("0/set5/baby/dn/x4") as a number seeds PCG64: computed here without the library
    key = "0/set5/baby/dn/x4"
    seed = int(hashlib.sha256(key.encode()).hexdigest(), 16)
    expected = np.random.Generator(np.random.PCG64(seed)).standard_normal(4)
    assert np.array_equal(kernels._generator("dn", key).standard_normal(4), expected)
    flat = np.full((64, 64), 128, np.uint8)
    noise = np.random.Generator(np.random.PCG64(seed)).standard_normal((16, 16))
    assert np.array_equal(kernels.apply("dn", flat, 4, key), np.floor(128.5 + 30 * noise).clip(0, 255))
