"""Training: deterministic, learns, and keeps nothing of a run that diverged."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from sisr import archs
from sisr.errors import ConfigError, ImageError, ModelError
from sisr.images import write_png
from sisr.recipes import Recipe, read_recipe
from sisr.training import metadata_of, train
from sisr.weights import load_into, read_state_dict

TINY = Recipe(
    arch="espcn",
    data=("x",),
    kernel="matlab-bicubic",
    patch=8,
    batch=2,
    iterations=20,
    learning_rate=2e-3,
    loss="mse",
)


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Two smooth pictures, one gray."""
    rows, columns = np.mgrid[0:40, 0:48]
    waves = 127 + 60 * np.sin(rows / 3) + 60 * np.cos(columns / 4)
    gray = waves.astype(np.uint8)
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    write_png(paths[0], gray)
    write_png(paths[1], np.stack([gray, gray.max() - gray, gray // 2], axis=2))
    return paths


def test_same_bytes_twice_and_in_any_order_of_the_pictures(pictures: list[Path], tmp_path: Path) -> None:
    outs = [tmp_path / f"{n}.safetensors" for n in range(2)]
    train(TINY, 2, pictures, outs[0], progress=False)
    torch.manual_seed(123)  # what ran before must not matter
    train(TINY, 2, pictures[::-1], outs[1], progress=False)
    assert outs[0].read_bytes() == outs[1].read_bytes()


def test_the_seed_and_the_recipe_matter(pictures: list[Path], tmp_path: Path) -> None:
    outs = []
    for n, recipe in enumerate(
        (TINY, dataclasses.replace(TINY, seed=1), dataclasses.replace(TINY, loss="l1"))
    ):
        outs.append(tmp_path / f"{n}.safetensors")
        train(recipe, 2, pictures, outs[-1], progress=False)
    states = [read_state_dict(out, "safetensors")["subpixel.weight"] for out in outs]
    assert not torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])


def test_training_lowers_the_loss_and_the_weights_load(pictures: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    first = train(dataclasses.replace(TINY, iterations=2), 2, pictures, out, progress=False)
    last = train(dataclasses.replace(TINY, iterations=300), 2, pictures, out, progress=False)
    assert last < first / 4
    load_into(archs.build("espcn", 2), read_state_dict(out, "safetensors"), out)
    assert metadata_of(out)["recipe_sha256"] == dataclasses.replace(TINY, iterations=300).digest
    assert metadata_of(out)["scale"] == 2


def test_divergence_is_one_line_and_writes_nothing(pictures: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    recipe = dataclasses.replace(TINY, learning_rate=1e30, iterations=50)
    with pytest.raises(ModelError, match=r"espcn x2: loss is (nan|inf) at iteration"):
        train(recipe, 2, pictures, out, progress=False)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".png"] == []


def test_pictures_smaller_than_a_patch_are_named(pictures: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"a\.png: LR at x4 is 12x10, patches are 16 wide"):
        train(dataclasses.replace(TINY, patch=16), 4, pictures, tmp_path / "w.safetensors", progress=False)


def test_recipes_are_checked(config_copy: Path) -> None:
    assert read_recipe("espcn-photos", config_copy).arch == "espcn"
    path = config_copy / "training" / "espcn-photos.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("batch:", "bach:"), encoding="utf-8")
    with pytest.raises(ConfigError, match="unknown key 'bach'; did you mean 'batch'"):
        read_recipe("espcn-photos", config_copy)
    with pytest.raises(ConfigError, match=r"nothing\.yaml: no such file"):
        read_recipe("nothing", config_copy)


def test_no_training_picture_is_in_the_demo_set() -> None:
    """motorcycle_right shows what motorcycle_left of the test set shows, so it must not be trained on."""
    from sisr import registry

    assets = registry.load("assets")
    trained = {f["name"] for a in read_recipe("espcn-photos").data for f in assets[a]["files"]}
    tested = {f["name"] for f in assets["skimage-photos"]["files"]}
    assert not trained & tested
    assert not any("motorcycle" in name for name in trained)
