"""Turns of a model and the reference on a clock that moves when told to, and on a GPU that is not there."""

from __future__ import annotations

import ctypes
import itertools
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sisr.analysis.cost import conditions, receipts, taking
from sisr.analysis.cost.interleaving import (
    CALLS,
    ROUNDS,
    Device,
    Interleaved,
    SpreadTooLarge,
    Subject,
    Turn,
    interleave,
    run_block,
    summary,
)
from sisr.base import registry
from sisr.base.errors import ModelSkipped
from sisr.models.model_entries import get, parse
from sisr.upscaling import engines
from sisr.upscaling.inference.options import Options


class Machine:
    """A clock, and a log of whose call moved it; ``speed`` says by how much at a time."""

    def __init__(self, speed: Callable[[float], float] = lambda now: 1.0) -> None:
        self.now, self.speed, self.log = 0.0, speed, list[str]()

    def subject(self, name: str, seconds: float, network: float | None = None) -> Subject:
        def run(said: str, took: float) -> Callable[[], None]:
            def once() -> None:
                self.log.append(said)
                self.now += took * self.speed(self.now)

            return once

        alone = None if network is None else run(f"{name} network", network)
        return Subject(run(name, seconds), alone)

    def device(self, joules: Callable[[], float | None] = lambda: None) -> Device:
        def timer(run: Callable[[], object]) -> float:
            begin = self.now
            run()
            return self.now - begin

        return Device(timer, timer, joules, lambda: self.now)


def test_model_and_reference_take_turns() -> None:
    machine = Machine()
    found = interleave(
        machine.subject("model", 2), machine.subject("reference", 1, 0.5), machine.device(), 300
    )
    turns = [turn for turn, _ in itertools.groupby(name.split()[0] for name in machine.log)]
    # The warm-up of either, which the first block of the reference follows, and the rounds.
    assert turns == ["model", "reference"] * (ROUNDS + 1)
    assert (len(found.model), len(found.reference), found.discarded) == (ROUNDS, ROUNDS + 1, 0)
    assert found.spread == 0
    assert found.ratio("call") == 2
    # By hand: warm-up takes 2 * (2 + 1 + 0.5) = 7 s; blocks of 293 / 42 = 7.0 s have four calls of 2 s, or
    # 3.5 s of each kind of 1 s and 0.5 s.
    assert [len(block.seconds["call"]) for block in found.model] == [4] * ROUNDS
    assert found.reference[0].seconds == {"call": (1.0,) * 4, "network": (0.5,) * 7}
    assert found.document()["energy_joules"] is None


def test_drift_is_in_both_and_not_in_the_ratio() -> None:
    """A machine that slows down steadily: of single medians the ratio would be off."""
    machine = Machine(lambda now: 1 + now / 500)
    found = interleave(
        machine.subject("model", 3), machine.subject("reference", 1), machine.device(), 100, allowed=1
    )
    assert found.spread > 0.07
    assert found.ratio("call") == pytest.approx(3, rel=0.01)


def test_the_steadiest_rounds_are_taken_when_time_is_over() -> None:
    """By hand: of the reference's blocks the fourth to seventh spread least, by 0.015 of 1.0175."""
    speeds = [1, 1.025, 1, 1.025, 1.01, 1.025, 1.01] + [1, 1.025] * 20

    def speed(_: float) -> float:
        turns = sum(1 for _ in itertools.groupby(machine.log))
        return speeds[turns // 2 - 1] if machine.log[-1] == "reference" else 1

    machine = Machine(speed)
    found = interleave(machine.subject("model", 2), machine.subject("reference", 1), machine.device(), 300)
    assert found.spread == pytest.approx(0.015 / 1.0175)
    assert found.discarded == 3
    assert 280 < machine.now < 300


def test_rounds_that_are_steady_to_a_third_end_it() -> None:
    machine = Machine(lambda now: 1.5 if now < 30 else 1.0)
    found = interleave(machine.subject("model", 2), machine.subject("reference", 1), machine.device(), 200)
    assert found.discarded >= 1
    assert found.spread == 0
    assert {s for block in found.reference for s in block.seconds["call"]} == {1.0}


def test_an_unsteady_reference_is_refused() -> None:
    """Every other round is slower by a twentieth, so that no window is steady."""

    def turns() -> int:
        return sum(1 for _ in itertools.groupby(machine.log))

    machine = Machine(lambda now: 1 + 0.05 * (turns() // 2 % 2))
    with pytest.raises(SpreadTooLarge, match=r"spread by \d\.\d\d% or more in \d+ rounds \(3\.0% allowed\)"):
        interleave(machine.subject("model", 0.1), machine.subject("reference", 0.1), machine.device(), 200)
    assert machine.now < 200 + 2 * 2 * CALLS[1] * 0.1


def test_spread_is_of_block_medians_of_the_worse_kind() -> None:
    """By hand: calls of 100, 102 and 103: 3/102; networks of 50, 50 and 52: 2/50."""
    blocks = [
        Turn({"call": (call, call, 500.0), "network": (network,) * 3})
        for call, network in ((100.0, 50.0), (102.0, 50.0), (103.0, 52.0))
    ]
    assert Interleaved([], blocks).spread == pytest.approx(2 / 50)
    assert Interleaved([], [Turn({"call": b.seconds["call"]}) for b in blocks]).spread == pytest.approx(
        3 / 102
    )


def test_fewest_and_most_calls() -> None:
    machine = Machine()
    block = run_block(machine.subject("slow", 100), machine.device(), 1)
    assert len(block.seconds["call"]) == CALLS[0]
    assert len(run_block(machine.subject("fast", 1e-6), machine.device(), 1).seconds["call"]) == CALLS[1]


def test_percentiles_are_numpys() -> None:
    seconds = np.random.default_rng(0).exponential(0.02, 101)
    found = summary([seconds[:50], seconds[50:]])
    expected = np.percentile(seconds, [50, 90, 99])
    assert [found["p50"], found["p90"], found["p99"]] == pytest.approx(expected, abs=1e-6)
    assert [len(block) for block in found["microseconds"]] == [50, 51]


# --- a GPU that is not there ------------------------------------------------------------------------------


CDLL, RUN = ctypes.CDLL, subprocess.run


class FakeGpu:
    """What torch and NVIDIA's programs say of a GPU: each call takes 4 ms and 2 J, and an event 1 ms."""

    uuid = "5c0ffee5-0000-4000-8000-000000000000"

    def __init__(self) -> None:
        self.log: list[str] = []
        self.elapsed, self.joules = 0.0, 1000.0

    def event(self, enable_timing: bool = False) -> SimpleNamespace:
        assert enable_timing
        event = SimpleNamespace(at=None)

        def record() -> None:
            self.log.append("record")
            event.at = self.elapsed
            self.elapsed += 0.001

        event.record = record
        event.synchronize = lambda: self.log.append("wait for event")
        event.elapsed_time = lambda end: 1e3 * (end.at - event.at)
        return event

    def work(self, *_: object) -> None:
        self.elapsed += 0.004
        self.joules += 2

    def library(self, name: str | None) -> Any:
        if name != "libnvidia-ml.so.1":
            return CDLL(name)

        def energy(_: object, result: Any) -> int:
            result._obj.value = round(1e3 * self.joules)
            return 0

        def handle(uuid: bytes, _: object) -> int:
            return 0 if uuid == f"GPU-{self.uuid}".encode() else 6

        return SimpleNamespace(
            nvmlInit_v2=lambda: 0,
            nvmlDeviceGetHandleByUUID=handle,
            nvmlDeviceGetTotalEnergyConsumption=energy,
        )

    def program(self, query: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        if query[0] != "nvidia-smi":
            return RUN(query, **how)
        assert query[-1] == f"--id=GPU-{self.uuid}"
        return subprocess.CompletedProcess(query, 0, "1980, 2619, 570.86.15\n", "")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeGpu]:
    fake = FakeGpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr("sisr.base.device.LOCKS", tmp_path / "locks")
    monkeypatch.setattr("sisr.base.device.gpu_ids", lambda: [0])
    monkeypatch.setattr(torch.cuda, "Event", fake.event)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: fake.log.append("synchronise"))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "NVIDIA Fake 100")
    properties = SimpleNamespace(uuid=fake.uuid)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda device: fake.log.append("reset"))
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 5_000_000)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda device: 12_000_000)
    monkeypatch.setattr(ctypes, "CDLL", fake.library)
    monkeypatch.setattr(conditions.subprocess, "run", fake.program)
    yield fake


def test_cuda_events_time_the_network_and_waiting_is_part_of_a_call(gpu: FakeGpu) -> None:
    device = Device.of("cuda")
    assert device.alone(gpu.work) == pytest.approx(0.005)
    assert gpu.log == ["record", "record", "wait for event"]
    gpu.log.clear()
    device.whole(gpu.work)
    assert gpu.log == ["synchronise"]


def test_energy_is_of_whole_calls(gpu: FakeGpu) -> None:
    block = run_block(Subject(gpu.work, gpu.work), Device.of("cuda"), 0.001)
    calls = len(block.seconds["call"])
    assert block.joules == 2 * calls
    found = Interleaved([block] * ROUNDS, [block] * (ROUNDS + 1))
    assert found.document()["energy_joules"] == 2


def test_without_its_library_energy_is_null_and_never_zero(
    gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: object, **_: object) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    monkeypatch.setattr(conditions.subprocess, "run", missing)
    block = run_block(Subject(gpu.work), Device.of("cuda"), 0.001)
    assert block.joules is None
    assert Interleaved([block] * ROUNDS, [block] * (ROUNDS + 1)).document()["energy_joules"] is None
    assert conditions.EnergyCounter("").joules() is None
    facts = conditions.describe("cuda", 1)
    assert (facts["clock_mhz"], facts["memory_clock_mhz"], facts["driver"]) == (None, None, None)


def test_a_receipt_of_a_gpu(gpu: FakeGpu, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The networks run on the CPU; all that is asked of the GPU is answered by the fake."""
    asked: list[tuple[str, str]] = []
    load, reference = engines.load, taking.Taking.reference

    def on_cpu(model: Any, scale: int, files: Any, device: str, threads: int, options: Options) -> Any:
        asked.append((device, options.precision))
        network = load(parse("n", NEAREST), scale, {}, "cpu", threads)

        def call(lr: np.ndarray) -> np.ndarray:
            gpu.work()
            return network.network(lr)

        call.alone = lambda lr: gpu.work  # type: ignore[attr-defined]
        return engines.Upscaler(call, call)

    monkeypatch.setattr(engines, "load", on_cpu)
    monkeypatch.setattr(taking.Taking, "reference", lambda self, scale, _: reference(self, scale, "cpu"))
    how = taking.Taking("cuda", options=Options(cuda_graphs=True), allowed=9.0, largest=(160, 96))
    found = taking.take(get("imdn"), 4, {}, 4.0, how)
    path = receipts.write(found, tmp_path)
    assert path == tmp_path / "nvidia-fake-100-cuda-graphs-true/x4/imdn.json"
    assert receipts.read(path) == found
    assert asked == [("cuda", "fp32"), ("cuda", "bf16"), ("cuda", "fp16")]
    assert found["precisions"]["tf32"] == {
        "status": "not run", "reason": "TF32 needs a GPU of compute capability 8.0",
    }  # fmt: skip
    fp16 = found["precisions"]["fp16"]
    assert (fp16["peak_memory"], fp16["energy_joules"]) == (7_000_000, 2)
    assert fp16["model"]["network"]["p50"] == 0.005
    facts = ("kind", "name", "driver", "clock_mhz", "memory_clock_mhz")
    expected = ["cuda", "NVIDIA Fake 100", "570.86.15", 1980, 2619]
    assert [found["device"][key] for key in facts] == expected


NEAREST = {"label": "N", "engine": "interpolation", "params": {"method": "pillow-nearest"}}


# --- a real model on this machine -------------------------------------------------------------------------


def test_a_receipt_of_a_network_on_the_cpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The reference itself as the model: both kinds are timed, and it is about as fast as itself."""
    how = taking.Taking(allowed=9.0, largest=(160, 96))
    upscaler = how.reference(4, "cpu")
    monkeypatch.setattr(engines, "load", lambda *_: engines.Upscaler(upscaler, upscaler))
    found = taking.take(get("span-28"), 4, {}, 8.0, how)
    receipts.write(found, tmp_path)
    registry.validate(found, "receipt", "receipt")
    assert found["output"] == [160, 96]
    fp32 = found["precisions"]["fp32"]
    assert set(fp32["ratio"]) == {"call", "network"}
    assert 0.3 < fp32["ratio"]["call"] < 3
    assert fp32["model"]["network"]["p50"] > 0
    assert fp32["energy_joules"] is None


def test_the_reference_is_the_same_each_time_and_leaves_the_generator_alone() -> None:
    lr = np.full((24, 40, 3), 128, np.uint8)
    state = torch.get_rng_state()
    first, second = (taking.Taking().reference(4, "cpu")(lr) for _ in range(2))
    assert np.array_equal(first, second)
    assert np.isfinite(first).all()
    assert torch.equal(torch.get_rng_state(), state)


def test_other_engines_have_no_network_alone_and_no_precisions() -> None:
    found = taking.take(get("bicubic"), 4, {}, 6.0, taking.Taking(allowed=99.0, largest=(160, 96)))
    assert set(found["precisions"]["fp32"]["ratio"]) == {"call"}
    assert {key: value["status"] for key, value in found["precisions"].items()} == {
        "fp32": "ok", "tf32": "not run", "bf16": "not run", "fp16": "not run",
    }  # fmt: skip


def test_a_budget_that_is_too_small_is_said() -> None:
    with pytest.raises(ModelSkipped, match=r"Bicubic: 28 calls of \S+ s do not fit in its"):
        taking.take(get("bicubic"), 4, {}, 1e-9, taking.Taking(largest=(160, 96)))


def test_engines_of_the_cpu_are_not_timed_on_a_gpu(gpu: FakeGpu) -> None:
    with pytest.raises(ModelSkipped, match="Bicubic runs on the CPU only, the device is cuda"):
        taking.take(get("bicubic"), 4, {}, 1.0, taking.Taking("cuda"))
