"""Registries of the user's own, from folders and files outside the checkout."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sisr.base import registry
from sisr.base.errors import ConfigError
from sisr.run.config import read

MODEL = "  label: Mine\n  path: net.pth\n"
CONFIG = {
    "name": "r",
    "suites": {
        "one": {
            "datasets": ["set5"],
            "kernels": ["matlab-bicubic"],
            "scales": [4],
            "models": ["bicubic"],
        }
    },
    "metrics": ["psnr@y-bt601"],
}


@pytest.fixture(autouse=True)
def none_afterwards() -> Iterator[None]:
    yield
    registry.use(())
    os.environ.pop(registry.OWN, None)


def test_a_folder_and_a_file_are_read_beside_the_projects_own(tmp_path: Path) -> None:
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab/models.yaml").write_text(f"mine:\n{MODEL}")
    (tmp_path / "more.yaml").write_text(
        "models:\n  other:\n    label: Other\n    python: net.py:Net\n"
        "datasets:\n  holiday: {label: Holiday, path: ~/images, citation: none, licence: mine}\n"
    )
    registry.use([str(tmp_path / "lab"), str(tmp_path / "more.yaml")])
    assert list(registry.load("models"))[-2:] == ["mine", "other"]
    assert registry.entry("datasets", "holiday")["label"] == "Holiday"
    assert registry.origin("models", "mine") == str(tmp_path / "lab/models.yaml")
    assert registry.origin("models", "other") == f"{tmp_path / 'more.yaml'}: models"
    assert registry.origin("models", "bicubic") == ""
    registry.use(())
    assert "mine" not in registry.load("models")


def test_a_run_says_what_is_of_which_file(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("models:\n  mine:\n    label: Mine\n    path: net.pth\n")
    run = read({**CONFIG, "registries": str(tmp_path / "own.yaml"), "models": "bicubic,mine"})
    assert run.values("model") == ["bicubic", "mine"]
    assert f"; mine of {tmp_path / 'own.yaml'}: models" in run.summary
    assert "mine" not in read(CONFIG).summary  # and the next run has none


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "expected some of assets.yaml, datasets.yaml, kernels.yaml"),
        ({"model.yaml": f"mine:\n{MODEL}"}, "unknown registry 'model'; did you mean 'models'?"),
        ({"models.yaml": f"imdn:\n{MODEL}"}, "model 'imdn' twice: in config/models.yaml and in"),
        ({"models.yaml": "mine:\n  labl: Mine\n"}, "mine: unknown key 'labl'"),
        ({"models.yaml": "mine: [1,\n"}, "models.yaml:2: not valid YAML"),
        ({"models.yaml": ""}, "None is not of type 'object'"),
        ({"references.yaml": "a: 1\n"}, "unknown registry 'references'"),
    ],
)
def test_what_is_wrong_is_one_line(files: dict[str, str], said: str, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(ConfigError) as error:
        registry.use([str(folder)])
        registry.load("models")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no such file"),
        ("- a\n", "expected sections as 'models:', found no mapping"),
        ("suites: {}\n", "unknown registry 'suites'"),
    ],
)
def test_a_file_that_is_none(text: str | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "own.yaml").write_text(text)
    with pytest.raises(ConfigError, match=said):
        registry.use([str(tmp_path / "own.yaml")])


def test_two_of_the_users_own_must_not_share_a_name(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(
            f"models:\n  mine:\n  {MODEL.replace(chr(10), chr(10) + '  ').rstrip()}\n"
        )
    registry.use([str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")])
    with pytest.raises(
        ConfigError, match=r"model 'mine' twice: in .*a\.yaml: models and in .*b\.yaml: models"
    ):
        registry.load("models")


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (bomb(12), ":6: more than 1000000 values, by aliases of aliases"),
        ("a: &a [1, *a]", ":1: an alias within what it stands for"),
        ("[" * 100_000, ":1: nested more than 100 deep"),
        ("- " * 100_000 + "1", ":1: nested more than 100 deep"),
        ("{a: " * 200 + "1" + "}" * 200, ":1: nested more than 100 deep"),
    ],
    ids=["bomb", "circle", "brackets", "lists", "mappings"],
)
def test_what_would_take_all_memory_or_the_process_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        registry.read_yaml(path)
    assert str(caught.value) == f"{path}{said}"


def test_aliases_and_brackets_in_texts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "models.yaml"
    path.write_text(f"{bomb(4)}\ntext: |\n  {'[' * 300}\nlast: *a3\n")
    read = registry.read_yaml(path)
    assert len(read["last"][0][0]) == 10
    assert read["text"] == "[" * 300 + "\n"
    path.write_text("")
    assert registry.read_yaml(path) is None


def test_a_million_shards_are_refused(tmp_path: Path) -> None:
    (tmp_path / "datasets.yaml").write_text(
        "mine: {label: Mine, path: ~/images, citation: none, licence: mine, shards: 1000000}\n"
    )
    with pytest.raises(ConfigError, match=r"mine\.shards: 1000000 is greater than the maximum of 1000"):
        registry.load("datasets", tmp_path)
