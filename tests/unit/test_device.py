"""Sharing GPUs: N jobs never hold one device at once, with fake devices and real processes."""

from __future__ import annotations

import multiprocessing
import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
from sisr import device
from sisr.errors import ConfigError


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CPU", ""])
def test_what_is_no_device_is_one_line(name: str) -> None:
    with pytest.raises(ConfigError, match=f"expected auto, cpu, cuda, cuda:N or mps, found '{name}'"):
        device.resolve(name)


def hold(
    locks: str, ids: list[int], seconds: float, out: multiprocessing.Queue[tuple[int, float, float]]
) -> None:
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    device.LOCKS = Path(locks)
    with device.lease("cuda", ids, poll=0.01):
        start = time.monotonic()
        time.sleep(seconds)
        out.put((int(os.environ["CUDA_VISIBLE_DEVICES"]), start, time.monotonic()))


def test_jobs_share_devices_without_overlap(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    jobs = [context.Process(target=hold, args=(str(tmp_path), [0, 1], 0.15, queue)) for _ in range(6)]
    for job in jobs:
        job.start()
    held = [queue.get(timeout=60) for _ in jobs]
    for job in jobs:
        job.join()
    assert {index for index, _, _ in held} == {0, 1}
    for index in (0, 1):
        spans = sorted((start, end) for i, start, end in held if i == index)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_a_killed_holder_frees_its_device(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    victim = context.Process(target=hold, args=(str(tmp_path), [0], 600, queue))
    victim.start()
    while not (tmp_path / "gpu0.lock").exists():
        time.sleep(0.05)
    time.sleep(0.3)
    victim.kill()
    victim.join()
    after = context.Process(target=hold, args=(str(tmp_path), [0], 0, queue))
    after.start()
    assert queue.get(timeout=60)[0] == 0
    after.join()


def test_the_schedulers_choice_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    monkeypatch.setattr(device, "LOCKS", tmp_path)
    with device.lease("cuda", [0]) as name:
        assert name == "cuda"
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "5"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["cpu", "mps"])
def test_no_lock_without_a_gpu(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(device, "LOCKS", tmp_path / "none")
    with device.lease(name) as leased:
        assert leased == name
    assert not (tmp_path / "none").exists()


def test_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(device, "gpu_ids", lambda: [0])
    assert device.resolve("auto") == "cuda"
    monkeypatch.setattr(device, "gpu_ids", list)
    assert device.resolve("auto") == "cpu"
    with pytest.raises(ConfigError, match="no NVIDIA GPU"):
        device.resolve("cuda:1")
