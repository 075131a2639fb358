"""Files inside distributions, fetched with pip from a folder (no index, no network)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sisr.base import registry as sisr_registry
from sisr.base.errors import AssetError, ChecksumError
from sisr.data.assets import fetch, fetch_or_unavailable

Registry = Callable[..., Path]
IMAGE = b"image" * 100
METADATA = b"Metadata-Version: 2.1\nName: fake-images\nVersion: 1.0\n"

#: A build backend inside the distribution, so that pip needs nothing else; it leaves a mark when it runs.
BACKEND = """
import os, pathlib
pathlib.Path(os.environ["FAKE_MARK"]).write_text("ran")
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    info = pathlib.Path(folder, "fake_images-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: fake-images\\nVersion: 1.0\\n")
    return info.name
def build_wheel(folder, config_settings=None, metadata_directory=None):
    raise SystemExit("not needed")
"""


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("FAKE_MARK", str(tmp_path / "mark"))
    return folder


def put_wheel(links: Path, tools: Any, image: bytes = IMAGE) -> Path:
    wheel = links / "fake_images-1.0-py3-none-any.whl"
    info = "fake_images-1.0.dist-info"
    wheel.write_bytes(
        tools.zip(
            {
                "fake_images/__init__.py": b"raise SystemExit('imported')",
                "fake_images/a.png": image,
                "fake_images/b.png": b"B",
                f"{info}/METADATA": METADATA,
                f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
                f"{info}/RECORD": b"",
            }
        )
    )
    return wheel


def put_sdist(links: Path, tools: Any) -> Path:
    top = "fake_images-1.0"
    sdist = links / f"{top}.tar.gz"
    sdist.write_bytes(
        tools.tar(
            {
                f"{top}/PKG-INFO": METADATA,
                f"{top}/pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "backend"\n'
                b'backend-path = ["."]\n',
                f"{top}/backend.py": BACKEND.encode(),
                f"{top}/a.png": IMAGE,
            }
        )
    )
    return sdist


def entry(tools: Any, member: str, data: bytes = IMAGE, **pypi: str) -> dict[str, Any]:
    return {
        "pypi": {"requirement": "fake-images==1.0"} | pypi,
        "files": [{"name": Path(member).name, "member": member, "sha256": tools.sha256(data)}],
    }


def test_wheel_is_shared_between_assets(links: Path, tools: Any, registry: Registry, tmp_path: Path) -> None:
    wheel = put_wheel(links, tools)
    config = registry(one=entry(tools, "fake_images/a.png"), two=entry(tools, "fake_images/b.png", data=b"B"))
    manifest = fetch("one", tmp_path / "res", config=config)
    assert manifest.path("a.png").read_bytes() == IMAGE
    assert manifest.files["a.png"].url == "pypi:fake-images==1.0#fake_images/a.png"

    wheel.unlink()
    assert fetch("two", tmp_path / "res", config=config).path("b.png").read_bytes() == b"B"


def test_damaged_cache_is_fetched_again(links: Path, tools: Any, registry: Registry, tmp_path: Path) -> None:
    wheel = put_wheel(links, tools)
    cached = tmp_path / "distributions/fake-images==1.0" / wheel.name
    cached.parent.mkdir(parents=True)
    cached.write_bytes(wheel.read_bytes()[:300])
    config = registry(one=entry(tools, "fake_images/a.png"))
    assert fetch("one", tmp_path, config=config).path("a.png").read_bytes() == IMAGE
    assert cached.read_bytes() == wheel.read_bytes()


def test_wrong_member(links: Path, tools: Any, registry: Registry, tmp_path: Path) -> None:
    put_wheel(links, tools, image=b"other")
    config = registry(one=entry(tools, "fake_images/a.png"))
    with pytest.raises(ChecksumError, match=r"one/a\.png: wrong content from pypi:fake-images==1\.0#"):
        fetch_or_unavailable("one", tmp_path, config=config)
    assert list((tmp_path / "assets").rglob("*.png")) == []


def test_missing_release(links: Path, tools: Any, registry: Registry, tmp_path: Path) -> None:
    config = registry(one=entry(tools, "fake_images/a.png"))
    manifest = fetch_or_unavailable("one", tmp_path, config=config)
    assert manifest.status == "unavailable"
    assert "No matching distribution found for fake-images==1.0" in manifest.reason
    assert list((tmp_path / "distributions").iterdir()) == []


def test_source_distribution_with_hash(links: Path, tools: Any, registry: Registry, tmp_path: Path) -> None:
    sdist = put_sdist(links, tools)
    digest = tools.sha256(sdist.read_bytes())
    config = registry(one=entry(tools, "fake_images-1.0/a.png", distribution_sha256=digest))
    assert fetch("one", tmp_path / "res", config=config).path("a.png").read_bytes() == IMAGE
    assert (tmp_path / "mark").exists()  # pip does run its code: why a hash is required


def test_source_distribution_with_wrong_hash_is_not_run(
    links: Path, tools: Any, registry: Registry, tmp_path: Path
) -> None:
    put_sdist(links, tools)
    config = registry(one=entry(tools, "fake_images-1.0/a.png", distribution_sha256="0" * 64))
    with pytest.raises(ChecksumError, match=f"expected sha256 {'0' * 64}, found [0-9a-f]{{64}}$"):
        fetch("one", tmp_path / "res", config=config)
    assert not (tmp_path / "mark").exists()


def test_source_distribution_without_hash_is_not_run(
    links: Path, tools: Any, registry: Registry, tmp_path: Path
) -> None:
    put_sdist(links, tools)
    config = registry(one=entry(tools, "fake_images-1.0/a.png"))
    with pytest.raises(AssetError, match="No matching distribution"):
        fetch("one", tmp_path / "res", config=config)
    assert not (tmp_path / "mark").exists()


def test_index_out_of_reach(
    links: Path, tools: Any, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    config = registry(one=entry(tools, "fake_images/a.png"))
    with pytest.raises(AssetError, match="no connection to the package index: Connection refused"):
        fetch("one", tmp_path / "res", config=config)


FETCH = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from sisr.data.assets import distributions, fetch
real = distributions._pip
distributions._pip = lambda *args: (print("pip"), real(*args))
fetch(sys.argv[2], Path(sys.argv[3]), config=Path(sys.argv[4]))
"""


def test_concurrent_jobs_download_once(links: Path, tools: Any, registry: Registry, tmp_path: Path) -> None:
    put_wheel(links, tools)
    config = registry(one=entry(tools, "fake_images/a.png"), two=entry(tools, "fake_images/b.png", data=b"B"))
    scripts = str(sisr_registry.ROOT / "scripts")
    jobs = [
        subprocess.Popen(
            [sys.executable, "-c", FETCH, scripts, asset, str(tmp_path / "res"), str(config)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for asset in ("one", "two")
    ]
    outs = [job.communicate(timeout=60)[0] for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0]
    assert sorted(outs) == ["", "pip\n"]
