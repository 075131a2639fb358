"""The weights that come with the project are what its recipes say."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from sisr.base import registry
from sisr.models import archs
from sisr.models.recipes import read_recipe
from sisr.models.trained_weights import metadata_of
from sisr.models.weights import load_into, read_state_dict
from sisr.training import curves

WEIGHTS = sorted((registry.CONFIG / "weights").rglob("*.safetensors"))
NAMES = [f"{path.parent.name}-{path.stem}" for path in WEIGHTS]


def test_espcn_and_fsrcnn_at_both_scales() -> None:
    assert set(NAMES) == {"espcn-291-x2", "espcn-291-x4", "fsrcnn-291-x2-x2", "fsrcnn-291-x4"}


def test_fsrcnn_at_x2_starts_from_the_one_at_x4() -> None:
    four, two = (registry.CONFIG / f"weights/{n}.safetensors" for n in ("fsrcnn-291/x4", "fsrcnn-291-x2/x2"))
    assert metadata_of(two)["start_sha256"] == hashlib.sha256(four.read_bytes()).hexdigest()


@pytest.mark.parametrize("path", WEIGHTS, ids=NAMES)
def test_weights_are_of_their_recipe(path: Path) -> None:
    """A recipe that was edited makes other weights: train them, or take the edit back."""
    recipe, made = read_recipe(path.parent.name), metadata_of(path)
    assert made["recipe_sha256"] == recipe.digest
    assert made["recipe"] == recipe.document
    assert f"x{made['scale']}" == path.stem
    assert made["leakage"] == []
    # 91 and 200 images without those that the recipe leaves out.
    assert len(made["pictures"]) == 291 - len(recipe.exclude)
    assert path.stat().st_size < 200_000
    load_into(archs.build(recipe.arch, made["scale"]), read_state_dict(path, "safetensors"), path)


@pytest.mark.parametrize("path", WEIGHTS, ids=NAMES)
def test_their_images_are_those_of_the_assets(path: Path) -> None:
    from sisr.data.assets import catalog

    recipe = read_recipe(path.parent.name)
    expected = {
        f"{asset}/{file.name}": file.check.value
        for asset in recipe.data
        for file in catalog.asset(asset).files
    }
    left_out = set(recipe.exclude)
    assert metadata_of(path)["pictures"] == {k: v for k, v in expected.items() if k not in left_out}


@pytest.mark.parametrize("path", WEIGHTS, ids=NAMES)
def test_their_curves_lie_beside_them(path: Path) -> None:
    recipe = read_recipe(path.parent.name)
    rows = curves.read_csv(path.with_suffix(".csv"))
    assert [row["iteration"] for row in rows] == list(
        range(recipe.every, recipe.iterations + 1, recipe.every)
    )
    assert rows[-1]["psnr_y"] > rows[0]["psnr_y"]
    assert rows[-1]["psnr_y"] == pytest.approx(metadata_of(path)["result"]["psnr_y"], abs=1e-4)
