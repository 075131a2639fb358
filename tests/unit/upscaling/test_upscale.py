"""Cells: one status each, whatever the model does; a bug is not a status."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from sisr.base.errors import ImageError, ModelError, ModelSkipped, ModelUnavailable
from sisr.base.images import read_image, write_png
from sisr.models import archs, model_entries
from sisr.upscaling import engines, upscale
from sisr.upscaling.engines import Upscaler
from sisr.upscaling.inference.options import Execution, Options
from sisr.upscaling.upscale import ScaledModel, attempt, upscale_cell, upscale_images


@pytest.fixture
def lr_manifest(tmp_path: Path) -> Path:
    """Five LR images of different sizes, one gray."""
    entries = []
    for index in range(5):
        shape = (6 + index, 8) if index == 2 else (6 + index, 8, 3)
        image = np.random.default_rng(index).integers(0, 256, shape, dtype=np.uint8)
        write_png(tmp_path / "x2" / f"i{index}.png", image)
        entries.append({"name": f"i{index}", "file": f"x2/i{index}.png"})
    path = tmp_path / "x2.json"
    path.write_text(json.dumps({"images": entries}), encoding="utf-8")
    return path


def run(lr_manifest: Path, folder: Path, model: str = "nearest", scale: int = 2, **options: object) -> dict:
    status = folder / "0of1.json"
    upscale_cell(
        ScaledModel(model_entries.get(model), scale, options.pop("weights", dict)),  # type: ignore[arg-type]
        lr_manifest,
        folder / "0of1",
        status,
        execution=Execution("cpu", options.pop("threads", 1), options.pop("options", Options())),  # type: ignore[arg-type]
        **options,  # type: ignore[arg-type]
    )
    return json.loads(status.read_text(encoding="utf-8"))


def test_a_cell_writes_every_image_and_its_status(lr_manifest: Path, tmp_path: Path) -> None:
    document = run(lr_manifest, tmp_path / "sr")
    assert document["status"] == "ok"
    assert [image["name"] for image in document["images"]] == [f"i{n}" for n in range(5)]
    for image in document["images"]:
        lr = read_image(lr_manifest.parent / "x2" / f"{image['name']}.png").array
        sr = read_image(tmp_path / "sr" / image["file"]).array
        assert np.array_equal(sr, lr.repeat(2, axis=0).repeat(2, axis=1))


def test_shards_partition_the_images(lr_manifest: Path, tmp_path: Path) -> None:
    parts = [run(lr_manifest, tmp_path / f"s{n}", shard=(n, 3)) for n in range(3)]
    names = [[image["name"] for image in part["images"]] for part in parts]
    assert names == [["i0", "i3"], ["i1", "i4"], ["i2"]]


def test_a_missing_scale_is_skipped(lr_manifest: Path, tmp_path: Path) -> None:
    document = run(lr_manifest, tmp_path / "sr", model="realesrgan", scale=2)
    assert (document["status"], document["images"]) == ("skipped", [])
    assert "x4 only" in document["reason"]


def test_missing_weights_are_unavailable(lr_manifest: Path, tmp_path: Path) -> None:
    def weights() -> dict[str, Path]:
        raise ModelUnavailable("opencv-edsr-x2: no source had it")

    document = run(lr_manifest, tmp_path / "sr", model="opencv-edsr", weights=weights)
    assert document["status"] == "unavailable"
    assert document["reason"] == "opencv-edsr-x2: no source had it"


def test_broken_weights_are_failed(lr_manifest: Path, tmp_path: Path) -> None:
    broken = tmp_path / "x.pb"
    broken.write_bytes(b"nothing")
    document = run(lr_manifest, tmp_path / "sr", model="opencv-espcn", weights=lambda: {"graph": broken})
    assert document["status"] == "failed"
    assert "x.pb" in document["reason"]


def test_the_notes_of_the_engine_are_in_the_status(lr_manifest: Path, tmp_path: Path) -> None:
    """As much as its row in the status table: what is not the default, and the tiles with their seams."""
    weights = tmp_path / "espcn.safetensors"
    save_file(archs.build("espcn", 2).state_dict(), weights)
    options = {"weights": lambda: {"state": weights}, "model": "espcn"}
    assert run(lr_manifest, tmp_path / "plain", **options)["notes"] == []
    document = run(lr_manifest, tmp_path / "tiled", options=Options(tile=16, precision="bf16"), **options)
    assert document["status"] == "ok"
    assert document["notes"][:2] == ["precision bf16", "tile 16"]
    assert document["notes"][2].startswith("tiles of 16 pixels; the network looks 4 pixels far; ")
    skipped = run(lr_manifest, tmp_path / "other", options=Options(precision="bf16"))
    assert (skipped["status"], skipped["notes"]) == ("ok", [])  # interpolation has no such option


def test_images_of_one_size_run_together(tmp_path: Path) -> None:
    """Whatever their order, gray and colour apart; each result goes to its own place."""
    sizes = [(5, 6, 3), (7, 6, 3), (5, 6, 3), (5, 6), (5, 6, 3), (7, 6, 3)]
    jobs = []
    for index, size in enumerate(sizes):
        write_png(tmp_path / f"{index}.png", np.full(size, index, np.uint8))
        jobs.append((tmp_path / f"{index}.png", tmp_path / f"sr{index}.png"))
    together: list[int] = []

    class Engine:
        batch = 2

        def __call__(self, lr: np.ndarray) -> np.ndarray:
            raise AssertionError("one by one")

        def many(self, lrs: tuple[np.ndarray, ...]) -> list[np.ndarray]:
            assert len({lr.shape for lr in lrs}) == 1
            together.append(len(lrs))
            return [lr + np.uint8(100) for lr in lrs]

    engine = Engine()
    seconds = upscale_images(Upscaler(engine, engine), jobs)
    assert sorted(together) == [1, 1, 2, 2]
    assert len(seconds) == len(jobs) and all(second > 0 for second in seconds)
    for index, (size, (_, target)) in enumerate(zip(sizes, jobs, strict=True)):
        assert np.array_equal(read_image(target).array, np.full(size, 100 + index, np.uint8))


def test_files_that_state_one_size_and_decode_to_another_run_apart(tmp_path: Path) -> None:
    """An image that is to be turned, beside one that is not."""
    plain, turned = tmp_path / "plain.png", tmp_path / "turned.png"
    pixels = Image.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6))
    pixels.save(plain)
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels.save(turned, exif=exif)
    shapes = []

    class Engine:
        batch = 8

        def __call__(self, lr: np.ndarray) -> np.ndarray:
            return lr

        def many(self, lrs: tuple[np.ndarray, ...]) -> list[np.ndarray]:
            shapes.append([lr.shape for lr in lrs])
            return list(lrs)

    engine = Engine()
    upscale_images(Upscaler(engine, engine), [(plain, tmp_path / "a.png"), (turned, tmp_path / "b.png")])
    assert shapes == [[(4, 6)], [(6, 4)]]


@pytest.mark.parametrize("model", ["espcn", "imdn"])
def test_a_batch_gives_the_files_of_single_images(model: str, tmp_path: Path) -> None:
    """Luma and RGB networks, gray and colour images; a batch may sum in another order: one level."""
    torch.manual_seed(0)
    weights = tmp_path / "weights.pth"
    torch.save(archs.build(model, 2).state_dict(), weights)
    entry = replace(model_entries.get(model), params={"arch": model, "format": "state-dict"})
    lrs = [np.random.default_rng(seed).integers(0, 256, (18, 20, 3), dtype=np.uint8) for seed in range(3)]
    single = engines.load(entry, 2, {"state": weights})
    batched = engines.load(entry, 2, {"state": weights}, options=Options(batch=3))
    for chosen in (lrs, [lr[..., 0] for lr in lrs]):
        for one, other in zip(map(single, chosen), batched.many(chosen), strict=True):
            assert one.shape == other.shape
            assert np.abs(one.astype(int) - other).max() <= 1
            assert (one != other).mean() < 0.001


class OutOfMemoryError(RuntimeError):
    """As torch names it."""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError(), "oom"),
        (OutOfMemoryError("CUDA out of memory"), "oom"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "oom"),
        (ModelError("output is not finite"), "failed"),
        (ModelSkipped("no x3"), "skipped"),
        (ModelUnavailable("gone"), "unavailable"),
    ],
)
def test_expected_errors_become_a_status(error: Exception, status: str) -> None:
    def work() -> tuple[()]:
        raise error

    assert attempt(work).status == status


@pytest.mark.parametrize("error", [ZeroDivisionError("bug"), RuntimeError("bug"), ImageError("bad LR")])
def test_a_bug_passes_through(error: Exception) -> None:
    def work() -> tuple[()]:
        raise error

    with pytest.raises(type(error)):
        attempt(work)


def test_memory_is_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many images there are, only a few are decoded or waiting to be written at once."""
    alive = 0
    most = 0

    class Tracked:
        def __init__(self) -> None:
            nonlocal alive, most
            alive += 1
            most = max(most, alive)
            self.array = np.zeros((2, 2), np.uint8)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    monkeypatch.setattr(upscale, "read_image", lambda path: Tracked())
    monkeypatch.setattr(upscale, "write_png", lambda path, array: None)

    def identity(lr: np.ndarray) -> np.ndarray:
        return lr

    upscale_images(Upscaler(identity, identity), [(tmp_path, tmp_path)] * 100)
    assert most <= 6


def test_images_share_the_threads_of_the_processor(lr_manifest: Path, tmp_path: Path) -> None:
    """Two threads compute an image each, with the pixels of one thread; a single image has both."""
    torch.manual_seed(0)
    weights = tmp_path / "weights.safetensors"
    save_file(archs.build("espcn", 2).state_dict(), weights)
    options = {"weights": lambda: {"state": weights}, "model": "espcn"}
    one, two = (run(lr_manifest, tmp_path / f"t{n}", threads=n, **options) for n in (1, 2))
    assert [image["name"] for image in one["images"]] == [image["name"] for image in two["images"]]
    assert all(image["seconds"] > 0 for image in two["images"])
    for image in one["images"]:
        alone, together = (read_image(tmp_path / of / image["file"]).array for of in ("t1", "t2"))
        assert np.array_equal(alone, together)

    upscaler = engines.load(model_entries.get("espcn"), 2, {"state": weights}, threads=4)
    shares = {n: (upscaler.side_by_side(n), upscaler.network.runner.threads) for n in (1, 2, 3, 4, 9)}  # type: ignore[attr-defined]
    assert shares == {1: (1, 4), 2: (2, 2), 3: (3, 1), 4: (4, 1), 9: (4, 1)}
    assert engines.load(model_entries.get("bicubic"), 2, {}).side_by_side(9) == 1


def test_the_largest_image_is_the_first_of_several_threads(tmp_path: Path) -> None:
    sizes = [4, 9, 2, 30, 7]
    for index, size in enumerate(sizes):
        write_png(tmp_path / f"{index}.png", np.full((size, size), index, np.uint8))
    begun: list[int] = []

    class Engine:
        def side_by_side(self, images: int) -> int:
            return 2

        def __call__(self, lr: np.ndarray) -> np.ndarray:
            begun.append(len(lr))
            return lr

    engine = Engine()
    jobs = [(tmp_path / f"{index}.png", tmp_path / f"sr{index}.png") for index in range(len(sizes))]
    seconds = upscale_images(Upscaler(engine, engine), jobs)
    assert set(begun[:2]) == {30, 9}
    assert all(each > 0 for each in seconds)
    for index, size in enumerate(sizes):
        assert np.array_equal(read_image(jobs[index][1]).array, np.full((size, size), index, np.uint8))


def test_an_error_in_one_of_several_threads_is_raised(tmp_path: Path) -> None:
    for index in range(6):
        write_png(tmp_path / f"{index}.png", np.full((4, 4), index, np.uint8))

    class Engine:
        def side_by_side(self, images: int) -> int:
            return 3

        def __call__(self, lr: np.ndarray) -> np.ndarray:
            if lr.max() == 2:
                raise ModelError("the third")
            return lr

    engine = Engine()
    jobs = [(tmp_path / f"{index}.png", tmp_path / f"sr{index}.png") for index in range(6)]
    with pytest.raises(ModelError, match="the third"):
        upscale_images(Upscaler(engine, engine), jobs)
