"""Sharing GPUs: N jobs never hold one device at once, with fake devices and real processes."""

from __future__ import annotations

import multiprocessing
import os
import time
from itertools import pairwise
from pathlib import Path

import pytest
from sisr.base import device
from sisr.base.errors import ConfigError


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
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,7")
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setattr(device, "LOCKS", tmp_path)
    with device.lease("cuda", [0]):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "5"
        # A second cell of the same submission gets the other device.
        os.environ["CUDA_VISIBLE_DEVICES"] = "5,7"
        with device.lease("cuda", [0]):
            assert os.environ["CUDA_VISIBLE_DEVICES"] == "7"
        # Another submission whose devices are numbered alike has devices of its own.
        monkeypatch.setenv("SLURM_JOB_ID", "13")
        with device.lease("cuda", [0]):
            assert os.environ["CUDA_VISIBLE_DEVICES"] == "5"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "5,7"
    assert not (tmp_path / "gpu0.lock").exists()


def test_a_numbered_device_is_leased_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(device, "LOCKS", tmp_path)
    with device.lease("cuda:1", [4, 6]) as name:
        assert (name, os.environ["CUDA_VISIBLE_DEVICES"]) == ("cuda", "1")
        assert [path.name for path in tmp_path.iterdir()] == ["gpu6.lock"]
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    with pytest.raises(ConfigError, match="'cuda:2' was asked for, but there is no such NVIDIA GPU"):
        device.lease("cuda:2", [4, 6]).__enter__()


def test_an_empty_choice_of_the_scheduler_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(device, "LOCKS", tmp_path)
    with pytest.raises(ConfigError, match=r"no such NVIDIA GPU here \(CUDA_VISIBLE_DEVICES is ''\)"):
        device.lease("cuda", [0]).__enter__()


def test_a_job_without_a_gpu_uses_none() -> None:
    assert device.for_job("cuda", 0) == device.for_job("auto", 0) == "cpu"
    assert device.for_job("cuda", 1) == "cuda"
    assert device.for_job("mps", 0) == "mps"


def test_the_folder_of_locks_is_for_every_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(device, "LOCKS", tmp_path / "locks")
    umask = os.umask(0o077)
    try:
        with device.lease("cuda", [0]):
            pass
    finally:
        os.umask(umask)
    assert (tmp_path / "locks").stat().st_mode & 0o7777 == 0o1777
    assert (tmp_path / "locks/gpu0.lock").stat().st_mode & 0o777 == 0o666


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
