"""Networks of one's own: what is found in a file, and what is refused, in one line each."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sisr.base.errors import ModelError, ModelSkipped, SisrError
from sisr.base.images import read_image, write_png
from sisr.cli import app
from sisr.models import archs, model_entries, weights
from sisr.models.compat import prepare_torchvision
from sisr.upscaling import detection, engines
from torch import nn
from typer.testing import CliRunner

State = Mapping[str, torch.Tensor]

IMAGE = np.random.default_rng(0).integers(0, 256, (17, 22, 3), dtype=np.uint8)


class Small(nn.Module):
    """A network that no registry knows; ``out`` channels may differ from those of the input."""

    def __init__(self, scale: int = 2, channels: int = 3, out: int | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(channels, 8, 3, padding=1)
        self.last = nn.Conv2d(8, (out or channels) * scale**2, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shuffle(self.last(torch.relu(self.first(x))))


def spandrel_network(name: str, scale: int = 2) -> nn.Module:
    """A small network of one of spandrel's architectures; none of them is in the registry."""
    prepare_torchvision()
    torch.manual_seed(0)
    if name == "SAFMN":
        from spandrel.architectures.SAFMN import SAFMN

        return SAFMN(dim=12, n_blocks=2, upscaling_factor=scale)
    if name == "OmniSR":
        from spandrel.architectures.OmniSR import OmniSR

        return OmniSR(num_feat=16, up_scale=scale)
    from spandrel.architectures.PLKSR import PLKSR

    return PLKSR(dim=16, n_blocks=2, upscaling_factor=scale)


def own(path: Path | dict[int, Path], **more: Any) -> model_entries.Model:
    paths = {str(s): str(p) for s, p in path.items()} if isinstance(path, dict) else str(path)
    return model_entries.parse("mine", {"label": "Mine", "path": paths, **more})


def upscale(model: model_entries.Model, scale: int, lr: np.ndarray = IMAGE) -> np.ndarray:
    return engines.load(model, scale, {})(lr)


def by_torch(module: nn.Module, lr: np.ndarray = IMAGE, peak: int = 1) -> np.ndarray:
    planes = torch.from_numpy(lr.transpose(2, 0, 1).astype(np.float32))[None] * (peak / 255)
    with torch.inference_mode():
        sr = module.eval()(planes)[0].numpy() * (255 / peak)
    return np.rint(np.clip(sr.transpose(1, 2, 0), 0, 255)).astype(np.uint8)


def refusal(action: Callable[[], object]) -> str:
    with pytest.raises(SisrError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.output


# --- what is found ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "scale"), [("SAFMN", 4), ("OmniSR", 2), ("PLKSR", 2)])
def test_a_spandrel_architecture_from_the_command_line(name: str, scale: int, tmp_path: Path) -> None:
    """No entry, no scale: the file tells everything, and the pixels are those of the network."""
    network = spandrel_network(name, scale)
    path = tmp_path / "any.pth"
    torch.save({"params_ema": network.state_dict()}, path)
    write_png(tmp_path / "lr" / "one.png", IMAGE[:16, :16])
    code, output = run("upscale", "--model", path, tmp_path / "lr", tmp_path / "sr")
    assert code == 0, output
    assert f"any.pth: {name} x{scale}, RGB" in output
    sr = read_image(tmp_path / "sr" / "one.png").array
    expected = by_torch(network, IMAGE[:16, :16])
    assert np.abs(sr.astype(int) - expected).max() <= 1
    assert (sr == expected).mean() > 0.999
    other = 4 if scale == 2 else 2
    code, output = run("upscale", "-m", path, "-s", other, tmp_path / "lr", tmp_path / "sr")
    assert (code, output.count("\n")) == (1, 1)
    assert f"{name} x{scale}, not x{other}" in output


@pytest.mark.parametrize(
    "name",
    [
        *("espcn", "imdn", "pan", "rfdn", "rlfn", "efdn", "carn-m"),
        *("smfanet", "plainusr", "span", "spanf", "disp", "bsrn", "lkdn", "vapsr"),
    ],
)
@pytest.mark.parametrize("form", ["pth", "safetensors"])
def test_an_architecture_of_the_project(name: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / f"net.{form}"
    state = archs.build(name, 4).state_dict()
    save_file(state, path) if form == "safetensors" else torch.save(state, path)
    found = detection.identify(path, 4)
    assert found.architecture == name
    assert 4 in found.scales
    assert found.channels == (1 if name == "espcn" else 3)
    network, link, files = detection.resolve(own(path), 4)
    assert (network.engine, link, files) == ("torch", 4, {"state": path})
    assert network.input_peak == (255 if name in ("rfdn", "rlfn") else 1), "the range of the registered model"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("pan", {"width": 12, "narrow": 10, "blocks": 3}),
        ("rfdn", {"width": 16, "blocks": 6}),
        ("efdn", {"width": 20}),
        ("rlfn", {"width": 46, "middle": 48, "blocks": 4, "narrow": 16, "challenge": False}),
        ("rlfn", {"width": 10, "middle": 12, "blocks": 3, "narrow": 5, "challenge": True}),
    ],
)
def test_sizes_are_read_from_the_shapes(name: str, arguments: dict[str, int], tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    state = archs.build(name, 4, **arguments).state_dict()
    torch.save(state, path)
    found = detection.identify(path, 4)
    assert (found.architecture, found.scales, found.range) == (
        name,
        (4,),
        "0-255" if name in ("rfdn", "rlfn") else "0-1",
    )
    assert found.params["args"] == arguments
    torch.save({**state, "more.weight": torch.zeros(1)}, path)
    left = f"nearest {name} x4: 1 of {len(state) + 1} left over ('more.weight'); it runs with"
    assert left in refusal(lambda: detection.identify(path))


#: What no tensor tells is taken from published networks, and said; else it has to be stated.
EDSR_NOTE = "res_scale={}, as published: no tensor tells it (--params res_scale=VALUE)"
UNTOLD: dict[str, tuple[str, int, dict[str, Any], dict[str, Any], str]] = {
    "EDSR-baseline": ("edsr", 2, {}, {}, EDSR_NOTE.format(1)),
    "EDSR in EDSR-PyTorch's names": (
        *("edsr", 8, {"width": 24, "blocks": 5}, {}),
        "is edsr x8, but no tensor tells its res_scale: say --params res_scale=1 or --params res_scale=0.1",
    ),
    "EDSR, stated": ("edsr", 3, {"width": 24, "blocks": 5}, {"res_scale": 0.1}, ""),
    "BasicSR's EDSR": (
        *("basicsr:EDSR", 2, {"num_in_ch": 3, "num_out_ch": 3, "num_feat": 12, "num_block": 3}, {}),
        "is basicsr:EDSR x2, but no tensor tells its res_scale",
    ),
    "BasicSR's EDSR, stated": (
        *("basicsr:EDSR", 3, {"num_in_ch": 3, "num_out_ch": 3, "num_feat": 12, "num_block": 3}),
        *({"res_scale": 0.1}, ""),
    ),
    "Compact": ("compact", 3, {"width": 10, "convolutions": 3, "activation": "prelu"}, {}, ""),
    "Compact without slopes": (
        *("compact", 2, {"width": 10, "convolutions": 3, "activation": "relu"}, {}),
        "is compact x2, but no tensor tells its activation: say --params activation=relu or "
        "--params activation=leakyrelu (params in an entry)",
    ),
    "Compact, stated": ("compact", 4, {"width": 12, "convolutions": 5}, {"activation": "leakyrelu"}, ""),
    "another activation than the tensors'": (
        *("compact", 2, {"width": 10, "convolutions": 3, "activation": "relu"}, {"activation": "prelu"}),
        "is compact x2, but with params activation=prelu: 4 of 14 tensors missing ('body.1.weight', ",
    ),
    "no such activation": (
        *("compact", 2, {"width": 10, "convolutions": 3, "activation": "relu"}, {"activation": "gelu"}),
        "but params: architecture 'compact': activation 'gelu': expected prelu, relu, leakyrelu",
    ),
    "no such argument": (
        *("pan", 4, {}, {"depth": 3}),
        "is pan x4, but params: architecture 'pan': PAN.__init__() got an unexpected keyword argument",
    ),
}


@pytest.mark.parametrize("kind", UNTOLD)
def test_what_no_tensor_tells_is_never_guessed_in_silence(kind: str, tmp_path: Path) -> None:
    name, scale, arguments, stated, wanted = UNTOLD[kind]
    torch.manual_seed(0)
    network = archs.build(name, scale, **{**arguments, **stated} if not wanted else arguments)
    path = tmp_path / "net.pth"
    torch.save(network.state_dict(), path)
    if wanted.startswith(("is ", "but ")):
        assert wanted in refusal(lambda: detection.identify(path, params=stated))
        return
    found = detection.identify(path, params=stated)
    assert (found.architecture, found.scales, found.note) == (name, (scale,), wanted)
    peak = 255 if name == "edsr" else 1
    sr = upscale(own(path, params=stated), scale)
    assert np.abs(sr.astype(int) - by_torch(network, peak=peak)).max() <= 1


def test_edsr_is_the_same_in_both_names_and_on_either_range() -> None:
    """BasicSR's class is the other implementation; weights for [0, 1] have a mean colour below 1."""
    torch.manual_seed(0)
    theirs = archs.build("basicsr:EDSR", 4, num_in_ch=3, num_out_ch=3, num_feat=8, num_block=2, res_scale=0.1)
    ours = archs.build("edsr", 4, width=8, blocks=2, res_scale=0.1)
    names = {
        "conv_first": "head.0", "conv1": "body.0", "conv2": "body.2", "conv_after_body": "body.2",
        "upsample.0": "tail.0.0", "upsample.2": "tail.0.2", "conv_last": "tail.1",
    }  # fmt: skip
    state = ours.state_dict()
    for name, tensor in theirs.state_dict().items():
        layer, _, kind = name.rpartition(".")
        block, _, last = layer.rpartition(".")
        state[f"{names[layer]}.{kind}" if layer in names else f"{block}.{names[last]}.{kind}"] = tensor
    ours.load_state_dict(state)
    expected = by_torch(theirs)
    assert np.abs(by_torch(ours, peak=255).astype(int) - expected).max() <= 1
    with torch.no_grad():  # the same network, as it would have been trained on [0, 1]
        for layer in (ours.sub_mean, ours.add_mean):
            layer.bias /= 255
        for layer in ours.modules():
            if isinstance(layer, nn.Conv2d) and layer not in (ours.sub_mean, ours.add_mean):
                layer.bias /= 255
    assert np.abs(by_torch(ours, peak=255).astype(int) - expected).max() <= 1


def test_params_on_the_command_line(tmp_path: Path) -> None:
    torch.save(
        archs.build("compact", 2, width=4, convolutions=1, activation="relu").state_dict(), tmp_path / "n.pth"
    )
    write_png(tmp_path / "lr" / "one.png", IMAGE)
    model = ("upscale", "-m", tmp_path / "n.pth", tmp_path / "lr", tmp_path / "sr")
    code, output = run(*model)
    assert (code, output.count("\n")) == (1, 1)
    assert "say --params activation=relu" in output
    code, output = run(*model, "--params", "activation=leakyrelu")
    assert code == 0, output
    assert output.startswith("n.pth: compact x2, RGB, white is 1\n")
    torch.jit.save(torch.jit.script(Small()), tmp_path / "n.pth")
    code, output = run(*model, "--params", "activation=relu")
    assert "n.pth: params 'activation': its network is in the file and takes none" in output


def test_pan_does_not_tell_x2_from_x3(tmp_path: Path) -> None:
    torch.save(archs.build("pan", 3).state_dict(), tmp_path / "net.pth")
    assert detection.identify(tmp_path / "net.pth").scales == (2, 3)


@pytest.mark.parametrize(
    ("name", "scale", "arguments"),
    [
        ("smfanet", 3, {"width": 20, "blocks": 3, "expansion": 1.5}),
        ("plainusr", 2, {"widths": [80, 64, 48], "convolutions": 3, "narrow": 16}),
        ("plainusr", 3, {"widths": [20, 16, 12, 8], "convolutions": 2, "narrow": 5}),
        ("plainusr", 4, {"widths": [32, 16], "convolutions": 2, "light": True}),
        ("span", 4, {"width": 26, "blocks": 4}),
        ("spanf", 2, {"width": 40, "blocks": 7}),
        ("disp", 3, {"width": 24, "blocks": 5, "further": 2}),
        ("bsrn", 3, {"width": 32, "blocks": 3, "copies": 2, "narrow": 6, "small": False}),
        ("bsrn", 4, {"width": 12, "blocks": 4, "copies": 4, "narrow": 3, "small": True}),
        ("lkdn", 2, {"width": 14, "blocks": 3, "copies": 1}),
        ("vapsr", 3, {"width": 12, "inner": 16, "blocks": 4, "groups": 1, "middle": 20}),
        ("vapsr", 4, {"width": 12, "inner": 10, "blocks": 2, "groups": 3, "middle": 16}),
    ],
)
def test_widths_and_depths_are_read_from_the_file(
    name: str, scale: int, arguments: dict[str, Any], tmp_path: Path
) -> None:
    torch.save({"params": archs.build(name, scale, **arguments).state_dict()}, tmp_path / "net.pth")
    found = detection.identify(tmp_path / "net.pth")
    assert (found.architecture, found.scales, found.range) == (name, (scale,), "0-1")
    assert found.params["args"] == arguments


def test_span_as_it_is_trained_is_the_same_network(tmp_path: Path) -> None:
    """spandrel runs the branches, this project what they merge into: the same pixels in any width."""
    prepare_torchvision()
    from spandrel.architectures.SPAN import SPAN

    torch.manual_seed(0)
    trained = SPAN(num_in_ch=3, num_out_ch=3, feature_channels=28, upscale=2).eval()
    expected = by_torch(trained)  # merges the branches
    state = trained.state_dict()
    torch.save(state, tmp_path / "trained.pth")
    merged = {name: v for name, v in state.items() if ".sk." not in name and ".conv." not in name}
    torch.save(merged, tmp_path / "merged.pth")
    assert detection.identify(tmp_path / "trained.pth").architecture == "SPAN"
    assert detection.identify(tmp_path / "merged.pth").architecture == "span"
    for name in ("trained", "merged"):
        assert np.abs(upscale(own(tmp_path / f"{name}.pth"), 2).astype(int) - expected).max() <= 1


def test_one_network_for_all_scales_asks_for_the_scale(tmp_path: Path) -> None:
    path = tmp_path / "vdsr.pth"
    torch.save(archs.build("vdsr", 2).state_dict(), path)
    assert "fits x2, x3, x4, x8: say which (--scale)" in refusal(lambda: detection.scale_of(own(path)))
    assert upscale(own(path), 3).shape == (51, 66, 3)
    assert upscale(own(path), 5).shape == (85, 110, 3)


def test_onnx(tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def graph(channels: int, size: tuple[Any, Any], factor: int = 2) -> Path:
        """Nearest-neighbour enlargement by DepthToSpace of repeated channels."""
        weights = np.zeros((channels * factor**2, channels, 1, 1), np.float32)
        for out in range(len(weights)):
            weights[out, out % channels] = 1  # DCR order: the channel varies fastest
        nodes = [
            helper.make_node("Conv", ["lr", "w"], ["many"]),
            helper.make_node("DepthToSpace", ["many"], ["sr"], blocksize=factor),
        ]
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in (("lr", ["n", channels, *size]), ("sr", ["n", channels, "H", "W"]))
        ]
        whole = helper.make_graph(nodes, "g", ends[:1], ends[1:], [numpy_helper.from_array(weights, "w")])
        made = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        path = tmp_path / f"net{channels}{size[0]}.onnx"
        onnx.save(made, path)
        return path

    nearest = IMAGE.repeat(2, 0).repeat(2, 1)
    path = graph(3, ("h", "w"))
    assert detection.scale_of(own(path)) == 2
    assert np.array_equal(upscale(own(path), 2), nearest)
    assert np.array_equal(upscale(own(path, input_range="0-255"), 2), nearest)
    luma = graph(1, ("h", "w"))
    gray = IMAGE[..., 0]
    assert np.array_equal(upscale(own(luma), 2, gray), gray.repeat(2, 0).repeat(2, 1))
    fixed = graph(3, (17, 22))  # that of the image
    assert np.array_equal(upscale(own(fixed), 2), nearest)
    large = np.tile(IMAGE, (2, 3, 1))[:-5, :-9]
    assert np.array_equal(upscale(own(fixed), 2, large), large.repeat(2, 0).repeat(2, 1))
    assert "takes 22x17 only, not 17x22" in refusal(lambda: upscale(own(fixed), 2, IMAGE.swapaxes(0, 1)))
    (tmp_path / "bad.onnx").write_bytes(path.read_bytes()[:100])
    assert "onnxruntime cannot read it" in refusal(lambda: detection.identify(tmp_path / "bad.onnx"))


@pytest.mark.parametrize("channels", [1, 3])
def test_torchscript_also_when_it_poses_as_a_checkpoint(channels: int, tmp_path: Path) -> None:
    network = Small(3, channels)
    path = tmp_path / "net.pth"
    torch.jit.save(torch.jit.script(network), path)
    model = own(path)
    assert detection.scale_of(model) == 3
    sr = upscale(model, 3)
    assert sr.shape == (51, 66, 3)
    if channels == 3:
        assert np.array_equal(sr, by_torch(network))
    assert "TorchScript program" in refusal(lambda: weights.read_checkpoint(path))


def test_ncnn(tmp_path: Path) -> None:
    """Nearest-neighbour enlargement, written by hand: a graph and the bytes of no weights."""
    param = tmp_path / "net.param"
    lines = [
        "7767517",
        "3 3",
        "Input in 0 1 data",
        "Convolution conv 1 1 data same 0=3 1=1 6=9",
        "Interp up 1 1 same out 0=1 1=2.0 2=2.0",
    ]
    param.write_text("\n".join(lines) + "\n")
    assert "expected net.bin beside it" in refusal(lambda: detection.identify(param))
    identity = np.eye(3, dtype=np.float32)
    param.with_suffix(".bin").write_bytes(struct.pack("<I", 0) + identity.tobytes())
    found = detection.identify(param)
    assert (found.engine, found.scales, found.channels) == ("ncnn", (2,), 3)
    assert found.params == {"input": "data", "output": "out"}
    assert np.array_equal(upscale(own(param), 2), IMAGE.repeat(2, 0).repeat(2, 1))
    param.write_text("7767517\n1 1\nConvolution a\n")
    assert "not an ncnn graph" in refusal(lambda: detection.identify(param))


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("file", "name", "scale"),
    [
        ("Saafke/FSRCNN_Tensorflow/*/models/FSRCNN_x3.pb", "fsrcnn", 3),
        ("Saafke/FSRCNN_Tensorflow/*/models/FSRCNN-small_x2.pb", "fsrcnn", 2),
        ("fannymonori/TF-ESPCN/*/export/ESPCN_x4.pb", "espcn", 4),
        ("fannymonori/TF-LapSRN/*/export/LapSRN_x2.pb", "lapsrn", 2),
        ("fannymonori/TF-LapSRN/*/export/LapSRN_x8.pb", "lapsrn", 8),
    ],
)
def test_opencv_graphs(file: str, name: str, scale: int, mirror: Path) -> None:
    (path,) = (mirror / "raw.githubusercontent.com").glob(file)
    found = detection.identify(path)
    assert (found.engine, found.params, found.scales, found.channels) == (
        "opencv",
        {"name": name},
        (scale,),
        1,
    )
    assert upscale(own(path), scale, IMAGE).shape == (17 * scale, 22 * scale, 3)


def test_a_python_class_with_and_without_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "import torch\nfrom torch import nn\n\n\nclass Net(nn.Module):\n" + "".join(
        f"    {line}\n"
        for line in (
            "def __init__(self, scale, width=4):",
            "    super().__init__()",
            "    torch.manual_seed(1)",
            "    self.body = nn.Conv2d(3, 3 * scale**2, width - 1, padding=1)",
            "    self.up = nn.PixelShuffle(scale)",
            "def forward(self, x):",
            "    return self.up(self.body(x))",
        )
    )
    (tmp_path / "my_networks.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    entry = {"label": "Mine", "python": "my_networks:Net"}
    plain = model_entries.parse("mine", entry)
    assert plain.own_files(2) == [Path("my_networks.py")]
    assert upscale(plain, 4).shape == (68, 88, 3)
    monkeypatch.syspath_prepend(tmp_path)
    from my_networks import Net  # type: ignore[import-not-found]

    torch.manual_seed(5)
    network = Net(2)
    nn.init.normal_(network.body.weight, std=0.1)
    torch.save(network.state_dict(), "w.pth")
    weighted = model_entries.parse("mine", {**entry, "path": "w.pth"})
    assert np.array_equal(upscale(weighted, 2), by_torch(network))
    assert "'body.weight' is (12, 3, 3, 3)" in refusal(lambda: upscale(weighted, 4))
    for name, said in (("my_networks:Nett", "Nett"), ("nowhere_at_all:Net", "nowhere_at_all")):
        assert said in refusal(
            lambda name=name: upscale(model_entries.parse("m", {**entry, "python": name}), 2)
        )


# --- what is refused -------------------------------------------------------------------------------------


class Hostile:
    """Unpickled, it would leave a file behind."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.trace}",)


@pytest.mark.parametrize("kind", ["zip", "pickle", "in the state dict", "bare pickle", "tar", "torchscript"])
def test_a_hostile_file_is_refused_by_name_and_nothing_runs(kind: str, tmp_path: Path) -> None:
    path, trace = tmp_path / "evil.pth", tmp_path / "it-ran"
    hostile = Hostile(trace)
    wanted = "refused: the pickle asks for posix.system"
    if kind in ("zip", "pickle"):
        content = {"params": Small().state_dict(), "optimizer": hostile}
        torch.save(content, path, _use_new_zipfile_serialization=kind == "zip")
    elif kind == "in the state dict":
        torch.save({**Small().state_dict(), "last.bias": hostile}, path)
    elif kind == "bare pickle":
        path.write_bytes(pickle.dumps(hostile, 2))
        wanted = "posix.system"
    elif kind == "tar":
        with tarfile.open(path, "w") as archive:
            for name in ("sys_info", "pickle", "storages", "tensors"):
                data = pickle.dumps(hostile)
                member = tarfile.TarInfo(name)
                member.size = len(data)
                archive.addfile(member, io.BytesIO(data))
        wanted = "torch's tar form"
    else:  # what torch writes, with another pickle inside
        torch.jit.save(torch.jit.script(Small()), tmp_path / "good.pt")
        with zipfile.ZipFile(tmp_path / "good.pt") as good, zipfile.ZipFile(path, "w") as bad:
            for item in good.infolist():
                forged = pickle.dumps(hostile, 2) if item.filename.endswith("data.pkl") else good.read(item)
                bad.writestr(item.filename, forged)
        wanted = "not a readable TorchScript program"
    line = refusal(lambda: detection.identify(path))
    assert line.startswith(str(path))
    assert wanted in line
    assert not trace.exists()


def test_a_torchscript_program_that_reaches_for_files_is_refused(tmp_path: Path) -> None:
    class Writes(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + torch.from_file("/tmp/never-written", True, 1)

    path = tmp_path / "evil.pt"
    torch.jit.save(torch.jit.script(Writes()), path)
    assert "refused: the TorchScript program uses from_file" in refusal(lambda: detection.identify(path))


def forged(path: Path, line: str, trace: Path, *, member: str = "code/", twice: bool = False) -> None:
    """A TorchScript archive whose source has one more line; the program runs, and did before the change."""
    torch.jit.save(torch.jit.script(Small()), path.with_suffix(".good"))
    with zipfile.ZipFile(path.with_suffix(".good")) as good, zipfile.ZipFile(path, "w") as bad:
        for item in good.infolist():
            name, content = item.filename, good.read(item)
            source = content.decode() if name.endswith(".py") else ""
            if "def forward(self" in source and "Small" in source:
                at = source.index("    ", source.index(") -> Tensor:"))
                content = (source[:at] + f"    _0 = {line}\n" + source[at:]).encode()
                bad.writestr(zipfile.ZipInfo(name.replace("code/", member)), content)
                if twice:
                    with pytest.warns(UserWarning, match="Duplicate name"):
                        bad.writestr(zipfile.ZipInfo(name), source)
            else:
                bad.writestr(zipfile.ZipInfo(name), content)


@pytest.mark.parametrize(
    ("how", "refused"),
    [
        ({"line": 'torch.save(x, "TRACE")'}, "uses save"),
        ({"line": 'torch . save(x, "TRACE")'}, "uses save"),
        ({"line": 'ops.aten.save(x, "TRACE")'}, "uses save"),
        ({"line": 'torch.save(x, "TRACE")', "member": "Code/"}, "uses save"),
        ({"line": 'torch.save(x, "TRACE")', "twice": True}, "two members"),
        ({"line": 'ops.image.write_file("TRACE", x)'}, "uses ops.image"),
        ({"line": "ops . image.read_file(x)"}, "uses ops . image"),
    ],
    ids=lambda value: (
        str(value.get("line", "")) + str(value.get("member", "")) if isinstance(value, dict) else ""
    ),
)
def test_a_torchscript_program_in_disguise_is_refused(how: Any, refused: str, tmp_path: Path) -> None:
    """torch takes blanks between the words, any case in names of members, and the first of two of a name."""
    path, trace = tmp_path / "evil.pt", tmp_path / "it-ran"
    forged(path, trace=trace, **{**how, "line": how["line"].replace("TRACE", str(trace))})
    if "image" not in refused:  # what the check is there for: torch itself runs it
        torch.jit.load(str(path))(torch.zeros(1, 3, 4, 4))
        assert trace.exists()
        trace.unlink()
    line = refusal(lambda: detection.identify(path))
    assert line.startswith(f"{path}: refused: ")
    assert refused in line
    assert not trace.exists()


def test_a_harmless_forgery_is_loaded(tmp_path: Path) -> None:
    forged(tmp_path / "good.pt", "torch.add(x, x)", tmp_path)
    assert detection.identify(tmp_path / "good.pt").scales == (2,)


def test_values_of_an_onnx_graph_in_another_file(tmp_path: Path) -> None:
    """The file that torch exports beside the graph is an input of the job; any other is refused."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.eye(3, dtype=np.float32).repeat(4, 0)[..., None, None], "w")
    nodes = [
        helper.make_node("Conv", ["lr", "w"], ["many"]),
        helper.make_node("DepthToSpace", ["many"], ["sr"], blocksize=2, mode="CRD"),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, f"{name}h", f"{name}w"])
        for name in ("lr", "sr")
    ]
    for name, values in (("torch.onnx", "torch.onnx.data"), ("other.onnx", "values.bin")):
        whole = helper.make_graph(nodes, "g", ends[:1], ends[1:], [weights])
        made = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(made, tmp_path / name, save_as_external_data=True, location=values, size_threshold=0)
        assert (tmp_path / values).stat().st_size == 144
    model = own(tmp_path / "torch.onnx")
    assert model.own_files(2) == [tmp_path / "torch.onnx", tmp_path / "torch.onnx.data"]
    assert np.array_equal(upscale(model, 2), IMAGE.repeat(2, 0).repeat(2, 1))
    line = refusal(lambda: detection.identify(tmp_path / "other.onnx"))
    assert "another file than other.onnx.data" in line


def test_weights_from_before_torch_counted_batches(tmp_path: Path) -> None:
    """SRGAN's published weights, for one, have no ``num_batches_tracked``."""
    state = {k: v for k, v in archs.build("srgan", 4).state_dict().items() if "num_batches" not in k}
    torch.save(state, tmp_path / "old.pth")
    found = detection.identify(tmp_path / "old.pth")
    assert (found.architecture, found.scales, found.channels) == ("srgan", (4,), 3)
    assert upscale(own(tmp_path / "old.pth"), 4, IMAGE[:8, :9]).shape == (32, 36, 3)


def test_bombs_are_refused(tmp_path: Path) -> None:
    header = tmp_path / "bomb.safetensors"
    header.write_bytes(struct.pack("<Q", 2**40) + b'{"a":')
    assert str(header) in refusal(lambda: detection.identify(header))
    claims = json.dumps({"a": {"dtype": "F32", "shape": [10**9], "data_offsets": [0, 4 * 10**9]}}).encode()
    header.write_bytes(struct.pack("<Q", len(claims)) + claims)
    assert str(header) in refusal(lambda: detection.identify(header))
    unpacks = tmp_path / "bomb.pth"
    with zipfile.ZipFile(unpacks, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data.pkl", bytes(10**7))
    assert "that unpacks to 10000000" in refusal(lambda: detection.identify(unpacks))
    torch.save({"a": torch.zeros(1).expand(10**6, 10**6)}, tmp_path / "wide.pth")
    line = refusal(lambda: detection.identify(tmp_path / "wide.pth"))
    assert "tensor 'a' is larger than the file" in line


@pytest.mark.parametrize("form", ["pth", "old.pth", "safetensors", "pt"])
def test_a_truncated_file(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"net.{form}"
    state = archs.build("espcn", 2).state_dict()
    if form == "safetensors":
        save_file(state, path)
    elif form == "pt":
        torch.jit.save(torch.jit.script(Small()), path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "pth")
    whole = path.read_bytes()
    for part in (0, 3, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:part])
        line = refusal(lambda: detection.identify(path))
        assert line.startswith(str(path))


def without(state: State, *names: str) -> State:
    return {name: tensor for name, tensor in state.items() if name not in names}


def spoilt_spandrel() -> State:
    return {**without(spandrel_network("SAFMN").state_dict(), "to_feat.bias"), "to_feat.extra": torch.ones(1)}


ZERO = torch.zeros(1)
#: What a file holds, and what it is said to be near to.
NEAR: dict[str, tuple[Callable[[], Any], str]] = {
    "missing": (
        lambda: without(archs.build("imdn", 4).state_dict(), "LR_conv.bias"),
        "91 tensors, first conv 3->64 3x3, last conv 64->48 3x3: no known architecture; "
        "nearest imdn x4: 1 of 92 tensors missing ('LR_conv.bias')",
    ),
    "left over": (
        lambda: {**archs.build("imdn", 2).state_dict(), **{f"more.{n}": ZERO for n in range(5)}},
        "nearest imdn x2: 5 of 97 left over ('more.0', 'more.1', 'more.2' and 2 more)",
    ),
    "another shape": (
        lambda: {**archs.build("imdn", 4).state_dict(), "fea_conv.weight": torch.zeros(64, 1, 3, 3)},
        "nearest imdn x4: 1 of another shape ('fea_conv.weight' is (64, 1, 3, 3), expected (64, 3, 3, 3))",
    ),
    "all of them": (
        lambda: {**without(archs.build("imdn", 4).state_dict(), "c.0.bias"), "c.0.weight": ZERO, "d": ZERO},
        "nearest imdn x4: 1 of 92 tensors missing ('c.0.bias'), 1 of 92 left over ('d'), "
        "1 of another shape ('c.0.weight' is (1,), expected (64, 384, 1, 1))",
    ),
    "another width of a network of one width": (
        lambda: archs.build("imdn", 3, width=48).state_dict(),
        "nearest imdn x3: 91 of another shape ('fea_conv.weight' is (48, 3, 3, 3), expected (64, 3, 3, 3); "
        "'fea_conv.bias' is (48,), expected (64,); 'IMDB1.c1.weight' is (48, 48, 3, 3), expected "
        "(64, 64, 3, 3) and 88 more)",
    ),
    "a size of its own, nearly": (
        lambda: without(archs.build("rfdn", 4, width=24, blocks=7).state_dict(), "B3.c4.weight"),
        "nearest rfdn x4: 1 of 218 tensors missing ('B3.c4.weight')",
    ),
    "one of a library, nearly": (
        spoilt_spandrel,
        "nearest SAFMN of spandrel: 1 of 40 tensors missing ('to_feat.bias'), "
        "1 of 40 left over ('to_feat.extra')",
    ),
    "wrapped, beside a smaller one": (
        lambda: {
            "params": Small().state_dict(),
            "net_g": {"state": {**archs.build("imdn", 4).state_dict(), "z": torch.zeros(2)}},
        },
        "nearest imdn x4: 1 of 93 left over ('z')",
    ),
    "nothing near": (
        lambda: Small(4).state_dict(),
        "4 tensors, first conv 3->8 3x3, last conv 8->48 3x3: no known architecture; nothing near among ",
    ),
}


@pytest.mark.parametrize("kind", NEAR)
def test_an_unknown_network_is_told_what_it_is_near_to_and_what_to_type(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "its net.pth"
    content, wanted = NEAR[kind]
    torch.save(content(), path)
    line = refusal(lambda: detection.identify(path))
    assert wanted in line
    command = f"sisr upscale --model '{path}' --class file.py:Class [--params NAME=VALUE]"
    assert line.endswith(f"; it runs with the file of its class: {command}")
    if kind == "nothing near":
        assert "imdn" in line
        assert "OmniSR" in line


def test_wrong_scale(tmp_path: Path) -> None:
    path = tmp_path / "x4.pth"
    torch.save(archs.build("imdn", 4).state_dict(), path)
    with pytest.raises(ModelSkipped, match="Mine is imdn x4, not x2"):
        upscale(own(path), 2)
    with pytest.raises(ModelError, match=r"x4\.pth: is imdn x4, stated as x2"):
        upscale(own({2: path}), 2)
    with pytest.raises(ModelSkipped, match="for x2 only, not for x4"):
        upscale(own({2: path}), 4)


def test_wrong_channels(tmp_path: Path) -> None:
    path = tmp_path / "net.pt"
    torch.jit.save(torch.jit.script(Small(2, 3, out=1)), path)
    assert "takes 3 channels and gives 1" in refusal(lambda: detection.identify(path))
    torch.jit.save(torch.jit.script(Small(2, 3)), path)
    line = refusal(lambda: upscale(own(path, colour="y"), 2))
    assert "takes 3 channels, which is colour rgb; the entry states y" in line
    torch.jit.save(torch.jit.script(nn.Conv2d(3, 3, 3, padding=1)), path)
    assert "image of the input's size" in refusal(lambda: detection.identify(path))


def test_files_that_are_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_text("hello, I am not a network\n")
    (tmp_path / "a.pb").write_text("hello, I am not a network\n")
    (tmp_path / "tensor.pth").mkdir()
    torch.save(torch.ones(3), tmp_path / "one.pth")
    said = {"a.pth": "not a checkpoint", "a.pb": "not a TensorFlow graph", "gone.pth": "no such file"}
    said |= {"tensor.pth": "is a folder", "one.pth": "holds one tensor"}
    for name, words in said.items():
        line = refusal(lambda name=name: detection.identify(tmp_path / name))
        assert line.startswith(str(tmp_path / name))
        assert words in line


def test_command_line_errors(tmp_path: Path) -> None:
    write_png(tmp_path / "lr.png", IMAGE)
    for arguments, words in (
        (("-m", tmp_path / "gone.pth"), "no such file"),
        (("-m", "imdn"), "IMDN has x2, x4: say which with --scale"),
        (("-m", "bicubic", "-s", 2, "--modify", "self-ensembel"), "did you mean 'self-ensemble'"),
        (("-m", "bicubic", "-s", 2, "--input-range", "0-255"), "in the registry, which states it"),
    ):
        code, output = run("upscale", *arguments, tmp_path / "lr.png", tmp_path / "sr")
        assert (code, output.count("\n")) == (1, 1), output
        assert words in output


def test_modifiers_of_ones_own_network(tmp_path: Path) -> None:
    """Two links of a x2 network are x4, and the file alone says that the network is x2."""
    path = tmp_path / "net.pt"
    network = Small(2)
    torch.jit.save(torch.jit.script(network), path)
    chained = model_entries.named(str(path), ["chain"])
    assert np.array_equal(upscale(chained, 4), by_torch(network, by_torch(network)))
    with pytest.raises(ModelSkipped, match="no chain of x2 makes x6"):
        upscale(chained, 6)
    write_png(tmp_path / "lr.png", IMAGE)
    arguments = ("-m", path, "--modify", "self-ensemble", tmp_path / "lr.png", tmp_path / "sr")
    code, output = run("upscale", *arguments)
    assert code == 0, output
    with torch.inference_mode():
        planes = torch.from_numpy(IMAGE.transpose(2, 0, 1).astype(np.float32))[None] / 255
        total = torch.zeros(1, 3, 34, 44)
        for turns in range(4):
            for axes in ([], [3]):
                there = torch.flip(torch.rot90(planes, turns, (2, 3)), axes)
                total += torch.rot90(torch.flip(network(there), axes), -turns, (2, 3))
    expected = np.rint(np.clip(255 * total[0].numpy().transpose(1, 2, 0) / 8, 0, 255))
    assert np.abs(read_image(tmp_path / "sr" / "lr.png").array - expected).max() <= 1
