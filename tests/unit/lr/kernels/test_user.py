"""Kernels from files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from scipy import io
from sisr.base import registry
from sisr.base.errors import ConfigError
from sisr.lr import kernels
from sisr.lr.kernels import filtering, user

RNG = np.random.default_rng(2)
HR = RNG.integers(0, 256, (48, 72, 3), dtype=np.uint8)
PSF = filtering.gaussian(9, 1.3)
LOPSIDED = np.pad(PSF, ((3, 0), (0, 5)))


def entry(file: str, **more: object) -> dict[str, object]:
    described = registry.entry("kernels", "bd")
    params = {"file": file, **{key: value for key, value in more.items() if key != "phase"}}
    phase = {"phase": more["phase"]} if "phase" in more else {}
    kept = {key: described[key] for key in ("observation", "source", "description")}
    return {
        "label": "Mine", "function": "psf-subsample", "params": params, "border": "mirror", **phase, **kept
    }  # fmt: skip


@pytest.fixture
def write(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Write a registry whose kernel ``mine`` is read from a file in the config folder."""

    def write(file: str, **more: object) -> Path:
        registry.load.cache_clear()
        (tmp_path / "kernels.yaml").write_text(yaml.safe_dump({"mine": entry(file, **more)}))
        return tmp_path

    yield write
    registry.load.cache_clear()


def save(path: Path, psf: np.ndarray) -> None:
    if path.suffix == ".mat":
        io.savemat(path, {"Kernel": psf})
    elif path.suffix == ".npy":
        np.save(path, psf)
    else:
        Image.fromarray(np.uint8(np.round(psf / psf.max() * 255))).save(path)


@pytest.mark.parametrize("name", ["k.mat", "k.npy", "k.png"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_kinds_of_files(name: str, scale: int, tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    save(tmp_path / name, 7.5 * PSF)
    lr = kernels.apply("mine", HR, scale, config=write(name))
    expected = filtering.sample(HR, filtering.centred(PSF, scale), scale, "mirror")
    if name == "k.png":  # 255 levels
        assert np.abs(lr.astype(int) - expected).max() <= 2
    else:
        assert np.array_equal(lr, expected)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_centre_of_mass_is_put_on_the_sample(scale: int, tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    save(tmp_path / "k.npy", LOPSIDED)
    config = write("k.npy")
    assert kernels.phase(registry.entry("kernels", "mine", config), scale, config) == pytest.approx(
        (0, 0), abs=1e-6
    )


@pytest.mark.parametrize(("scale", "shift"), [(2, (1.5, -2.5)), (3, (1, -3)), (4, (1.5, -2.5))])
def test_middle_keeps_the_kernel_and_states_its_phase(  # type: ignore[no-untyped-def]
    scale: int, shift: tuple[float, float], tmp_path: Path, write
) -> None:
    # 12 x 14, its mass 1.5 below and 2.5 left of the middle; at x3 an even side lies half a pixel up, left
    save(tmp_path / "k.npy", LOPSIDED)
    config = write("k.npy", centre="middle")
    phase = kernels.phase(registry.entry("kernels", "mine", config), scale, config)
    assert phase == pytest.approx(shift, abs=1e-9)
    ramp = np.tile(np.arange(120, dtype=np.uint8)[:, None] * 2, (1, 120))
    lr = kernels.apply("mine", ramp, scale, config=config)
    lies = lr[8:-8, 10] / 2 - ((np.arange(120 // scale) + 0.5) * scale - 0.5)[8:-8]
    assert lies == pytest.approx(np.full(len(lies), shift[0]), abs=0.26)


def test_declared_phase_is_kept(tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    save(tmp_path / "k.npy", LOPSIDED)
    config = write("k.npy", centre="middle", phase={2: [1.5, -2.5]})
    assert kernels.phase(registry.entry("kernels", "mine", config), 2, config) == (1.5, -2.5)


def test_one_of_several(tmp_path: Path) -> None:
    other = filtering.gaussian(9, 2)
    io.savemat(tmp_path / "two.mat", {"a": PSF, "b": other})
    cells = np.empty((1, 2), object)
    cells[0, 0], cells[0, 1] = PSF, other
    io.savemat(tmp_path / "cells.mat", {"kernels": cells})
    np.save(tmp_path / "stack.npy", np.stack([PSF, other]))
    np.save(tmp_path / "swapped.npy", np.stack([other, PSF]))
    for name, which in (
        ("two.mat", {"variable": "b"}),
        ("cells.mat", {"index": 1}),
        ("stack.npy", {"index": 1}),
        ("swapped.npy", {"index": 0}),
    ):
        found = user.load(tmp_path / name, 3, centre="middle", **which)  # type: ignore[arg-type]
        np.testing.assert_allclose(found, other, atol=1e-15)


def test_the_phase_is_that_of_the_kernel_of_the_index(tmp_path: Path) -> None:
    np.save(tmp_path / "two.npy", np.stack([PSF, np.pad(PSF, ((2, 0), (2, 0)))[:9, :9]]))
    first, second = (
        user.phase(3, file=str(tmp_path / "two.npy"), index=index, centre="middle") for index in (0, 1)
    )
    assert first == pytest.approx((0, 0), abs=1e-12)
    assert min(second) > 1


def test_file_that_changed_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "k.npy"
    save(path, PSF)
    first = user.load(path, 3)
    save(path, filtering.gaussian(9, 2))
    import os

    os.utime(path, ns=(1, 1))
    assert not np.array_equal(user.load(path, 3), first)


BAD = {
    "nan.npy": (np.array([[1, np.nan]]), {}, "expected finite weights, found NaN or infinity"),
    "negative.npy": (-PSF, {}, "expected weights with a positive sum, found -1"),
    "zero.npy": (np.zeros((3, 3)), {}, "positive sum, found 0"),
    "edge.npy": (np.array([[-1.0, 0, 1]]), {}, "positive sum, found 0"),
    "row.npy": (PSF[0], {}, r"expected a kernel \(rows, columns\), found an array \(9,\)"),
    "empty.npy": (np.zeros((0, 3)), {}, r"found an array \(0, 3\)"),
    "four.npy": (np.ones((2, 2, 2, 2)), {}, r"found an array \(2, 2, 2, 2\)"),
    "stack.npy": (np.ones((5, 3, 3)), {}, "expected one kernel, or 'index', found 5 kernels"),
    "stack2.npy": (np.ones((5, 3, 3)), {"index": 5}, "index: expected 0 to 4, found 5"),
    "single.npy": (PSF, {"index": 0}, "index: expected a stack of kernels"),
    "complex.npy": (PSF * 1j, {}, "expected real numbers, found complex128"),
    "text.npy": (np.array([["a"]]), {}, "expected real numbers, found <U1"),
    "image.npy": (np.ones((3, 400)), {}, "expected at most 257 pixels a side"),
    "named.npy": (PSF, {"variable": "k"}, "variable: only .mat files have named arrays"),
    "centre.npy": (PSF, {"centre": "mas"}, "unknown centre 'mas'; did you mean 'mass'"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_arrays_that_are_no_kernel(name: str, tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    array, more, message = BAD[name]
    np.save(tmp_path / name, array)
    with pytest.raises(ConfigError, match=message) as caught:
        kernels.apply("mine", HR, 2, config=write(name, **more))
    assert "\n" not in str(caught.value)
    if name != "centre.npy":
        assert name in str(caught.value)


def test_files_that_are_no_kernel(tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    io.savemat(tmp_path / "two.mat", {"a": PSF, "b": PSF})
    io.savemat(tmp_path / "none.mat", {})
    io.savemat(tmp_path / "struct.mat", {"k": {"field": PSF}})
    (tmp_path / "new.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(64))
    (tmp_path / "text.mat").write_text("not a matrix")
    (tmp_path / "text.npy").write_text("not an array")
    (tmp_path / "text.png").write_text("not an image")
    np.save(tmp_path / "pickle.npy", np.array([{"a": 1}], object), allow_pickle=True)
    for name, more, message in (
        ("two.mat", {}, "expected one array, or its name as 'variable', found a, b"),
        ("two.mat", {"variable": "c"}, "unknown variable 'c'"),
        ("none.mat", {}, "expected one array, or its name as 'variable', found none"),
        ("struct.mat", {}, "expected real numbers|expected a kernel"),
        ("new.mat", {}, "expected a MATLAB file up to v7, found v7.3"),
        ("text.mat", {}, "not a MATLAB file"),
        ("text.npy", {}, "not an array of numbers"),
        ("pickle.npy", {}, "not an array of numbers"),
        ("text.png", {}, r"not an image.*\(a kernel is a .mat, .npy or image file\)"),
        ("missing.npy", {}, "missing.npy: cannot read the kernel: No such file"),
        ("", {}, "cannot read|not an array|Is a directory"),
    ):
        with pytest.raises(ConfigError, match=message) as caught:
            kernels.apply("mine", HR, 2, config=write(name, **more))
        assert "\n" not in str(caught.value), name


def test_phase_is_needed_unless_there_is_a_file(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    described = {**registry.entry("kernels", "bd")}
    del described["phase"]
    registry.load.cache_clear()
    (tmp_path / "kernels.yaml").write_text(yaml.safe_dump({"mine": described}))
    with pytest.raises(ConfigError, match="mine: 'phase' is a required property"):
        registry.load("kernels", tmp_path)
