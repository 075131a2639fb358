from __future__ import annotations

import io
import os
import pickle
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sisr.base import registry
from sisr.base.colour import Uint8Image, replicate
from sisr.base.errors import ConfigError, ModelError, ScoreError
from sisr.scoring.metrics import parse_measure
from sisr.scoring.metrics.files import files_of, require
from sisr.scoring.metrics.lpips_backbone import read_arrays, read_backbone

Pairs = Callable[..., tuple[Uint8Image, Uint8Image]]

torch = pytest.importorskip("torch")
perceptual = pytest.importorskip("sisr.scoring.metrics.perceptual")


@pytest.fixture(scope="module")
def scorers(lpips_backbones: dict[str, Path]) -> Callable[[str], perceptual.LpipsScorer]:
    made: dict[str, perceptual.LpipsScorer] = {}

    def scorer(net: str) -> perceptual.LpipsScorer:
        return made.setdefault(net, perceptual.LpipsScorer(net, lpips_backbones[net]))

    return scorer


# --- values ---------------------------------------------------------------------------------------------


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("net", "image", "expected"),
    [
        # The reference implementation, release 0.1, on its own images: imgs/ex_ref.png against ex_p0.png and
        # ex_p1.png of richzhang/PerceptualSimilarity at 082bb24.
        ("alex", "p0", 0.7219),
        ("alex", "p1", 0.1376),
        ("vgg", "p0", 0.5686),
        ("vgg", "p1", 0.4217),
    ],
)
def test_reference_images(
    scorers: Callable[[str], perceptual.LpipsScorer],
    lpips_images: dict[str, Uint8Image],
    net: str,
    image: str,
    expected: float,
) -> None:
    assert scorers(net)(lpips_images["ref"], lpips_images[image]) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_equals_the_reference_package(
    scorers: Callable[[str], perceptual.LpipsScorer], lpips_backbones: dict[str, Path], pair: Pairs, net: str
) -> None:
    """lpips.LPIPS 0.1.4 with the same backbone; pnet_rand=True keeps it from downloading one."""
    _assert_equals_package(scorers(net), lpips_backbones[net], pair)


@pytest.mark.mirror
def test_squeeze_equals_the_reference_package(squeeze_backbone: Path, pair: Pairs) -> None:
    scorer = perceptual.LpipsScorer("squeeze", squeeze_backbone)
    _assert_equals_package(scorer, squeeze_backbone, pair)


def _assert_equals_package(scorer: perceptual.LpipsScorer, backbone: Path, pair: Pairs) -> None:
    from sisr.models import compat

    compat.prepare_torchvision()
    lpips = pytest.importorskip("lpips")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torchvision's deprecation of pretrained=False
        model = lpips.LPIPS(net=scorer.net, pnet_rand=True, verbose=False)
    # Both lay out the convolutions in forward order.
    keys = list(model.net.state_dict())
    arrays = read_backbone(scorer.net, backbone)
    model.net.load_state_dict(
        {k: torch.from_numpy(a) for k, a in zip(keys, arrays, strict=True)}, strict=True
    )
    hr, sr = pair(75, 64)
    tensors = [torch.tensor(i).permute(2, 0, 1)[None].float() / 127.5 - 1 for i in (hr, sr)]
    with torch.inference_mode():
        expected = float(model(*tensors))
        # The package on a batch: one pair at a time gives the same.
        batch = model(*(torch.cat([tensor, tensor.flip(2), tensor.flip(3)]) for tensor in tensors)).flatten()
    assert scorer(hr, sr) == pytest.approx(expected, abs=1e-6)
    for value, flip in zip(batch.tolist(), (np.asarray, np.flipud, np.fliplr), strict=True):
        flipped = (np.ascontiguousarray(flip(image)) for image in (hr, sr))
        assert scorer(*flipped) == pytest.approx(value, abs=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_device_does_not_matter(lpips_backbones: dict[str, Path], pair: Pairs, net: str) -> None:
    images = pair(150, 133)
    values = [
        perceptual.LpipsScorer(net, lpips_backbones[net], device)(*images) for device in ("cpu", "cuda")
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-5)


def test_properties(scorers: Callable[[str], perceptual.LpipsScorer], pair: Pairs) -> None:
    scorer = scorers("alex")
    hr, sr = pair(64, 80)
    value = scorer(hr, sr)
    assert value > 0
    assert scorer(hr, hr) == 0
    assert scorer(sr, hr) == value
    assert scorer(hr, sr) == value
    assert 0 < scorer(*pair(64, 80, noise=3)) < value


def test_gray_counts_as_three_channels(scorers: Callable[[str], perceptual.LpipsScorer], pair: Pairs) -> None:
    scorer = scorers("alex")
    hr, sr = pair(64, 64, channels=None)
    assert scorer(hr, sr) == scorer(replicate(hr), replicate(sr)) == scorer(hr, replicate(sr))


@pytest.mark.parametrize("net", ["alex", "vgg"])
def test_smallest_size(scorers: Callable[[str], perceptual.LpipsScorer], pair: Pairs, net: str) -> None:
    side = perceptual.MINIMUM_SIZE[net]
    assert np.isfinite(scorers(net)(*pair(side, side)))
    with pytest.raises(ScoreError, match=rf"image of 40x{side - 1} is too small: LPIPS {net} needs {side}x"):
        scorers(net)(*pair(side - 1, 40))
    # the limit is the network's own
    network = torch.nn.Sequential(*(layer for stage in perceptual._STAGES[net]() for layer in stage))
    with pytest.raises(RuntimeError):
        network(torch.zeros(1, 3, side - 1, 64))


def test_sizes_must_agree(scorers: Callable[[str], perceptual.LpipsScorer], pair: Pairs) -> None:
    with pytest.raises(ScoreError, match="HR is 64x64, SR is 60x64"):
        scorers("alex")(pair(64, 64)[0], pair(64, 60)[1])


# --- backbones ------------------------------------------------------------------------------------------


def test_files_of_measures_are_those_of_the_registry() -> None:
    assets, metrics = registry.load("assets"), registry.load("metrics")
    measures = [f"{m}@{p}" for m, e in metrics.items() if "unavailable" not in e for p in e["protocols"]]
    names = {name for measure in measures for name in files_of(parse_measure(measure)).values()}
    assert len(names) >= 13
    for asset, _, file in (name.partition("/") for name in names):
        assert file in {entry["name"] for entry in assets[asset]["files"]}


def test_missing_file_is_one_line_with_its_asset() -> None:
    message = "measure 'lpips@vgg-v0.1': no file for its backbone: 'vgg16.ckpt' of asset 'lpips-backbones'"
    with pytest.raises(ConfigError, match=re.escape(message)):
        require(parse_measure("lpips@vgg-v0.1"), {"lpips-backbones/alexnet.ckpt": Path("a")})


class _Call:
    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., object], tuple[object, ...]]:
        return self.call


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_unpickler_runs_nothing(tmp_path: Path, protocol: int) -> None:
    victim = tmp_path / "run"
    path = tmp_path / "evil.ckpt"
    path.write_bytes(pickle.dumps({"AlexNet_0": _Call(os.system, f"touch {victim}")}, protocol))
    with pytest.raises(ModelError, match=rf"{re.escape(str(path))}: .*'{os.name}.system' is not allowed"):
        read_arrays(path)
    assert not victim.exists()


@pytest.mark.parametrize("function", [eval, np.load, subprocess.Popen, getattr, torch.load])
def test_unpickler_refuses_by_name(tmp_path: Path, function: Callable[..., object]) -> None:
    path = tmp_path / "evil.ckpt"
    path.write_bytes(pickle.dumps(_Call(function, "x")))
    name = getattr(function, "__qualname__", "")
    with pytest.raises(ModelError, match=rf"\.{name}' is not allowed"):
        read_arrays(path)


def test_unpickler_refuses_a_module_inside_numpy(tmp_path: Path) -> None:
    """Names are whole: a dotted name cannot walk from an allowed module to another one."""
    path = tmp_path / "evil.ckpt"
    path.write_bytes(b"\x80\x04\x8c\x05numpy\x8c\x0cndarray.dump\x93.")
    with pytest.raises(ModelError, match=r"'numpy\.ndarray\.dump' is not allowed"):
        read_arrays(path)


def test_arrays_of_either_numpy_are_read(tmp_path: Path) -> None:
    expected = np.arange(6, dtype=np.float32).reshape(2, 3)
    data = pickle.dumps({"a": expected}, protocol=3)  # the lowest that has bytes, and that of the asset
    for module in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
        path = tmp_path / "arrays.ckpt"
        path.write_bytes(re.sub(rb"numpy\._?core\.multiarray", module, data))
        assert np.array_equal(read_arrays(path)["a"], expected)


def test_broken_backbones_are_one_line(tmp_path: Path, lpips_backbones: dict[str, Path]) -> None:
    path = tmp_path / "alexnet.ckpt"

    def message() -> str:
        with pytest.raises(ModelError) as caught:
            perceptual.LpipsScorer("alex", path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert "cannot read the weights: No such file" in message()
    path.write_bytes(b"<html>not found</html>")
    assert "not a pickle of numpy arrays" in message()
    path.write_bytes(lpips_backbones["alex"].read_bytes()[:10_000])
    assert "not a pickle of numpy arrays" in message()

    layers = read_arrays(lpips_backbones["alex"])["AlexNet_0"]
    for change, expected in (
        ({"VGG16_0": layers}, "expected a mapping with key 'AlexNet_0', found keys VGG16_0"),
        ({"AlexNet_0": {"Conv_0": layers["Conv_0"]}}, "expected the 10 arrays of alex, found 2 arrays"),
        (
            {"AlexNet_0": {**layers, "Conv_4": layers["Conv_3"]}},
            "found (256, 384, 3, 3) for (256, 256, 3, 3)",
        ),
        ({"AlexNet_0": {"Dense_0": layers["Conv_0"]}}, "expected kernel and bias of Conv_0, found Dense_0"),
    ):
        path.write_bytes(pickle.dumps(change, protocol=4))
        assert expected in message()
    bad = {**layers["Conv_0"], "bias": np.full(64, np.nan, np.float32)}
    path.write_bytes(pickle.dumps({"AlexNet_0": {**layers, "Conv_0": bad}}, protocol=4))
    assert "expected finite float32 arrays" in message()


def test_torch_backbone_is_loaded_without_code(tmp_path: Path) -> None:
    path = tmp_path / "squeeze.pth"
    buffer = io.BytesIO()
    torch.save({"0.weight": _Call(os.system, f"touch {tmp_path / 'run'}")}, buffer)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(ModelError, match="not a torch state dict"):
        read_backbone("squeeze", path)
    assert not (tmp_path / "run").exists()


def test_unknown_net(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="unknown LPIPS net 'alexnet'; did you mean 'alex'"):
        read_backbone("alexnet", tmp_path / "x")


def test_scoring_without_lpips_needs_no_torch() -> None:
    code = "import sys, sisr.scoring.score; assert not {'torch', 'pandas', 'lpips'} & set(sys.modules)"
    scripts = str(registry.ROOT / "scripts")
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": scripts})


def test_lpips_needs_no_torchvision_and_prints_nothing(lpips_backbones: dict[str, Path]) -> None:
    code = (
        "import sys; from pathlib import Path; from sisr.scoring.metrics.perceptual import LpipsScorer; "
        "import torch; n = torch.get_num_threads(); s = torch.get_rng_state(); "
        f"LpipsScorer('alex', Path({str(lpips_backbones['alex'])!r})); "
        "assert not {'torchvision', 'lpips'} & set(sys.modules); "
        "assert torch.get_num_threads() == n and torch.equal(torch.get_rng_state(), s)"
    )
    environment = {**os.environ, "PYTHONPATH": str(registry.ROOT / "scripts")}
    done = subprocess.run([sys.executable, "-c", code], check=True, env=environment, capture_output=True)
    assert done.stdout == done.stderr == b""
