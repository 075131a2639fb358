"""Cells: one status each, whatever the model does; a bug is not a status."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sisr import models, upscale
from sisr.engines import Upscaler
from sisr.errors import ImageError, ModelError, ModelSkipped, ModelUnavailable
from sisr.images import read_image, write_png
from sisr.upscale import attempt, upscale_cell, upscale_images


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
        models.get(model),
        scale,
        lr_manifest,
        folder / "0of1",
        status,
        weights=options.pop("weights", dict),  # type: ignore[arg-type]
        device="cpu",
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
