"""Classes as their authors publish them: a file, its weights, and one line where something is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from sisr.base.images import read_image, write_png
from sisr.cli import app
from sisr.models import class_files, model_entries
from torch import nn
from typer.testing import CliRunner

HEAD = "import torch\nfrom torch import nn\n"
#: A network of two layers in each file, which differs in what surrounds them.
BODY = """
        super().__init__()
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.tail = nn.Conv2d(width, 3 * SCALE**2, 3, padding=1)
        self.up = nn.PixelShuffle(SCALE)
"""
FORWARD = """
    def forward(self, x):
        return self.up(self.tail(self.head(x)))
"""


def source(arguments: str = "width=4, scale=2", more: str = "", head: str = "", scale: str = "scale") -> str:
    signature = f"\nclass Net(nn.Module):\n    def __init__(self, {arguments}):"
    extra = "".join(f"        {line}\n" for line in more.splitlines())
    return HEAD + head + signature + BODY.replace("SCALE", scale) + extra + FORWARD


#: Style -> files, and arguments of the command line.
STYLES: Mapping[str, tuple[Mapping[str, str], tuple[str, ...]]] = {
    "relative imports": (
        {
            "models/__init__.py": "raise RuntimeError('imports all networks that there are')\n",
            "models/layers/__init__.py": "from .tails import Tail\n",
            "models/layers/tails.py": HEAD + "Tail = nn.Conv2d\n",
            "models/block.py": HEAD + "from ..tools.shapes import side\nHead = nn.Conv2d\n",
            "tools/shapes.py": "side = 3\n",
            "models/archs/net.py": source(
                head="from ..block import Head, side\nfrom models.layers import Tail\nfrom . import ends\n",
                more="self.head = Head(3, width, side, padding=1)\n"
                "self.tail = Tail(width, 12, side, padding=1)\nself.up = ends.shuffle(scale)",
            ),
            "models/archs/ends.py": "import shared\nshuffle = shared.nn.PixelShuffle\n",
            "shared.py": HEAD,
        },
        (),
    ),
    "cuda in the constructor": (
        {
            "net.py": source(
                "upscale, width=4",
                "self.mean = torch.full((1, 3, 1, 1), 0.5).cuda()\n"
                "self.ones = torch.ones(2, device='cuda:0')\n"
                "self.head.to('cuda'); self.tail.to(torch.device('cuda')); self.to(0); self.cuda()\n"
                "torch.cuda.set_device(0); torch.cuda.synchronize()\n"
                "torch.cuda.Event(enable_timing=True).record()\n"
                "with torch.cuda.device(torch.cuda.current_device()):\n"
                "    self.eye = torch.eye(3).type(torch.cuda.FloatTensor).to(torch.cuda.current_device())",
                scale="upscale",
            ).replace("x)))", "x.cuda() - self.mean + self.mean)))"),
        },
        (),
    ),
    "operators of torchvision": (
        {
            "net.py": source(
                "width=4, sr_rate=4",
                "from torchvision.ops import Permute\n"
                "self.up = nn.Sequential(self.up, Permute([0, 1, 2, 3]))",
                head="from torchvision.ops import DeformConv2d, StochasticDepth\n",
                scale="sr_rate",
            )
        },
        (),
    ),
    "einops": (
        {
            "net.py": source(
                "width=4, upscaling_factor=2", "self.up = Up()", scale="upscaling_factor"
            ).replace(
                "class Net",
                "from einops import rearrange\n\n\nclass Up(nn.Module):\n    def forward(self, x):\n"
                "        return rearrange(x, 'b (c h2 w2) h w -> b c (h h2) (w w2)', h2=2, w2=2)\n\n\n"
                "class Net",
            )
        },
        (),
    ),
    "no argument for the scale, a to() of its own": (
        {
            "net.py": source("width", scale="2").replace(
                "    def forward", "    def to(self, device):\n        return self\n\n    def forward"
            )
        },
        ("--params", "width=4"),
    ),
}
runner = CliRunner()


@pytest.fixture
def lr(tmp_path: Path) -> Path:
    """Two images."""
    rng = np.random.default_rng(0)
    for name, size in (("one", (9, 12, 3)), ("two", (10, 8, 3))):
        write_png(tmp_path / "lr" / f"{name}.png", rng.integers(0, 255, size, dtype=np.uint8))
    return tmp_path / "lr"


def write(root: Path, files: Mapping[str, str]) -> Path:
    """The files, and which of them has the class."""
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return next(root / name for name in files if name.endswith("net.py"))


def run(*arguments: object, code: int = 0) -> str:
    result = runner.invoke(app, ["upscale", "--device", "cpu", *map(str, arguments)])
    assert result.exit_code == code, result.output
    if code:
        assert (result.output.startswith("error: "), result.output.count("\n")) == (True, 1), result.output
    return result.output


class Plain(nn.Module):
    """What each of the classes computes."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, 4, 3, padding=1)
        self.tail = nn.Conv2d(4, 3 * scale**2, 3, padding=1)
        self.up = nn.PixelShuffle(scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.up(self.tail(self.head(x)))


@torch.inference_mode()
def by_torch(network: nn.Module, image: Path) -> np.ndarray:
    x = torch.tensor(read_image(image).array).permute(2, 0, 1)[None] / 255
    return np.rint((network(x)[0].permute(1, 2, 0) * 255).clip(0, 255).numpy()).astype(np.uint8)


@pytest.mark.parametrize("style", STYLES)
def test_a_file_as_authors_publish_it(style: str, tmp_path: Path, lr: Path) -> None:
    files, arguments = STYLES[style]
    file = write(tmp_path / "repository", files)
    scale = 4 if "torchvision" in style else 2
    network = Plain(scale)
    wrapped = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"epoch": 3, "params_ema": wrapped}, tmp_path / "net.pth")
    stated = ("--scale", 2) if "cuda" in style else ()
    said = run(
        "--model", tmp_path / "net.pth", "--class", f"{file}:Net", *arguments, *stated, lr, tmp_path / "sr"
    )
    weights = "weights 'params_ema/module.' (averaged over training)"
    assert said.splitlines()[0] == f"net.pth: a python network x{scale}, RGB, white is 1; {weights}"
    for image in lr.iterdir():
        sr = read_image(tmp_path / "sr" / image.name).array
        assert np.array_equal(sr, by_torch(network, image))
    without = run("--class", f"{file}:Net", *arguments, *stated, lr, tmp_path / "sr2")
    assert without.startswith(f"net.py:Net: a python network x{scale}")


MISTAKES = {
    "raises": (
        source(more="raise ValueError('width must be\\neven')"),
        (),
        "net.py, line 10: ValueError: even",
    ),
    "exits": (
        source(head="import sys\nsys.exit('run test.py')\n"),
        (),
        "net.py, line 4: SystemExit: run test.py",
    ),
    "interrupts": (source(more="raise KeyboardInterrupt"), (), "net.py, line 10: KeyboardInterrupt"),
    "recurses": (source(more="self.__init__(width, scale)"), (), "RecursionError: maximum recursion"),
    "does not parse": (HEAD + "def f(:\n", (), "net.py, line 3: SyntaxError: invalid syntax"),
    "ends its process": (
        source(more="import os\nos._exit(3)"),
        (),
        "its process ended itself (exit status 3)",
    ),
    "crashes": (
        source(more="import ctypes\nctypes.string_at(0)"),
        (),
        "its process was killed by SIGSEGV at FILE, line 11",
    ),
    "needs a package": (
        source(head="from no_such_thing.layers import X\n"),
        (),
        "net.py, line 3: needs the module 'no_such_thing', which is not installed: pip install no_such_thing",
    ),
    "needs its package": (
        source(head="from .block import X\n"),
        (),
        "net.py, line 3: imports block.py of its own package, which is not there: put it at FOLDER/block.py",
    ),
    "needs arguments": (
        source("width, depth, scale=2"),
        ("--params", "depth=3"),
        "net.py:Net: needs 'width', without a default: give --params width=VALUE (params in an entry)",
    ),
    "another argument": (
        source(),
        ("--params", "widht=3"),
        "unknown argument 'widht'; did you mean 'width'?",
    ),
    "another class": (
        source().replace("Net", "Nets"),
        (),
        "net.py: unknown class 'Net'; did you mean 'Nets'?",
    ),
    "no module": (HEAD + "Net = 3\n", (), "net.py: Net is not a torch.nn.Module"),
    "fails on images": (
        source().replace("self.head(x)", "self.head(x) + nothing"),
        (),
        "fails on (3, 16, 24): FILE, line 12: NameError: name 'nothing' is not defined",
    ),
    "fails on some images": (
        source().replace("return", "assert x.shape[-1] != 12, 'not this'\n        return"),
        (),
        "FILE, line 12: AssertionError: not this",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_its_place(mistake: str, tmp_path: Path, lr: Path) -> None:
    text, arguments, wanted = MISTAKES[mistake]
    file = write(tmp_path, {"net.py": text})
    shown = "some" in mistake  # what it was taken for comes first
    result = runner.invoke(
        app, ["upscale", "--device", "cpu", "--class", f"{file}:Net", *arguments, str(lr), "sr"]
    )
    lines = [line for line in result.output.splitlines() if line.strip() and "image/s" not in line]
    assert result.exit_code == 1
    assert len(lines) == 1 + shown, result.output
    assert wanted.replace("FILE", str(file)).replace("FOLDER", str(tmp_path)) in lines[-1]
    assert lines[-1].startswith("error: ")


def test_nothing_of_the_class_reaches_us(tmp_path: Path, lr: Path) -> None:
    """Not what it prints, and nothing that it changes."""
    head = (
        "import builtins, os, sys\nprint('printed'); os.write(2, b'printed')\n"
        "os.environ['SISR_TRACE'] = 'left'\n"
        "torch.set_default_dtype(torch.float64); torch.conv2d = None; torch.manual_seed = None\n"
        "sys.path.insert(0, '/nowhere'); os.chdir('/'); builtins.open = None\n"
    )
    file = write(tmp_path, {"net.py": source(head=head, more="print('printed')")})
    network = Plain(2)
    torch.save(network.state_dict(), tmp_path / "net.pth")
    before = (Path.cwd(), list(sys.path), torch.conv2d, torch.manual_seed, open, dict(os.environ))
    said = run("-m", tmp_path / "net.pth", "--class", f"{file}:Net", lr, tmp_path / "sr")
    assert "printed" not in said
    assert before == (Path.cwd(), sys.path, torch.conv2d, torch.manual_seed, open, dict(os.environ))
    assert torch.get_default_dtype() is torch.float32
    assert np.array_equal(read_image(tmp_path / "sr/one.png").array, by_torch(network, lr / "one.png"))


def test_weights_must_fit(tmp_path: Path, lr: Path) -> None:
    """All differences are counted; only what the class makes itself may be absent or left over."""
    more = (
        "self.norm = nn.BatchNorm2d(width)\nself.register_buffer('mean', torch.zeros(3))\n"
        "self.register_buffer('mask', torch.ones(3), persistent=False)"
    )
    file = write(tmp_path, {"net.py": source(more=more)})
    state = {**Plain(2).state_dict(), **{f"norm.{k}": v for k, v in nn.BatchNorm2d(4).state_dict().items()}}

    def tried(state: Mapping[str, torch.Tensor], *arguments: object, code: int = 0) -> str:
        torch.save(dict(state), tmp_path / "net.pth")
        model = ("-m", tmp_path / "net.pth", "--class", f"{file}:Net")
        return run(*model, *arguments, lr, tmp_path / "sr", code=code)

    partly = {k: v for k, v in state.items() if k != "norm.num_batches_tracked"} | {"mask": torch.zeros(3)}
    note = "not in the weights, made by the class: 'mean'; left over, made by the class: 'mask'"
    assert note in tried(partly)
    wrong = {k: v for k, v in state.items() if k not in ("head.bias", "norm.running_mean")}
    assert tried({**wrong, "extra.weight": torch.zeros(1)}, code=1).endswith(
        "net.pth: does not fit Net: 2 of 10 tensors missing ('head.bias', 'norm.running_mean'), "
        "1 of 8 left over ('extra.weight')\n"
    )
    said = tried(state, "--params", "width=5", code=1)
    first = "'head.weight' is (4, 3, 3, 3), expected (5, 3, 3, 3); 'head.bias' is (4,), expected (5,); "
    assert f"does not fit Net: 7 of another shape ({first}" in said


def test_what_counts_of_a_class(tmp_path: Path) -> None:
    """Its file and all that it imports of its package, and nothing that is installed."""
    files, _ = STYLES["relative imports"]
    file = write(tmp_path, files)
    (tmp_path / "models/other.py").write_text("")
    found = model_entries.parse("net", {"label": "Net", "python": f"{file}:Net"}).own_files(2)
    wanted = {tmp_path / name for name in files if name != "models/__init__.py"}
    assert set(found) == wanted
    assert class_files.read(tmp_path / "shared.py").files() == [tmp_path / "shared.py"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ((), "no model: name one"),
        (("--class", "net.py"), "class 'net.py': expected file.py:Class"),
        (("--class", "net.py:Net"), "net.py: no such file"),
        (("--class", "no_module_at_all:Net"), "needs the module 'no_module_at_all'"),
        (("--class", "net.py:Net", "-m", "bicubic"), "bicubic: no such file; with a class"),
        (("-m", "bicubic", "--params", "a=1"), "params: they are arguments of a class"),
        (("--class", "net.py:Net", "--params", "width"), "params: 'width': expected NAME=VALUE"),
    ],
)
def test_options(arguments: tuple[str, ...], wanted: str, lr: Path, tmp_path: Path) -> None:
    assert wanted in run(*arguments, lr, tmp_path / "sr", code=1)
