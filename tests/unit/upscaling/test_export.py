"""Networks as ONNX graphs give the images that they give in PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from sisr.cli import app
from sisr.commands import imaging
from sisr.models import archs
from sisr.upscaling import networks
from torch import Tensor, nn
from torch.nn import functional
from typer.testing import CliRunner


class Plain(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Conv2d(3, 12, 3, padding=1)
        nn.init.normal_(self.layer.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        enlarged = functional.interpolate(x, scale_factor=2, mode="bilinear")
        return functional.pixel_shuffle(self.layer(x), 2) + enlarged


class OfSize(Plain):
    """Darker by a step for each column beyond a multiple of 8; a graph has the steps of the size it saw."""

    def forward(self, x: Tensor) -> Tensor:
        found = super().forward(x)
        for _ in range(x.shape[-1] % 8):
            found = found * 0.9
        return found


class NoOperator(Plain):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.ifft2(torch.fft.fft2(super().forward(x))).real


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command on a module in the place of IMDN's x2."""

    def run(module: nn.Module, *options: str, **facts: Any) -> tuple[int, str]:
        network = networks.Network(
            **{"module": module.eval(), "scale": 2, "channels": 3, "peak": 1, "enlarge_first": False,
               "architecture": "net", **facts}
        )  # fmt: skip
        load = networks.load
        with monkeypatch.context() as patch:
            patch.setattr(imaging, "obtain_weights", lambda *_: {})
            patch.setattr(networks, "load", lambda of, *rest: network if of.id == "imdn" else load(of, *rest))
            command = ["export", "imdn", str(tmp_path / "net.onnx"), "--scale", "2", *options]
            result = CliRunner().invoke(app, command)
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result.exit_code, result.output

    return run


@pytest.mark.parametrize("options", [(), ("--size", "30x20")], ids=["any size", "one size"])
@pytest.mark.parametrize("peak", [1, 255])
def test_a_graph_gives_the_images_of_the_network(
    tmp_path: Path, export: Any, options: tuple[str, ...], peak: int
) -> None:
    module = Plain()
    code, said = export(module, *options, peak=peak)
    assert code == 0, said
    lines = said.splitlines()
    assert (
        lines[0] == f"{tmp_path}/net.onnx: IMDN x2, for LR images of {options[-1] if options else 'any size'}"
    )
    assert lines[1].endswith(("dB by the graph (+0.0000 dB)", "dB by the graph (-0.0000 dB)"))
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx")
    assert [(one.name, one.type) for one in session.get_inputs()] == [("lr", "tensor(float)")]
    lr = np.random.default_rng(0).random((1, 3, 30, 20), np.float32)
    with torch.no_grad():
        expected = module(torch.from_numpy(lr) * peak) / peak
    np.testing.assert_allclose(session.run(None, {"lr": lr})[0], expected, atol=1e-5)
    if not options:
        assert session.run(None, {"lr": lr[:, :, :7, :9].repeat(2, 0)})[0].shape == (2, 3, 14, 18)


@pytest.mark.parametrize(
    ("module", "options", "facts", "message"),
    [
        (OfSize, (), {}, "IMDN: the graph does not do what the network does (PSNR-Y"),
        (NoOperator, (), {}, "IMDN: cannot be exported: "),
        (Plain, (), {"multiple_of": 8}, "takes sides of a multiple of 8 only: give such a size, found none"),
        (Plain, ("--size", "30x20"), {"multiple_of": 8}, "give such a size, found 30x20"),
        (Plain, (), {"enlarge_first": True}, "runs on the bicubic enlargement, which is not in the network"),
        (Plain, ("--size", "3"), {}, "size: '3': expected HEIGHTxWIDTH, as 128x96"),
    ],
)
def test_what_cannot_be_a_graph_leaves_no_file(
    tmp_path: Path, export: Any, module: Any, options: tuple[str, ...], facts: dict[str, Any], message: str
) -> None:
    code, said = export(module(), *options, **facts)
    assert (code, len(said.strip().splitlines())) == (1, 1), said
    assert said.startswith("error: ")
    assert message in said
    assert not (tmp_path / "net.onnx").exists()


def test_a_network_of_one_size_is_right_at_that_size(export: Any) -> None:
    code, said = export(OfSize(), "--size", "24x29")
    assert code == 0, said


def test_a_file_of_weights(tmp_path: Path) -> None:
    torch.manual_seed(0)
    torch.save(archs.build("imdn", 2).state_dict(), tmp_path / "mine.pth")
    result = CliRunner().invoke(app, ["export", str(tmp_path / "mine.pth"), str(tmp_path / "mine.onnx")])
    assert result.exit_code == 0, result.output
    assert "0.0000 dB)" in result.output


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("bicubic", "Bicubic: is no PyTorch network, which alone can be exported"),
        ("bicubic+", "Bicubic: runs its network several times, which no graph says"),
    ],
)
def test_models_that_are_no_graph(tmp_path: Path, model: str, message: str) -> None:
    result = CliRunner().invoke(app, ["export", model, str(tmp_path / "x.onnx"), "--scale", "2"])
    assert (result.exit_code, result.output) == (1, f"error: {message}\n")


def test_a_letter_is_not_written_over(tmp_path: Path, export: Any) -> None:
    (tmp_path / "net.onnx").write_text("Dear Sir,\n")
    code, said = export(Plain())
    assert (code, "is no ONNX graph, and would be overwritten" in said) == (1, True)
    assert export(Plain(), "--force")[0] == 0
    assert export(Plain())[0] == 0
