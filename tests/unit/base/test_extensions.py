"""What installed packages add: the example package, installed by pip as a laboratory would, and used."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import invalidate_caches
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sisr.base import digest, extensions, registry
from sisr.base.errors import ConfigError
from sisr.cli import app
from sisr.lr import kernels
from sisr.models import archs
from sisr.models.architecture import Architecture
from sisr.models.model_entries import get
from sisr.scoring.metrics import code, parse_measure
from sisr.trust.provenance import software
from sisr.upscaling import detection, engines
from typer.testing import CliRunner

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/examples/laboratory"
HR = np.random.default_rng(3).integers(0, 256, (48, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that the example package is installed in."""
    folder = tmp_path_factory.mktemp("packages")
    shutil.copytree(EXAMPLE, folder / "source")  # pip builds beside the sources
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", folder / "site", folder / "source"],
        check=True,
    )
    return folder / "site"


@pytest.fixture
def installed(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package that a test may edit, where Python finds it."""
    site = tmp_path / "site"
    shutil.copytree(package, site)
    monkeypatch.syspath_prepend(site)
    forget()
    yield site
    monkeypatch.undo()
    forget()


def forget() -> None:
    """Look again for what is installed."""
    invalidate_caches()
    for cached in (
        extensions._points,
        extensions.providers,
        registry.load,
        detection._shapes_of,
        digest._digest,
    ):
        cached.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == "laboratory"]:
        del sys.modules[name]


def another(site: Path, name: str, entry_points: str) -> None:
    """Install a second package that has entry points alone."""
    information = site / f"{name}-2.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.0\n")
    (information / "entry_points.txt").write_text(entry_points)
    forget()


def test_a_kernel_and_a_metric_on_the_command_line(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "hr").mkdir()
    Image.fromarray(HR).save(tmp_path / "hr/a.png")
    out = tmp_path / "scores.csv"
    calls = [
        ["degrade", "-k", "block-median", "-s", "2", tmp_path / "hr", tmp_path / "lr"],
        ["upscale", "-m", "repeat", "-s", "2", tmp_path / "lr", tmp_path / "sr"],
        ["score", "-s", "2", "--lpips", "none", "--measure", "mae@rgb", "-o", out,
         tmp_path / "hr", tmp_path / "sr"],
    ]  # fmt: skip
    for call in calls:
        result = CliRunner().invoke(app, [str(argument) for argument in call])
        assert result.exit_code == 0, result.output
    lr = np.floor(np.median(HR.reshape(24, 2, 32, 2, 3), axis=(1, 3)) + 0.5)
    error = np.abs(HR - lr.repeat(2, axis=0).repeat(2, axis=1))[2:-2, 2:-2].mean()
    [value] = [line.split(",")[-1] for line in out.read_text().splitlines() if ",mae," in line]
    assert value == f"{error:.6f}"


def test_an_architecture_is_built_and_recognised(installed: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save(archs.build("nearest-residual", 3).state_dict(), tmp_path / "mine.pth")
    found = detection.identify(tmp_path / "mine.pth")
    assert (found.architecture, found.channels) == ("nearest-residual", 3)
    with pytest.raises(ConfigError, match=r"architecture 'nearest-residual': .*'widht'"):
        archs.build("nearest-residual", 2, widht=3)


def test_an_engine(installed: Path) -> None:
    sr = engines.load(get("repeat"), 2, {})(HR)
    assert np.array_equal(sr[::2, 1::2], HR)


def test_what_is_planned_imports_nothing_of_a_package(installed: Path) -> None:
    """Nor is it asked whether what it needs is there: a Snakemake installed alone has no NumPy."""
    kept = set(sys.modules)
    measure = parse_measure("mae@rgb")
    digest.code_digest("score", only={code.MODULES: code.targets([measure])})
    digest.code_digest("make_lr", only={"sisr.lr.kernels.FUNCTIONS": [kernels.target("block-median")]})
    assert get("repeat").engine == "repeat"
    assert not {name for name in set(sys.modules) - kept if name.startswith("laboratory")}


def test_a_package_counts_where_it_is_used(installed: Path) -> None:
    def digests() -> tuple[str, str]:
        forget()
        of = (["mae@rgb", "psnr@rgb"], ["psnr@rgb"])
        used, other = (digest.code_digest("score", only={code.MODULES: code.targets(m)}) for m in of)
        return used, other

    first = digests()
    module = installed / "laboratory/pixels.py"
    module.write_text(module.read_text() + "\n# a comment\n")
    assert digests() == first
    module.write_text(module.read_text().replace("hr - pair.sr", "sr - pair.hr"))
    edited = digests()
    (info,) = installed.glob("sisr_laboratory-*.dist-info")
    metadata = info / "METADATA"
    metadata.write_text(metadata.read_text().replace("Version: 1.0", "Version: 1.1"))
    newer = digests()
    assert len({first[0], edited[0], newer[0]}) == 3
    assert {first[1], edited[1], newer[1]} == {first[1]}


@pytest.mark.parametrize(
    ("group", "call", "kind"),
    [
        ("kernels", kernels.target, "kernel function 'block-median'"),
        ("archs", archs.target, "architecture 'nearest-residual'"),
        ("metrics", lambda name: extensions.target("metric", "metrics", name), "metric 'mae'"),
    ],
)
def test_two_providers_are_both_named(installed: Path, group: str, call: object, kind: str) -> None:
    name = kind.split("'")[1]
    another(installed, "rival", f"[sisr.{group}]\n{name} = rival:thing\n")
    with pytest.raises(ConfigError) as caught:
        call(name)  # type: ignore[operator]
    assert "sisr-laboratory 1.0" in str(caught.value) and "rival 2.0" in str(caught.value)
    assert str(caught.value).startswith(f"{kind} is provided by ")


def test_the_benchmarks_own_names_are_not_replaced(installed: Path) -> None:
    another(installed, "rival", "[sisr.archs]\nespcn = rival:thing\n[sisr.registries]\nrival = rival\n")
    with pytest.raises(ConfigError, match=r"'espcn' is provided by the benchmark itself and rival 2\.0"):
        archs.build("espcn", 2)
    (installed / "rival").mkdir()
    (installed / "rival/__init__.py").touch()
    shutil.copy(registry.CONFIG / "protocols.yaml", installed / "rival")
    forget()
    twice = r"protocol '[\w.-]+' twice: in .*config/protocols.yaml and in rival 2.0 \(protocols.yaml\)"
    with pytest.raises(ConfigError, match=twice):
        registry.load("protocols")


def test_provenance_has_its_version(installed: Path) -> None:
    assert software()["packages"]["sisr-laboratory"] == "1.0"


def test_unknown_names_say_what_there_is(installed: Path) -> None:
    with pytest.raises(ConfigError, match="unknown kernel function 'blok-median'; did you mean 'block-med"):
        kernels.target("blok-median")
    with pytest.raises(
        ConfigError, match=r"unknown architecture 'zzz'; known: bsrn, carn-m, .*nearest-residual"
    ):
        archs.build("zzz", 2)


def test_a_target_that_is_not_there_is_one_line(installed: Path) -> None:
    with pytest.raises(ConfigError, match=r"'laboratory.pixels:nothing' cannot be imported"):
        extensions.load("laboratory.pixels:nothing")
    with pytest.raises(ConfigError, match=r"'nowhere:f': no module nowhere is installed"):
        digest.code_digest("make_lr", only={"sisr.lr.kernels.FUNCTIONS": ["nowhere:f"]})
    with pytest.raises(ConfigError, match=r"expected one in sisr.lr.kernels"):
        kernels.target("sisr.base.images:read_image")


def test_every_architecture_cites_its_paper() -> None:
    """In the docstring of its module, beside its construction and how it is recognised."""
    for where in archs.own().values():
        assert isinstance(extensions.load(where), Architecture)
        module = where.partition(":")[0]
        assert re.search(r"\b20[12]\d\b", str(sys.modules[module].__doc__)), module
