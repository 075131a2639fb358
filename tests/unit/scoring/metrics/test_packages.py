"""Metrics whose networks are of others, and which nothing else needs: ST-LPIPS, ColorVideoVDP, pyiqa's.

Packages that are not installed are stood in for by what of them is used; docs/protocols.md says what was
compared with the packages themselves.
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sisr.base import registry
from sisr.base.colour import Uint8Image
from sisr.base.errors import ConfigError, ModelError, ScoreError
from sisr.data import assets
from sisr.scoring.metrics import code
from sisr.scoring.metrics.files import files_of
from sisr.scoring.metrics.protocol import NetworkProtocol, parse_measure, protocol

torch = pytest.importorskip("torch")

OPTIONAL = [
    f"{name}@{key}"
    for name, entry in registry.load("metrics").items()
    if "package" in entry
    for key in entry["protocols"]
]
NETWORKS = [text for text in OPTIONAL if not text.startswith("cvvdp")]


def noise(height: int = 40, width: int = 44, seed: int = 0) -> Uint8Image:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """All packages of metrics, in their versions."""
    pins = (registry.entry("metrics", text.partition("@")[0])["package"] for text in OPTIONAL)
    versions = dict(pin.split("==") for pin in pins)
    monkeypatch.setattr(metadata, "version", versions.__getitem__)


# --- packages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", OPTIONAL)
def test_without_its_package_a_measure_is_unavailable(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = parse_measure(text)
    for found in (None, "0.0.1"):

        def version(name: str, found: str | None = found) -> str:
            if found is None:
                raise metadata.PackageNotFoundError(name)
            return found

        monkeypatch.setattr(metadata, "version", version)
        says = rf"'{text}' is unavailable: it needs \w+==.*, found {found or 'none'}"
        with pytest.raises(ConfigError, match=says):
            code.scorer_of(measure, {}, 4)


def test_no_core_requirement_brings_a_package_of_a_metric() -> None:
    root = Path(__file__).parents[4]
    names = {registry.entry("metrics", text.partition("@")[0])["package"].split("==")[0] for text in OPTIONAL}
    files = {path.name: path.read_text() for path in root.glob("requirements*.txt")}
    for name in names:
        assert f"{name}==" in files[f"requirements-{name}.txt"]
        for file in ("requirements.txt", "requirements-torch.txt", "requirements-dev.txt"):
            assert f"{name}==" not in files[file]
        assert all(f"{name}==" not in path.read_text() for path in (root / "envs").iterdir())


# --- shift-tolerant LPIPS ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tolerant(resources: Path) -> code.Scorer:
    measure = parse_measure("st-lpips@alex-st0.0")
    [name] = files_of(measure).values()
    asset, _, file = name.partition("/")
    return code.scorer_of(measure, {name: assets.fetch(asset, resources, progress=False).path(file)}, 4)


def test_shift_tolerant_lpips_equals_its_package(tolerant: code.Scorer) -> None:
    """stlpips_pytorch 0.0.2, LPIPS(net="alex", variant="shift_tolerant"), of the images on [-1, 1]."""
    photo = np.ascontiguousarray(pytest.importorskip("skimage.data").astronaut()[:65, :80])
    whole, shifted = photo[:, 1:], photo[:, :-1]
    assert tolerant(whole, shifted) == pytest.approx(0.0052358508, abs=1e-7)
    assert tolerant(whole, 255 - whole) == pytest.approx(0.34772798, abs=1e-6)
    assert tolerant(whole, whole) == 0
    assert tolerant(whole[..., 0], whole[..., 0].copy()) == 0
    with pytest.raises(ScoreError, match="image of 79x31 is too small: ST-LPIPS needs 32x32"):
        tolerant(whole[:31], whole[:31])


def test_shift_tolerant_lpips_needs_its_own_weights(tmp_path: Path) -> None:
    from sisr.scoring.metrics.shift_tolerant import ShiftTolerant

    path = tmp_path / "weights.pth"
    torch.save({"net.slice1.0.weight": torch.zeros(64, 3, 3, 3)}, path)
    with pytest.raises(ModelError, match=r"weights\.pth"):
        ShiftTolerant(code.Setting("alex-st0.0", 4, {"weights": path}))
    with pytest.raises(ModelError, match="cannot read the weights"):
        ShiftTolerant(code.Setting("alex-st0.0", 4, {"weights": tmp_path / "none"}))


# --- ColorVideoVDP -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("installed")
def test_cvvdp_gets_sr_first_and_the_display_of_the_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    class Metric:
        def __init__(self, display_name: str, device: torch.device) -> None:
            seen.append(display_name)

        def predict(self, test: Uint8Image, reference: Uint8Image, dim_order: str) -> tuple[object, None]:
            seen.append((test.tolist(), reference.tolist(), dim_order))
            return torch.tensor(9.5), None

    module = ModuleType("pycvvdp.cvvdp_metric")
    module.cvvdp = Metric  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pycvvdp", ModuleType("pycvvdp"))
    monkeypatch.setitem(sys.modules, "pycvvdp.cvvdp_metric", module)
    gray, colour = noise()[..., 0], noise(seed=1)
    assert code.scorer_of(parse_measure("cvvdp@standard-4k"), {}, 4)(gray, colour) == 9.5
    assert seen == ["standard_4k", (colour.tolist(), np.stack([gray] * 3, axis=2).tolist(), "HWC")]


# --- pyiqa -------------------------------------------------------------------------------------------------


WEIGHTS = {
    "backbone.weight": torch.full((1, 3, 1, 1), 0.5),
    "backbone.bias": torch.ones(1),
    "scale": torch.tensor(2.0),
}


class Made(torch.nn.Module):
    """A network with a backbone that timm makes, as those of pyiqa have."""

    def __init__(self, options: dict[str, object]) -> None:
        super().__init__()
        self.options = options
        self.scale = torch.nn.Parameter(torch.ones(()))
        if options["type"] == "CLIPIQA":  # it reads its backbone itself
            self.backbone = torch.nn.Conv2d(3, 1, 1)
            self.load_state_dict(WEIGHTS)
            assert torch.load(str(options["backbone"]), weights_only=True)
        else:
            self.backbone = sys.modules["timm"].create_model("a", pretrained=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.scale * self.backbone(x).mean() + torch.rand(())).reshape(1, 1)


@pytest.fixture
def pyiqa(monkeypatch: pytest.MonkeyPatch, installed: None) -> list[Made]:
    """Stand-ins for pyiqa and timm; the list gets every network that is built."""
    built: list[Made] = []

    def create_model(name: str, pretrained: bool = False) -> torch.nn.Module:
        assert not pretrained, "weights of a backbone would be fetched"
        return torch.nn.Conv2d(3, 1, 1)

    def build_network(options: dict[str, object]) -> Made:
        built.append(Made(options))
        return built[-1]

    types = {"musiq": "MUSIQ", "clipiqa": "CLIPIQA", "topiq_nr": "CFANet"}
    types |= {"maniqa": "MANIQA", "maniqa-pipal": "MANIQA"}
    configs = {name: {"metric_opts": {"type": kind, "pretrained": True}} for name, kind in types.items()}
    for name, content in {
        "timm": {"create_model": create_model},
        "pyiqa": {},
        "pyiqa.archs": {"build_network": build_network},
        "pyiqa.default_model_configs": {"DEFAULT_CONFIGS": configs},
    }.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    return built


@pytest.mark.parametrize("text", NETWORKS)
def test_network_is_what_the_protocol_says(text: str, pyiqa: list[Made], tmp_path: Path) -> None:
    measure = parse_measure(text)
    rules = protocol(measure.protocol)
    assert isinstance(rules, NetworkProtocol) and rules.seed is not None
    [name] = files_of(measure).values()
    path = tmp_path / "weights.pth"
    torch.save({"params": {f"module.{key}": value for key, value in WEIGHTS.items()}}, path)
    scorer = code.scorer_of(measure, {name: path}, 4)
    options = pyiqa[-1].options
    assert options["pretrained"] is False
    assert options.get("test_sample") == rules.crops
    sr, before = noise(), torch.random.get_rng_state()
    value = scorer(noise(seed=1), sr)
    # Drawn from the protocol's seed each time, and no other random number of the process changes.
    assert value == scorer(sr, sr) and torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(rules.seed)
    expected = 2 * (0.5 * sr.astype(np.float64).sum(axis=2).mean() / 255 + 1) + float(torch.rand(()))
    assert value == pytest.approx(expected, abs=1e-4)


def test_a_checkpoint_fills_the_whole_network(pyiqa: list[Made], tmp_path: Path) -> None:
    measure = parse_measure("maniqa@koniq-20x224-seed123")
    [name] = files_of(measure).values()
    path = tmp_path / "weights.pth"
    for wrong in ({**WEIGHTS, "other": torch.ones(1)}, {"scale": WEIGHTS["scale"]}):
        torch.save(wrong, path)
        with pytest.raises(ModelError, match=r"weights\.pth: not the weights of maniqa: .*state_dict"):
            code.scorer_of(measure, {name: path}, 4)
    path.write_bytes(b"<html>404</html>")
    with pytest.raises(ModelError, match="not the weights of maniqa"):
        code.scorer_of(measure, {name: path}, 4)


@pytest.mark.parametrize("text", NETWORKS)
def test_checkpoint_is_pinned_by_a_checksum_that_somebody_published(text: str) -> None:
    """Where only the beginning is known, it is in the file's name, as torch.hub names files."""
    [name] = files_of(parse_measure(text)).values()
    asset, _, file = name.partition("/")
    [entry] = registry.entry("assets", asset)["files"]
    assert entry["name"] == file
    if "sha256_prefix" in entry:
        assert Path(file).stem.endswith(f"-{entry['sha256_prefix']}")
    else:
        assert len(entry["sha256"]) == 64
