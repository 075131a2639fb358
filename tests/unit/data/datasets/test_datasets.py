"""Preparing datasets: manifests, names, and guards against the wrong files."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from sisr.base import registry
from sisr.base.errors import AssetError, ConfigError, ImageError
from sisr.base.images import pixel_digest, read_image
from sisr.base.manifest import HrManifest
from sisr.data import datasets
from sisr.data.datasets import image_names, prepare, prepare_files, source_files

RNG = np.random.default_rng(11)
URBAN100 = (
    "raw.githubusercontent.com/jbhuang0604/SelfExSR/8f6dd8c1d20cb7e8792a7177b4f6fd677633f598/data/Urban100"
)


def sample(folder: Path, name: str, height: int = 12, width: int = 10, gray: bool = False) -> Path:
    shape = (height, width) if gray else (height, width, 3)
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(folder / name)
    return folder / name


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    folder = tmp_path / "source"
    made = [sample(folder, "img_10.png"), sample(folder, "img_2.png", 7, 9, gray=True)]
    return {path.name: path for path in made}


# --- the manifest ---------------------------------------------------------------------------------------


def test_manifest_describes_every_image(tmp_path: Path, files: dict[str, Path]) -> None:
    manifest = tmp_path / "hr" / "mine.json"
    content = prepare_files("mine", files, tmp_path / "hr" / "mine", manifest)
    assert HrManifest.read(manifest) == content
    assert content.dataset == "mine"
    first, second = content.images
    assert (first.name, second.name) == ("img_2", "img_10")
    assert (first.height, first.width, first.channels) == (7, 9, 1)
    assert (second.height, second.width, second.channels) == (12, 10, 3)
    for image in content.images:
        source = files[image.source]
        assert image.file == f"mine/{image.name}.png"
        assert image.source_sha256 == hashlib.sha256(source.read_bytes()).hexdigest()
        written = read_image(manifest.parent / image.file).array
        assert np.array_equal(written, np.asarray(Image.open(source)))
        assert image.sha256 == pixel_digest(written)


def test_rules_that_applied_are_in_the_manifest(tmp_path: Path) -> None:
    Image.new("P", (4, 3)).save(tmp_path / "p.png")
    content = prepare_files("mine", {"p.png": tmp_path / "p.png"}, tmp_path / "out", tmp_path / "m.json")
    assert content.images[0].notes == ("palette converted to RGB", "gray content stored as RGB")


def test_same_files_give_same_bytes_whatever_the_order(tmp_path: Path, files: dict[str, Path]) -> None:
    reverse = dict(reversed(files.items()))
    for name, mapping, threads in (("a", files, 1), ("b", reverse, 4)):
        prepare_files(
            "mine", mapping, tmp_path / name / "mine", tmp_path / name / "mine.json", threads=threads
        )
    made = [sorted(p.relative_to(tmp_path / n) for p in (tmp_path / n).rglob("*.*")) for n in "ab"]
    assert made[0] == made[1] and len(made[0]) == 3
    for path in made[0]:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()


def test_no_more_images_in_memory_than_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sample(tmp_path, "a.png")
    lock, now, most = threading.Lock(), 0, 0
    decode, write = datasets.decode_image, datasets.write_png

    def count(step: int) -> None:
        nonlocal now, most
        with lock:
            now += step
            most = max(most, now)

    monkeypatch.setattr(datasets, "decode_image", lambda *a: (count(1), decode(*a))[1])
    monkeypatch.setattr(datasets, "write_png", lambda *a: (write(*a), count(-1))[0])
    prepare_files(
        "mine", {f"{n}.png": path for n in range(40)}, tmp_path / "o", tmp_path / "m.json", threads=3
    )
    assert now == 0 and most <= 3


def test_bad_image_leaves_no_manifest(tmp_path: Path, files: dict[str, Path]) -> None:
    files["img_2.png"].write_text("no image")
    with pytest.raises(ImageError, match=r"img_2\.png: not an image"):
        prepare_files("mine", files, tmp_path / "out", tmp_path / "m.json")
    assert not (tmp_path / "m.json").exists()


# --- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", ["a.jpg", "A.png", "a.PNG"])
def test_two_files_of_one_name_are_both_named(second: str) -> None:
    with pytest.raises(ImageError) as caught:
        image_names({"a.png": 0, second: 0})
    assert "'a.png'" in str(caught.value) and f"'{second}'" in str(caught.value)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("img_001.png", "img_001"),
        ("v1.2+b-c.png", "v1.2+b-c"),
        ("Ägypten.png", "Ägypten"),
        ("A\u0308gypten.png", "Ägypten"),
        ("a b,c;'\"<%>.png", "a_b_c______"),
        ("new\nline.png", "new_line"),
        ("-rf.png", "_rf"),
        ("{scale}.png", "_scale_"),
        ("sub/folder.png", "folder"),
        (".png", "_png"),
    ],
)
def test_names_hold_no_odd_characters(file: str, name: str) -> None:
    assert image_names({file: 0}) == {name: file}


def test_odd_names_are_prepared(tmp_path: Path) -> None:
    path = sample(tmp_path, "a b\n%2F{x}.png")
    content = prepare_files("mine", {path.name: path}, tmp_path / "out", tmp_path / "m.json")
    assert content.images[0].file == "out/a_b__2F_x_.png"
    assert content.images[0].source == "a b\n%2F{x}.png"
    assert os.listdir(tmp_path / "out") == ["a_b__2F_x_.png"]  # noqa: PTH208


# --- guards ---------------------------------------------------------------------------------------------


def test_wrong_number_of_images(tmp_path: Path, files: dict[str, Path]) -> None:
    with pytest.raises(ImageError, match="dataset 'mine': expected 3 images, found 2"):
        prepare_files("mine", files, tmp_path / "out", tmp_path / "m.json", {"images": 3})


def test_half_size_urban100_is_refused(tmp_path: Path) -> None:
    expected = {**registry.entry("datasets", "urban100")["expected"], "images": 1}
    path = sample(tmp_path, "img_001_SRF_2_HR.png", 340, 512)
    with pytest.raises(ImageError) as caught:
        prepare_files("urban100", {path.name: path}, tmp_path / "out", tmp_path / "m.json", expected)
    message = str(caught.value)
    assert "at least 1000 pixels, found 512x340" in message
    assert "image_SRF_2 are half-size" in message and "\n" not in message


@pytest.mark.mirror
def test_true_urban100_passes_the_guard() -> None:
    mirror = os.environ.get("SISR_MIRROR")
    if not mirror:
        pytest.skip("SISR_MIRROR is not set: no Urban100")
    files = sorted((Path(mirror).expanduser() / URBAN100 / "image_SRF_4").glob("*_HR.png"))
    expected = registry.entry("datasets", "urban100")["expected"]
    assert len(files) == expected["images"]
    assert min(max(Image.open(file).size) for file in files) >= expected["min_longest_side"]


# --- where the files come from --------------------------------------------------------------------------


@pytest.fixture
def config(tmp_path: Path, files: dict[str, Path]) -> Path:
    entry = {"label": "Mine", "citation": "none", "licence": "own"}
    folder = tmp_path / "config"
    folder.mkdir()
    entries = {
        "own": {**entry, "path": str(tmp_path / "source")},
        "fetched": {**entry, "asset": "some-asset", "expected": {"images": 1}},
    }
    (folder / "datasets.yaml").write_text(yaml.safe_dump(entries))
    return folder


def fetch_manifest(folder: Path, status: str, *names: str) -> Path:
    entry = {"sha256": "", "bytes": 0, "url": ""}
    found = {name: {"path": f"some-asset/{name}", **entry} for name in names}
    document = {"asset": "some-asset", "status": status, "reason": "no network", "files": found}
    folder.mkdir(exist_ok=True)
    (folder / "some-asset.json").write_text(json.dumps(document))
    return folder / "some-asset.json"


def test_own_folder(tmp_path: Path, config: Path) -> None:
    (tmp_path / "source" / "README.txt").touch()
    manifest = tmp_path / "hr" / "own.json"
    content = prepare(
        "own", asset_record=None, out_dir=manifest.with_suffix(""), manifest=manifest, config=config
    )
    assert [image.name for image in content.images] == ["img_2", "img_10"]


def test_fetched_asset(tmp_path: Path, config: Path) -> None:
    manifest = fetch_manifest(tmp_path / "assets", "ok", "a.png", "LICENSE.txt")
    sample(tmp_path / "assets" / "some-asset", "a.png")
    content = prepare(
        "fetched",
        asset_record=manifest,
        out_dir=tmp_path / "hr",
        manifest=tmp_path / "m.json",
        config=config,
    )
    assert [image.source for image in content.images] == ["a.png"]


def test_asset_that_could_not_be_had(tmp_path: Path, config: Path) -> None:
    manifest = fetch_manifest(tmp_path, "unavailable")
    with pytest.raises(AssetError, match="dataset 'fetched': asset 'some-asset' is unavailable: no network"):
        source_files("fetched", manifest, config)
    with pytest.raises(AssetError, match="expected the record of fetched asset 'some-asset'"):
        source_files("fetched", None, config)


def test_unknown_dataset_and_wrong_entry(tmp_path: Path, config: Path) -> None:
    with pytest.raises(ConfigError, match="unknown dataset 'fetchd'; did you mean 'fetched'"):
        source_files("fetchd", None, config)
    (tmp_path / "datasets.yaml").write_text("mine: {label: Mine, citation: none, licence: own}")
    with pytest.raises(ConfigError, match="mine"):
        source_files("mine", None, tmp_path)


def test_registry_names_assets_that_exist() -> None:
    assets = registry.load("assets")
    assert {entry["asset"] for entry in registry.load("datasets").values() if "asset" in entry} <= set(assets)
