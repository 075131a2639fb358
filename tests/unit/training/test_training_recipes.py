"""Recipes: every key is checked, every shipped one makes a network, and digests are of what is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sisr.base import registry
from sisr.base.errors import ConfigError
from sisr.models import archs
from sisr.models.recipes import Recipe, discriminator_of, parse_recipe, read_recipe, start_of
from sisr.training import pipeline

Make = Callable[..., Recipe]
NAMES = sorted(path.stem for path in (registry.CONFIG / "training").glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_shipped_recipes_are_whole(name: str) -> None:
    """Assets and kernel are registered; network, discriminator, start and BasicSR's options can be made."""
    recipe = read_recipe(name)
    assert set(recipe.assets) <= set(registry.load("assets"))
    assert recipe.kernel in registry.load("kernels")
    start_of(recipe)
    archs.build(recipe.arch, 4, **recipe.args)
    features = {file: Path(file) for file in ("vgg16.ckpt", "alexnet.ckpt")}
    options = pipeline.options(recipe, 4, features=features)
    assert options["train"]["total_iter"] == recipe.iterations
    assert ("network_d" in options) == (recipe.adversarial is not None)
    assert ("perceptual_opt" in options["train"]) == (recipe.perceptual is not None)


def test_the_issue_s_methods_have_recipes() -> None:
    trained = {read_recipe(name).arch for name in NAMES}
    assert {"srcnn", "fsrcnn", "espcn", "vdsr", "srresnet", "srgan", "edge-informed"} <= trained
    assert {"basicsr:EDSR", "basicsr:RRDBNet"} <= trained


def test_the_digest_is_of_what_is_written(recipe: Make) -> None:
    assert recipe().digest == recipe().digest
    assert recipe().digest != recipe(seed=0).digest  # a default that is written down is written down
    backwards = dict(reversed(recipe().document.items()))
    assert parse_recipe("tiny", backwards, "x").digest == recipe().digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("batch:", "bach:", "espcn-photos.yaml: unknown key 'bach'; did you mean 'batch'"),
        ("loss: mse", "loss: l2", r"loss: 'l2' is not one of \['l1', 'mse', 'charbonnier'\]"),
        ("patch: 16", "patch: 4", "patch: 4 is less than the minimum of 8"),
        ("data: [skimage-train, sklearn-train]", "", "expected data or folders to train on, found neither"),
        (
            "loss: mse",
            "loss: mse\nvalidation: { data: [sklearn-train] }",
            "'sklearn-train' is also trained on",
        ),
        ("loss: mse", "loss: mse\nvalidation: { fraction: 0.1 }", "validation: unknown key 'fraction'"),
        ("loss: mse", "loss: mse\nstart: espcn-photos", "start: a recipe cannot start from itself"),
        ("loss: mse", "loss: mse\nedges: 1", "edges: only arch edge-informed has edges, found espcn"),
        ("loss: mse", "loss: mse\nperceptual: { features: vgg19, weight: 1 }", "'vgg19' is not one of"),
        ("loss: mse", "loss: mse\ncolour: rgb\npre_upscale: matlab-bicubic", "expected colour y, found rgb"),
    ],
)
def test_a_wrong_key_or_value_is_one_line(config_copy: Path, old: str, new: str, message: str) -> None:
    path = config_copy / "training" / "espcn-photos.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as caught:
        read_recipe("espcn-photos", config_copy)
    assert "\n" not in str(caught.value)


def test_a_recipe_that_is_not_there(config_copy: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.yaml: no such file"):
        read_recipe("nothing", config_copy)


def test_starts_are_checked(config_copy: Path) -> None:
    folder = config_copy / "training"
    text = (folder / "espcn-photos.yaml").read_text(encoding="utf-8")
    (folder / "a.yaml").write_text(text + "\nstart: b\n", encoding="utf-8")
    (folder / "b.yaml").write_text(text + "\nstart: a\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="start: goes round in a circle: a -> b -> a"):
        start_of(read_recipe("a", config_copy), config_copy)
    (folder / "b.yaml").write_text(text.replace("arch: espcn", "arch: fsrcnn"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"'b' trains another network \(fsrcnn \{\}, expected espcn \{\}\)"):
        start_of(read_recipe("a", config_copy), config_copy)


def test_discriminators_have_their_sizes(recipe: Make) -> None:
    gan = {"kind": "vanilla", "weight": 0.1}
    made = discriminator_of(recipe(patch=32, adversarial={**gan, "discriminator": "vgg"}), 4)
    assert made == {"type": "VGGStyleDiscriminator", "num_in_ch": 1, "num_feat": 64, "input_size": 128}
    with pytest.raises(ConfigError, match="vgg judges HR patches of 128 or 256 pixels, found 64"):
        discriminator_of(recipe(patch=32, adversarial={**gan, "discriminator": "vgg"}), 2)
    with pytest.raises(ConfigError, match="unet judges HR patches of a multiple of 8 pixels, found 30"):
        discriminator_of(recipe(patch=15, adversarial=gan), 2)


@pytest.mark.parametrize("name", ["a\0b", "../models", "/etc/passwd", "", "a\n"])
def test_what_is_no_name_of_a_recipe(name: str) -> None:
    with pytest.raises(ConfigError, match="expected the name of a file in config/training"):
        read_recipe(name)
