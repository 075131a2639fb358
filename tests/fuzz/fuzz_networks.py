"""Files of networks, whole and spoilt: state dicts, TorchScript, ONNX, ncnn, pickles."""

from __future__ import annotations

import io
import pickle
import tempfile
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import cv2
import fuzz_images
import numpy as np
import test_programs
import torch
from hypothesis import strategies as st
from onnx import TensorProto
from safetensors.torch import save
from sisr.models import archs
from spoiling import CUTTING, bytes_of
from torch import Tensor, nn
from warm import Case


class Twice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.interpolate(x, scale_factor=2.0)


@cache
def weights() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return archs.build("espcn", 2).state_dict()


def saved(value: object, **options: bool) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


def unknown() -> bytes:
    """A state dict of no known architecture."""
    return saved({"a": weights()["features.0.bias"]})


@cache
def files() -> dict[str, Mapping[str, bytes]]:
    """Name -> the files of a network that is read."""
    found: dict[str, Mapping[str, bytes]] = {
        "net.pth": {"net.pth": saved(weights())},
        "old.pth": {"old.pth": saved({"params_ema": weights()}, _use_new_zipfile_serialization=False)},
        "net.safetensors": {"net.safetensors": save(weights())},
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        torch.jit.save(torch.jit.script(Twice()), folder / "net.pt")
        test_programs.onnx_graph(folder / "float.onnx", TensorProto.FLOAT, TensorProto.FLOAT)
        test_programs.onnx_graph(folder / "bytes.onnx", TensorProto.UINT8, TensorProto.UINT8)
        test_programs.ncnn_graph(folder / "net.param", "Interp up 1 1 same out 0=1 1=2.0 2=2.0")
        for path in sorted(folder.iterdir()):
            if path.suffix != ".bin":
                beside = [path, *([path.with_suffix(".bin")] if path.suffix == ".param" else [])]
                found[path.name] = {one.name: one.read_bytes() for one in beside}
    return found


#: Tensors, and what is none, in the place of a weight.
ODD: dict[str, Callable[[Tensor], object]] = {
    "nan": lambda t: torch.full_like(t, float("nan")),
    "inf": lambda t: torch.full_like(t, float("inf")),
    "huge": lambda t: torch.full_like(t, 3e38),
    "half": lambda t: t.half(),
    "bfloat16": lambda t: t.bfloat16(),
    "double": lambda t: t.double(),
    "int8": lambda t: t.to(torch.int8),
    "bool": lambda t: t > 0,
    "complex": lambda t: t.to(torch.complex64),
    "sparse": lambda t: t.to_sparse(),
    "quantized": lambda t: torch.quantize_per_tensor(t, 0.1, 0, torch.qint8),
    "meta": lambda t: t.to("meta"),
    "empty": lambda t: t[:0],
    "scalar": lambda t: torch.tensor(1.0),
    "transposed": lambda t: t.transpose(0, -1),
    "expanded": lambda t: torch.zeros(1).expand(t.shape),
    "vast": lambda t: torch.zeros(1).expand(1 << 40),
    "parameter": nn.Parameter,
    "list": lambda t: t.tolist(),
    "number": lambda t: 1.0,
    "none": lambda t: None,
    "text": lambda t: "text",
    "dict": lambda t: {"a": t},
}
WRAPPED: dict[str, Callable[[dict[str, object]], object]] = {
    "plain": lambda state: state,
    "params": lambda state: {"params": state},
    "state_dict": lambda state: {"state_dict": {f"module.{key}": value for key, value in state.items()}},
    "deep": lambda state: {"a": {"b": {"c": {"d": state}}}},
    "list": lambda state: [state],
    "twice": lambda state: {"params": state, "params_ema": state},
    "numbers": lambda state: dict(enumerate(state.values())),
    "self": lambda state: state | {"again": state},
    "odd keys": lambda state: state | {None: 1, (1, 2): "x", "": torch.ones(1), "a\nb": torch.ones(1)},
    "code": lambda state: state | {"x": _Call()},
}


class _Call:
    """What a pickle can ask to be called."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (Path("../escaped"),)  # type: ignore[return-value]


def build_with(contents: Mapping[str, bytes]) -> Callable[[Path], None]:
    def build(work: Path) -> None:
        (work / "in").mkdir()
        (work / "in/one.png").write_bytes(fuzz_images.good(8))
        for name, content in contents.items():
            (work / name).write_bytes(content)

    return build


def size_of(work: Path) -> str:
    found = cv2.imread(str(work / "out/one.png"), cv2.IMREAD_UNCHANGED)
    return "" if found is not None and found.shape == (16, 44, 3) else "not twice as large"


def twice(work: Path) -> str:
    found = cv2.imread(str(work / "out/one.png"), cv2.IMREAD_UNCHANGED)
    expected = cv2.imdecode(np.frombuffer(fuzz_images.good(8), np.uint8), 1).repeat(2, 0).repeat(2, 1)
    return "" if np.array_equal(found, expected) else "not the image twice as large"


@cache
def by_espcn() -> np.ndarray:
    """What the network that is not spoilt makes of the image."""
    from sisr.base.images import decode_image
    from sisr.models import model_entries
    from sisr.upscaling import engines

    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "net.pth")
        path.write_bytes(files()["net.pth"]["net.pth"])
        own = model_entries.parse("mine", {"label": "Mine", "path": str(path)})
        return engines.load(own, 2, {})(decode_image(fuzz_images.good(8), "image").array)


ARGV = ["upscale", "-s", "2", "--device", "cpu", "in", "out", "-m"]


@st.composite
def networks(draw: st.DrawFn) -> Case:
    """Bytes of a file of a network are spoilt."""
    name = draw(st.sampled_from(sorted(files())))
    contents = dict(files()[name])
    spoilt = draw(st.sampled_from(sorted(contents)))
    how, contents[spoilt] = draw(bytes_of(contents[spoilt]))
    # A zip has the checksums of what is in it; and what is whole is what it was.
    certain = how in CUTTING or name in ("net.pth", "net.pt")

    def judge(work: Path, said: str) -> str:
        if wrong := size_of(work):
            return f"{how}: {wrong}"
        if not certain:
            return ""
        if not name.endswith(("pth", "safetensors")):
            return twice(work)
        found = cv2.imread(str(work / "out/one.png"))[..., ::-1]
        return (
            "" if np.array_equal(found, by_espcn()) else f"{how}: another network, off by more than nothing"
        )

    return Case(f"{name}: {spoilt} {how}", [*ARGV, name], build_with(contents), judge)


@st.composite
def states(draw: st.DrawFn) -> Case:
    """A state dict with something in it that is no weight, wrapped in some way."""
    state: dict[str, object] = dict(weights())
    done = []
    for _ in range(draw(st.integers(0, 2))):
        key = draw(st.sampled_from(sorted(weights())))
        how = draw(st.sampled_from(sorted(ODD)))
        with warnings.catch_warnings(action="ignore"):  # torch's own, of quantised tensors
            state[key] = ODD[how](weights()[key])
        done.append(f"{key} {how}")
    wrapped = draw(st.sampled_from(sorted(WRAPPED)))
    form = draw(st.sampled_from(["zip", "old", "pickle"]))
    value = WRAPPED[wrapped](state)
    try:
        content = (
            pickle.dumps(value)
            if form == "pickle"
            else saved(value, _use_new_zipfile_serialization=form == "zip")
        )
    except Exception:  # torch does not save it in this form
        content = saved(WRAPPED["plain"](dict(weights())))
    suffix = draw(st.sampled_from([".pth", ".pt", ".ckpt", ".bin", ".safetensors", ".onnx"]))

    def judge(work: Path, said: str) -> str:
        wrong = size_of(work)
        bad = [one for one in done if one.split()[1] in ("nan", "bool", "complex", "text", "none", "vast")]
        return wrong or (f"{bad} ran" if bad else "")

    label = f"{wrapped} {done} {form} {suffix}"
    return Case(label, [*ARGV, f"net{suffix}"], build_with({f"net{suffix}": content}), judge)


#: What a line of an ncnn graph may be.
LAYERS = st.sampled_from(
    [
        *["Interp up 1 1 same out 0=1 1=2.0 2=2.0"] * 5,
        *(
            "Interp up 1 1 same out 0=1 1=1e9 2=1e9",
            "PixelShuffle a 1 1 same out 0=2",
            "Permute p 1 1 same out 0=77",
        ),
        *(
            "Pooling p 1 1 same out 0=0 1=0",
            "Reshape r 1 1 same out 0=-5 1=99999",
            "Crop c 1 1 same out 0=-9 3=9999999",
        ),
        *(
            "Padding p 1 1 same out 0=2000000000",
            "Convolution c 1 1 same out 0=3 1=9999 6=27",
            "Input i 0 1 more",
        ),
        *(
            "Convolution c 1 1 same out 0=0 1=0 6=0",
            "BinaryOp b 1 1 same out 0=3",
            "Concat c 2 1 same same out",
        ),
        *(
            "Split s 1 2 same out other",
            "Nothing n 1 1 same out",
            "ReLU r 1 1 same same",
            "ReLU",
            "ReLU r -1 1 out",
        ),
    ]
)


@st.composite
def graphs(draw: st.DrawFn) -> Case:
    """Graphs of ncnn and ONNX that say what they may not."""
    if draw(st.booleans()):
        lines = [
            "Input in 0 1 data",
            "Convolution conv 1 1 data same 0=3 1=1 6=9",
            *draw(st.lists(LAYERS, max_size=3)),
        ]
        right = f"{len(lines)} {len(lines) + 1}"
        head = draw(
            st.sampled_from(
                [
                    right,
                    right,
                    right,
                    right,
                    right,
                    right,
                    "0 0",
                    "999999999 999999999",
                    "-1 -1",
                    "x",
                    "",
                    "3",
                ]
            )
        )
        text = "\n".join(["7767517", head, *lines, ""])
        values = files()["net.param"]["net.bin"]
        contents = {
            "net.param": text.encode(),
            "net.bin": draw(bytes_of(values, ("whole", "cut", "flip")))[1],
        }
        return Case(
            f"ncnn {lines} {head}",
            [*ARGV, "net.param"],
            build_with(contents),
            lambda work, said: size_of(work),
        )
    import onnx

    graph = onnx.load_from_string(files()["float.onnx"]["float.onnx"])
    kind = draw(
        st.sampled_from(
            [*[TensorProto.FLOAT] * 5, TensorProto.INT64, TensorProto.STRING, TensorProto.BOOL, 0, 99]
        )
    )
    graph.graph.input[0].type.tensor_type.elem_type = kind
    usual = st.tuples(
        st.just("n"), st.sampled_from([1, 3]), st.sampled_from([8, 16, "h"]), st.sampled_from([22, 24, "w"])
    )
    shape = draw(
        usual
        if draw(st.integers(0, 2))
        else st.lists(st.one_of(st.integers(-1, 70), st.just(2**40), st.sampled_from(["n", "h"])), max_size=5)
    )
    dims = graph.graph.input[0].type.tensor_type.shape
    del dims.dim[:]
    for side in shape:
        one = dims.dim.add()
        setattr(one, "dim_param" if isinstance(side, str) else "dim_value", side)
    scale = draw(
        st.sampled_from(
            [
                [1, 1, 2, 2],
                [1, 1, 2, 2],
                [1, 1, 2, 2],
                [1, 1, 0, 0],
                [1, 1, -1, 2],
                [1, 1, 1e6, 1e6],
                [1, 3, 2, 2],
                [1, 1, float("nan"), 2],
            ]
        )
    )
    tensor = graph.graph.initializer[0]
    tensor.ClearField("raw_data")
    del tensor.float_data[:]
    tensor.float_data.extend(scale)
    name = draw(st.sampled_from(["Resize", "Resize", "Resize", "Resize", "Nothing", "Loop", ""]))
    graph.graph.node[1].op_type = name
    contents = {"net.onnx": graph.SerializeToString()}
    label = f"onnx {kind} {shape} {scale} {name}"
    return Case(label, [*ARGV, "net.onnx"], build_with(contents), lambda work, said: size_of(work))
