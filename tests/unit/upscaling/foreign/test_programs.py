"""Files of the user's own that are programs: what they say of themselves, and how their end is told."""

from __future__ import annotations

import os
import signal
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from sisr.base.errors import ModelError
from sisr.models import model_entries
from sisr.upscaling import detection, engines
from sisr.upscaling.foreign import process
from sisr.upscaling.upscale import attempt
from torch import nn

#: Every value that a pixel may have.
IMAGE = np.random.default_rng(0).permutation(np.arange(288) % 256).reshape(8, 12, 3).astype(np.uint8)
TWICE = IMAGE.repeat(2, 0).repeat(2, 1)


def own(path: Path, **more: Any) -> model_entries.Model:
    return model_entries.parse("mine", {"label": "Mine", "path": str(path), **more})


def upscale(model: model_entries.Model) -> np.ndarray:
    return engines.load(model, 2, {})(IMAGE)


def onnx_graph(path: Path, takes: int, gives: int, **values: Any) -> Path:
    """Nearest-neighbour enlargement of an image on 0-255, between any types."""
    sizes = helper.make_tensor("s", TensorProto.FLOAT, [4], [1, 1, 2, 2])
    nodes = [
        helper.make_node("Cast", ["lr"], ["x"], to=TensorProto.FLOAT),
        helper.make_node(
            "Resize",
            ["x", "", "s"],
            ["y"],
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        ),
        helper.make_node("Cast", ["y"], ["sr"], to=gives),
    ]
    ends = [
        helper.make_tensor_value_info(name, kind, ["n", 3, f"{name}h", f"{name}w"])
        for name, kind in (("lr", takes), ("sr", gives))
    ]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [sizes])
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path, **values
    )
    return path


def test_integers_of_onnx_are_on_0_to_255(tmp_path: Path) -> None:
    path = onnx_graph(tmp_path / "u8.onnx", TensorProto.UINT8, TensorProto.UINT8)
    assert np.array_equal(upscale(own(path)), TWICE)
    with pytest.raises(ModelError, match="takes uint8, so white is 255; the entry states input_range 0-1"):
        upscale(own(path, input_range="0-1"))
    path = onnx_graph(tmp_path / "float.onnx", TensorProto.FLOAT, TensorProto.UINT8)
    assert np.array_equal(upscale(own(path, input_range="0-255")), TWICE)
    path = onnx_graph(tmp_path / "i32.onnx", TensorProto.FLOAT, TensorProto.INT32)
    with pytest.raises(ModelError, match=r"gives tensor\(int32\), expected one of"):
        detection.identify(path)


def test_no_values_of_onnx_through_a_link(tmp_path: Path) -> None:
    """Nor by ``..`` or an absolute path; a link beside the target of a linked graph is as caches have it."""
    weights = numpy_helper.from_array(np.eye(3, dtype=np.float32).repeat(4, 0)[..., None, None], "w")
    nodes = [
        helper.make_node("Conv", ["lr", "w"], ["many"]),
        helper.make_node("DepthToSpace", ["many"], ["sr"], blocksize=2, mode="CRD"),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, f"{name}h", f"{name}w"])
        for name in ("lr", "sr")
    ]
    made = helper.make_model(
        helper.make_graph(nodes, "g", ends[:1], ends[1:], [weights]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    store, nets = tmp_path / "store", tmp_path / "nets"
    store.mkdir()
    nets.mkdir()
    path = nets / "net.onnx"
    onnx.save(made, store / "graph", save_as_external_data=True, location="net.onnx.data", size_threshold=0)
    (nets / "net.onnx.data").symlink_to(store / "net.onnx.data")
    path.write_bytes((store / "graph").read_bytes())
    with pytest.raises(ModelError, match=r"net\.onnx\.data: is a link out of its folder"):
        detection.identify(path)
    path.unlink()
    path.symlink_to(store / "graph")
    assert np.array_equal(upscale(own(path)), TWICE)
    for place in ("../store/net.onnx.data", str(store / "net.onnx.data")):
        [tensor] = made.graph.initializer
        next(entry for entry in tensor.external_data if entry.key == "location").value = place
        (nets / "other.onnx").write_bytes(made.SerializeToString())
        with pytest.raises(ModelError, match=r"values are in another file than other\.onnx\.data beside it"):
            detection.identify(nets / "other.onnx")


def ncnn_graph(path: Path, layer: str) -> Path:
    lines = ["Input in 0 1 data", "Convolution conv 1 1 data same 0=3 1=1 6=9", layer]
    path.write_text("\n".join(["7767517", "3 3", *lines]) + "\n")
    values = np.eye(3, dtype=np.float32).tobytes()
    path.with_suffix(".bin").write_bytes(struct.pack("<I", 0) + values)
    return path


def test_a_crash_of_native_code_costs_its_row(tmp_path: Path) -> None:
    """What a layer without its second operand does to ncnn, and not each time the same."""
    path = ncnn_graph(tmp_path / "net.param", "Interp up 1 1 same out 0=1 1=2.0 2=2.0")
    loaded = engines.load(own(path), 2, {})
    assert np.array_equal(loaded(IMAGE), TWICE)
    [(_, child)] = process._last
    os.kill(child._process.pid, signal.SIGSEGV)
    for _ in range(2):  # the other images of the cell
        done = attempt(lambda: (loaded(IMAGE),))
        assert (done.status, done.reason) == ("failed", f"{path}: its process was killed by SIGSEGV")
    assert np.array_equal(upscale(own(path)), TWICE)


def test_what_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ncnn_graph(tmp_path / "net.param", "Interp up 1 1 same out 0=1 1=2.0 2=2.0")
    monkeypatch.setattr(process, "_LOOK", 0.0)  # before the process has started
    monkeypatch.setattr(process, "_POLL", 0.001)
    with pytest.raises(ModelError, match=r"net\.param: its process was killed by SIGXCPU; it had not"):
        detection.identify(path)


def test_a_torchscript_program_that_raises(tmp_path: Path) -> None:
    """What it raises is no RuntimeError; also where it only does so on some images."""

    class Picky(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if x.shape[2] == 8:
                raise ValueError("eight rows")
            return torch.nn.functional.interpolate(x, scale_factor=2.0)

    path = tmp_path / "net.pt"
    torch.jit.save(torch.jit.script(Picky()), path)
    done = attempt(lambda: (upscale(own(path)),))
    assert (done.status, "\n" in done.reason) == ("failed", False)
    assert done.reason.startswith(f"{path}: ")
    assert "eight rows" in done.reason
