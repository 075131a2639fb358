"""Configuration: from YAML and command-line strings to cells, and the one-line errors on the way."""

from __future__ import annotations

import copy
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from sisr.base import registry
from sisr.base.cells import Cell
from sisr.base.errors import ConfigError
from sisr.data.user_images import UserImages
from sisr.run.config import read
from sisr.upscaling.inference.options import Options

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def document() -> dict[str, Any]:
    return {
        "name": "tiny",
        "suites": {
            "a": {
                "datasets": ["set5"],
                "kernels": ["matlab-bicubic"],
                "scales": [2, 4],
                "models": ["nearest", "bicubic"],
            },
            "b": {
                "datasets": ["set5", "set14"],
                "kernels": ["matlab-bicubic"],
                "scales": [4],
                "models": ["bicubic"],
            },
        },
        "metrics": ["psnr@y-bt601"],
    }


def test_cells_that_two_suites_share_are_run_once(document: dict[str, Any]) -> None:
    cells = read(document).cells
    assert cells == (
        Cell("set5", "matlab-bicubic", 2, "nearest"),
        Cell("set5", "matlab-bicubic", 2, "bicubic"),
        Cell("set5", "matlab-bicubic", 4, "nearest"),
        Cell("set5", "matlab-bicubic", 4, "bicubic"),
        Cell("set14", "matlab-bicubic", 4, "bicubic"),
    )


@pytest.mark.parametrize("given", ["2", 2, [2], ["2"], "[2]", "x2"])
def test_command_line_scales_are_coerced(document: dict[str, Any], given: object) -> None:
    assert read({**document, "scales": given}).values("scale") == [2]


def test_command_line_lists_are_split(document: dict[str, Any]) -> None:
    run = read({**document, "datasets": "set5,set14", "models": "bicubic"})
    assert run.values("dataset") == ["set5", "set14"]
    assert run.values("model") == ["bicubic"]


def test_crop_sheets_are_for_all_kernels_or_those_that_are_named(document: dict[str, Any]) -> None:
    assert read(document).crop_kernels == ("matlab-bicubic",)
    named = {**document, "crops": {"kernels": ["opencv-linear"]}}
    assert read(named).crop_kernels == ("opencv-linear",)


def test_suite_restricts(document: dict[str, Any]) -> None:
    assert read({**document, "suite": "b"}).values("dataset") == ["set5", "set14"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"my_photos": {"path": "x"}}, "'my_photos' is called 'user_images' now"),
        ({"site": {"pictures": False}}, "site: 'pictures' is called 'images' now"),
        ({"metrcs": []}, "did you mean 'metrics'"),
        ({"suites": {"a": {"datasets": ["set5"], "kernals": ["x"]}}}, "suites.a: unknown key 'kernals'"),
        ({"models": "bicubik"}, "did you mean 'bicubic'"),
        ({"datasets": "urban10"}, "unknown dataset 'urban10'; did you mean 'urban100'?"),
        ({"datasets": "urban100", "suite": "a"}, "unknown dataset 'urban100'"),
        ({"models": "srgan", "scales": "3"}, "models: srgan has no weights at x3, only at x2, x4"),
        ({"extras": "tming"}, "extras: unknown extra 'tming'; did you mean 'timing'?"),
        ({"scales": "two"}, "scales.0: 'two' is not of type 'integer'"),
        ({"suite": "c"}, "unknown suite 'c'"),
        ({"metrics": ["psnr@y-bt602"]}, "did you mean 'y-bt601'"),
        ({"metrics": ["psnr"]}, "METRIC@PROTOCOL"),
        ({"pools": {"p": ["set6"]}}, "pools.p: unknown dataset 'set6'; did you mean 'set5'?"),
        ({"crops": {"kernels": ["bicubik"]}}, "crops.kernels: unknown kernel 'bicubik'"),
        ({"suite": "a,b", "datasets": "set14", "scales": "2"}, "no cell is left"),
        ({"name": "../x"}, "name: '../x' does not match"),
        ({"name": "x\n"}, "name: 'x\\n' does not match"),
        ({"crops": {"regions": {"set6": {}}}}, "crops.regions: unknown dataset 'set6'; did you mean 'set5'?"),
        (
            {"same_pixels": {"dataset": "set6", "models": ["bicubic"]}},
            "same_pixels.dataset: unknown dataset 'set6'; did you mean 'set5'?",
        ),
        (
            {"same_pixels": {"dataset": "set5", "models": ["bicubik"]}},
            "same_pixels.models: unknown model 'bicubik'; did you mean 'bicubic'",
        ),
        ({"device": "gpu"}, "device: 'gpu' does not match"),
        ({"inference": {"precison": "bf16"}}, "inference: unknown key 'precison'; did you mean 'precision'?"),
        ({"inference": {"precision": "fp8"}}, "inference.precision: 'fp8' is not one of ['fp32', 'tf32',"),
        ({"inference": {"tile": 5}}, "inference: tile: expected 0 or at least 16, found 5"),
        ({"inference": {"batch": "many"}}, "inference.batch: 'many' is not of type 'integer'"),
        ({"inference": {"compile": True, "cuda_graphs": True}}, "inference: compile and cuda_graphs exclude"),
    ],
)
def test_errors_are_one_line_and_name_the_key(
    document: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        read({**document, **change}, "config/x.yaml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("config/x.yaml: ")
    assert "\n" not in str(caught.value)


def test_inference_options_and_their_defaults(document: dict[str, Any]) -> None:
    assert read(document).inference == Options()
    # The command line gives texts.
    given = read({**document, "inference": {"tile": "64", "compile": "true", "precision": "bf16"}}).inference
    assert given.changed() == {"tile": 64, "compile": True, "precision": "bf16"}


def test_the_schema_and_the_options_are_the_same() -> None:
    known = registry.schema("config")["properties"]["inference"]["properties"]
    assert {name: rule["default"] for name, rule in known.items()} == asdict(Options())


def test_reading_a_configuration_does_not_import_torch() -> None:
    code = "import sys, sisr.run.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("axis", "value", "message"),
    [
        ("models", "vdsrr", "suites.a.models: unknown model 'vdsrr'; did you mean 'vdsr'?"),
        ("kernels", "matlab-bicubik", "unknown kernel 'matlab-bicubik'; did you mean 'matlab-bicubic'?"),
        ("datasets", "set55", "unknown dataset 'set55'; did you mean 'set5'?"),
    ],
)
def test_unknown_names_get_a_hint(document: dict[str, Any], axis: str, value: str, message: str) -> None:
    changed = copy.deepcopy(document)
    changed["suites"]["a"][axis] = [value]
    with pytest.raises(ConfigError, match="unknown") as caught:
        read(changed)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "models",
            "asset: vdsr,",
            "asset: vdsrr,",
            "vdsr.weights.2.asset: unknown asset 'vdsrr'; did you mean 'vdsr'?",
        ),
        ("models", "{ recipe: espcn-photos }", "{ recipe: espcn-fotos }", "espcn-fotos.yaml: no such file"),
        (
            "models",
            "{ asset: vdsr, files: { state: model_epoch_50.pth } }",
            "{ asset: vdsr, files: { state: model_epoch_50.pth }, recipe: espcn-photos }",
            "vdsr.weights.2: expected either asset and files or recipe, found asset, files, recipe",
        ),
        (
            "datasets",
            "asset: set5",
            "asset: set55",
            "set5.asset: unknown asset 'set55'; did you mean 'set5'?",
        ),
        (
            "datasets",
            "asset: set5",
            "asset: set5\n  path: x",
            "set5: expected either asset or path, found asset, path",
        ),
    ],
)
def test_registries_that_point_nowhere(
    config_copy: Path, document: dict[str, Any], file: str, old: str, new: str, message: str
) -> None:
    path = config_copy / f"{file}.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    changed = copy.deepcopy(document)
    changed["suites"]["a"]["models"] = ["vdsr", "espcn"]
    with pytest.raises(ConfigError) as caught:
        read(changed, config=config_copy)
    assert message in str(caught.value)


def test_kernel_that_is_not_defined_at_a_scale(document: dict[str, Any]) -> None:
    document["suites"]["a"].update(kernels=["div2krk"], scales=[3, 4])
    with pytest.raises(ConfigError) as caught:
        read(document)
    message = "config: suites: kernel 'div2krk' is not defined at x3: expected one of x2, x4"
    assert str(caught.value) == message
    assert len(read({**document, "scales": [4]}).cells) == 4


def test_a_part_of_a_name_lists_what_it_may_mean() -> None:
    from sisr.base.errors import unknown

    known = ["matlab-bicubic", "pillow-bicubic", "opencv-area"]
    message = "unknown kernel 'bicubic'; did you mean 'matlab-bicubic' or 'pillow-bicubic'?"
    assert unknown("kernel", "bicubic", known) == message


@pytest.mark.parametrize("name", ["config", "demo", "efficient", "loss-study"])
def test_shipped_configurations_are_valid_and_arrive_whole(name: str) -> None:
    document = registry.read_yaml(ROOT / "config" / f"{name}.yaml")
    run = read(document, f"config/{name}.yaml")
    assert run.cells
    for section in ("same_pixels", "loss_study", "pools", "certify", "studies"):
        if section in document:
            found = getattr(run, section)
            assert (list(found) if section == "studies" else found) == document[section]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: 2\na: 3\n", ":3: key 'a' twice"),
        (b"a:\n  b: 1\n  b: 2\n", ":3: key 'b' twice"),
        (b"2: 1\n'2': 1\n", ":2: key '2' twice"),
        (b"a: 1\nb: [1, 2\nc: 3\n", ":3: not valid YAML: did not find expected ',' or ']'"),
        (b"a: 1\nb: {c: 1\n", ":3: not valid YAML: did not find expected ',' or '}'"),
        (b"a: 1\n\tb: 2\n", ":2: not valid YAML: found a tab character that violates indentation"),
        (b"a: 1\nb: \xff\n", ":2: expected UTF-8, found byte 0xff"),
        (b"a: 1\n--- \nb: 2\n", ":2: not valid YAML: but found another document"),
    ],
)
def test_files_that_cannot_be_read_whole_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        registry.read_yaml(path)
    assert str(caught.value) == f"{path}{message}"


def test_a_number_is_a_name(document: dict[str, Any]) -> None:
    assert read({**document, "name": 2026}).name == "2026"


def test_scale_zero_and_names_that_lead_elsewhere(config_copy: Path) -> None:
    path = config_copy / "models.yaml"
    text = path.read_text(encoding="utf-8")
    entry = "\nmine:\n  label: M\n  engine: torch\n  params: {arch: espcn}\n  weights: {%s}\n"
    for weights, message in (
        ("0: {recipe: x}", "mine.weights: '0' does not match"),
        ("2: {recipe: ../models}", "mine.weights.2.recipe: '../models' does not match"),
    ):
        path.write_text(text + entry % weights, encoding="utf-8")
        registry.load.cache_clear()
        with pytest.raises(ConfigError) as caught:
            registry.load("models", config_copy)
        assert message in str(caught.value)
    registry.load.cache_clear()


@pytest.mark.parametrize(
    "name", ["assets", "datasets", "kernels", "metrics", "protocols", "models", "config", "training"]
)
def test_schemas_refuse_unknown_keys_everywhere(name: str) -> None:
    """Every object of a schema that has properties says what else it takes."""

    def check(node: object, where: str) -> None:
        if isinstance(node, dict):
            if node.get("type") == "object" and "properties" in node:
                assert "additionalProperties" in node, f"{name}: {where}"
            for key, value in node.items():
                check(value, f"{where}.{key}")
        elif isinstance(node, list):
            for index, value in enumerate(node):
                check(value, f"{where}.{index}")

    check(registry.schema(name), "")


def test_own_images_get_the_models_and_scales_of_the_run_and_its_first_kernel(
    document: dict[str, Any],
) -> None:
    document["suites"]["a"]["kernels"] = ["matlab-bicubic", "opencv-linear"]
    plain = read(document).cells
    run = read({**document, "user_images": {"path": "images"}})
    assert run.user_images == UserImages("images", lr=False)
    assert run.cells[: len(plain)] == plain
    assert run.cells[len(plain) :] == (
        Cell("user-images", "matlab-bicubic", 2, "nearest"),
        Cell("user-images", "matlab-bicubic", 2, "bicubic"),
        Cell("user-images", "matlab-bicubic", 4, "nearest"),
        Cell("user-images", "matlab-bicubic", 4, "bicubic"),
    )


def test_own_images_that_are_lr_are_no_cells(document: dict[str, Any]) -> None:
    run = read({**document, "user_images": {"path": "images", "as": "lr"}})
    assert run.user_images == UserImages("images", lr=True)
    assert run.cells == read(document).cells


@pytest.mark.parametrize("given", ["~/images", 2024])
def test_own_images_on_the_command_line(document: dict[str, Any], given: object) -> None:
    run = read({**document, "user_images": given, "datasets": "user-images", "models": "bicubic"})
    assert run.user_images == UserImages(str(given), lr=False)
    assert run.cells == tuple(Cell("user-images", "matlab-bicubic", scale, "bicubic") for scale in (2, 4))


def test_own_images_follow_the_restrictions(document: dict[str, Any]) -> None:
    document["user_images"] = {"path": "images"}
    document["suites"]["b"]["kernels"] = ["opencv-linear"]
    of_b = Cell("user-images", "opencv-linear", 4, "bicubic")
    assert read({**document, "kernels": "opencv-linear"}).cells[-1] == of_b
    assert read({**document, "suite": "b,user_images"}).cells[-1] == of_b
    assert read({**document, "suite": "b"}).values("dataset") == ["set5", "set14"]
    assert read({**document, "datasets": "set5"}).values("dataset") == ["set5"]
    alone = read({**document, "suite": "user_images"})
    assert alone.values("dataset") == ["user-images"]
    assert alone.values("scale") == [2, 4]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "user_images: 'path' is a required property"),
        ({"path": ""}, "user_images.path: '' "),
        ({"path": "x", "as": "sr"}, "user_images.as: 'sr' is not one of ['hr', 'lr']"),
        ({"path": "x", "label": "y"}, "user_images: unknown key 'label'"),
        (["x"], "user_images: ['x'] is not of type 'object'"),
    ],
)
def test_wrong_own_images(document: dict[str, Any], given: object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read({**document, "user_images": given})
    assert str(caught.value).startswith(f"config: {message}")


def test_a_suite_of_the_name_of_own_images(document: dict[str, Any]) -> None:
    document["suites"]["user_images"] = document["suites"]["a"]
    read(document)
    with pytest.raises(ConfigError, match="makes a suite of that name already"):
        read({**document, "user_images": "x"})


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (None, "expected a folder of images: No such file or directory"),
        ([], "no image in this folder (endings: .apng .bmp "),
        (["notes.txt", "._a.jpg"], "no image in this folder (endings: .apng .bmp "),
        (["IMG_2.HEIC", "IMG_10.heic", "b.png"], "IMG_2.HEIC: HEIC is not read (and 1 more files): convert"),
        (["a.CR2", "b.png"], "a.CR2: CR2 is not read: convert to PNG, or take out of the folder"),
    ],
)
def test_folders_that_hold_no_own_images(tmp_path: Path, names: list[str] | None, message: str) -> None:
    folder = tmp_path / "images"
    if names is not None:
        folder.mkdir()
    for name in names or []:
        (folder / name).touch()
    with pytest.raises(ConfigError) as caught:
        UserImages(str(folder), lr=False).require()
    assert str(caught.value).startswith(f"config: user_images.path: {folder}")
    assert message in str(caught.value)


def test_a_raw_file_beside_its_image_is_no_error(tmp_path: Path) -> None:
    for name in ("a.jpg", "a.CR2", ".b.heic"):
        (tmp_path / name).touch()
    UserImages(str(tmp_path), lr=False).require()


def test_lr_images_are_no_dataset(document: dict[str, Any]) -> None:
    document["user_images"] = {"path": "x", "as": "lr"}
    with pytest.raises(ConfigError, match="suite: unknown suite 'user_images'"):
        read({**document, "suite": "user_images"})
    document["suites"]["a"]["datasets"] = ["user-images"]
    with pytest.raises(ConfigError, match="a suite names 'user-images', so expected 'hr', found 'lr'"):
        read(document)
