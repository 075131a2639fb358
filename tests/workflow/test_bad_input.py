"""Bad input: one clear line, a non-zero exit, and no result is lost."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from typing import Any

import pytest
from skimage import data
from tiny_project import CONFIG, SCORES, Project, dataset, save

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def spoilt(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished project that also registers data sets that are wrong, each in a way of its own."""
    project = finished.copy(tmp_path_factory.mktemp("spoilt") / "project")
    whole = (project.root / "images/astronaut.png").read_bytes()
    for name in ("truncated", "pipe"):
        (project.root / name).mkdir()
    (project.root / "truncated/half.png").write_bytes(whole[: len(whole) // 2])
    os.mkfifo(project.root / "pipe/tap.png")  # nobody ever writes to it
    save(project.root / "small/dot.png", data.camera()[:5, :5])
    save(project.root / "low/strip.png", data.camera()[:16, :64])
    project.register("datasets", {n: dataset(n) for n in ("truncated", "pipe", "small", "low", "nowhere")})
    project.register("datasets", {"forged": {**dataset("x"), "asset": "forged"}})
    project.edit("config/datasets.yaml", "  path: x\n", "")
    project.register("assets", {"forged": project.asset("a.png", "../images/astronaut.png", "1" * 64)})
    return project


@pytest.fixture
def kept(spoilt: Project) -> Iterator[Project]:
    """The spoilt project, in which whatever the finished run made must be as before after the test."""
    before = spoilt.snapshot()
    yield spoilt
    after = spoilt.snapshot()
    assert {path: after.get(path) for path in before} == before
    spoilt.configure(CONFIG)


def refused(project: Project, *arguments: str) -> str:
    """The one line that a run ends with."""
    run = project.run(*arguments)
    assert run.status != 0, run.output
    assert "Traceback" not in run.output
    assert len(run.errors) == 1, run.output
    return run.errors.pop()


def changed(*keys: Any, value: Any) -> dict[str, Any]:
    config = copy.deepcopy(CONFIG)
    place = config
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return config


@pytest.mark.parametrize(
    ("config", "line"),
    [
        pytest.param(
            changed("metrik", value=1), "config: unknown key 'metrik'; did you mean 'metrics'?", id="key"
        ),
        pytest.param(
            changed("suites", "odd", "model", value=["nearest"]),
            "config: suites.odd: unknown key 'model'; did you mean 'models'?",
            id="key of a suite",
        ),
        pytest.param(
            changed("suites", "odd", "models", value=["nearset"]),
            "config: suites.odd.models: unknown model 'nearset'; did you mean 'nearest'?",
            id="model",
        ),
        pytest.param(
            changed("suites", "odd", "kernels", value=["matlab-bicubik"]),
            "config: suites.odd.kernels: unknown kernel 'matlab-bicubik'; did you mean 'matlab-bicubic'?",
            id="kernel",
        ),
        pytest.param(
            changed("metrics", value=["psnr@y-bt610"]),
            "config: metrics: ",
            id="protocol",
        ),
    ],
)
def test_wrong_config_names_the_key_or_value(kept: Project, config: dict[str, Any], line: str) -> None:
    kept.configure(config)
    assert refused(kept).startswith(line)


def test_a_key_given_twice_is_not_the_second_in_silence(kept: Project) -> None:
    path = kept.root / "tiny.yaml"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, "name: other", ""]))
    assert refused(kept) == f"{path}:{len(lines) + 1}: key 'name' twice"


def test_restriction_to_an_unknown_model(kept: Project) -> None:
    found = refused(kept, "--config", "models=bicubik")
    assert found == "config: models: unknown model 'bicubik'; did you mean 'bicubic'?"


@pytest.mark.parametrize(
    ("name", "scale", "words"),
    [
        ("truncated", 2, ["truncated/half.png", "truncated or damaged image"]),
        ("pipe", 2, ["pipe/tap.png", "expected an image, found a named pipe"]),
        ("small", 4, ["small/dot", "at least 8x8", "5x5"]),
        ("low", 4, ["strip", "11x11", "56x8"]),
        ("nowhere", 2, ["nowhere", "folder of images", "No such file"]),
        ("forged", 2, ["forged/a.png", "expected sha256 " + "1" * 64]),
    ],
)
def test_wrong_data_names_the_file(kept: Project, name: str, scale: int, words: list[str]) -> None:
    suite = {"datasets": [name], "kernels": ["matlab-bicubic"], "scales": [scale], "models": ["nearest"]}
    kept.configure({**CONFIG, "suites": {**CONFIG["suites"], "wrong": suite}})
    line = refused(kept, "--", SCORES)
    assert [word for word in words if word not in line] == [], line


def test_results_folder_that_is_a_file(kept: Project) -> None:
    (kept.root / "results/blocked").touch()
    assert "results/blocked is not a folder" in refused(kept, "--config", "name=blocked")
