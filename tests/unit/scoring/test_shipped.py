"""Scores that come with the project: taken where all they depend on is as it was, and added from a run."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import pytest
from sisr.base import registry
from sisr.base.cells import SCORE_COLUMNS, Cell
from sisr.base.csv_files import write_rows
from sisr.base.errors import ConfigError, ScoreError
from sisr.base.images import write_png
from sisr.data.datasets import prepare_files
from sisr.lr.degrade import make_lr
from sisr.scoring import shipped
from sisr.scoring.gather import STATUS_COLUMNS
from sisr.scoring.shipped_index import ShippedIndex, shipped_cells
from sisr.trust.shipped_sample import sample

MEASURES = ["psnr@y-bt601", "ssim@y-bt601"]
IMAGES = ("baby", "bird")
SET = ("set5", "matlab-bicubic", 4)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run with two images, a model of the registry and one that is trained in the run."""
    folder = tmp_path / "results/r"
    noise = np.random.default_rng(1)
    for name in IMAGES:
        write_png(tmp_path / f"in/{name}.png", noise.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    files = {f"{name}.png": tmp_path / f"in/{name}.png" for name in IMAGES}
    prepare_files("set5", files, folder / "hr/set5", folder / "hr/set5.json")
    lr = folder / "lr/set5/matlab-bicubic"
    make_lr(folder / "hr/set5.json", "matlab-bicubic", 4, out_dir=lr / "x4", manifest=lr / "x4.json")
    models = ("bicubic", "imdn", "espcn")
    write_rows(
        folder / "scores.csv",
        SCORE_COLUMNS,
        [
            ["set5", image, "matlab-bicubic", 4, model, *measure.split("@"), f"{30 + number / 7:.6f}"]
            for number, model in enumerate(models)
            for image in IMAGES
            for measure in MEASURES
        ],
    )
    states = {"bicubic": "ok", "imdn": "ok", "espcn": "ok", "vdsr": "failed"}
    rows = [[*SET, model, state, "", 2, "", ""] for model, state in states.items()]
    write_rows(folder / "status.csv", STATUS_COLUMNS, rows)
    made = {"commit": "c" * 40, "uncommitted_changes": False, "recorded": "2026-11-28T12:00:00+00:00"}
    (folder / "provenance.json").write_text(json.dumps(made))
    return folder


Take = Callable[..., tuple[str, list[dict[str, str]]]]


@pytest.fixture
def take(run: Path, tmp_path: Path) -> Take:
    """Ship the run, and take some cells for the same images: the table, and the rows of the status."""
    shipped.add(run, tmp_path / "baselines")

    def taken(*models: str, measures: list[str] | None = None) -> tuple[str, list[dict[str, str]]]:
        scores, status = tmp_path / "s.csv", tmp_path / "t.csv"
        shipped.take(
            [Cell(*SET, model) for model in models],
            measures or MEASURES,
            {"set5": run / "hr/set5.json"},
            {SET: run / "lr/set5/matlab-bicubic/x4.json"},
            scores,
            status,
            tmp_path / "baselines",
        )
        with status.open() as stream:
            return scores.read_text(), list(csv.DictReader(stream))

    return taken


def test_what_is_taken_are_the_rows_of_the_run(run: Path, take: Take) -> None:
    scores, (state,) = take("imdn")
    lines = (run / "scores.csv").read_text().splitlines()
    assert scores.splitlines() == [lines[0], *(line for line in lines if ",imdn," in line)]
    assert state["status"] == "shipped"
    assert state["reason"] == "scores of 2026-11-28, commit cccccccccccc, not computed in this run"


def test_models_that_are_trained_here_or_did_not_run_are_not_shipped(run: Path, tmp_path: Path) -> None:
    added = shipped.add(run, tmp_path / "baselines")
    assert {cell.model for cell in added} == {"bicubic", "imdn"}
    with pytest.raises(ScoreError, match="espcn: its weights are not fetched"):
        shipped.model_digest("espcn", 4)


def test_a_run_of_no_commit_is_refused(run: Path, tmp_path: Path) -> None:
    made = json.loads((run / "provenance.json").read_text())
    (run / "provenance.json").write_text(json.dumps({**made, "uncommitted_changes": True}))
    with pytest.raises(ScoreError, match="made with changes that are not committed"):
        shipped.add(run, tmp_path / "baselines")
    assert not (tmp_path / "baselines").exists()


def test_the_same_run_gives_the_same_bytes_and_a_later_one_replaces(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "baselines"
    shipped.add(run, folder)
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    shipped.add(run, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first
    text = (run / "scores.csv").read_text()
    (run / "scores.csv").write_text(text.replace("30.142857", "31.000000"))
    shipped.add(run, folder)
    table = (folder / "set5_matlab-bicubic_x4.csv").read_text()
    assert "imdn,psnr@y-bt601,31.000000,31.000000" in table
    assert "bicubic,psnr@y-bt601,30.000000,30.000000" in table


@pytest.mark.parametrize("what", ["HR", "LR", "model"])
def test_scores_of_anything_else_are_unavailable_and_say_so(
    what: str, run: Path, take: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    if what == "model":
        entries = {
            **registry.load("models"),
            "imdn": {**registry.load("models")["imdn"], "input_range": "0-255"},
        }
        monkeypatch.setattr(shipped, "entry_of", lambda name: entries[name])
    else:
        path = run / ("hr/set5.json" if what == "HR" else "lr/set5/matlab-bicubic/x4.json")
        document = json.loads(path.read_text())
        document["images"][1]["sha256"] = "0" * 64
        path.write_text(json.dumps(document))
    scores, (state,) = take("imdn")
    assert scores.splitlines()[1:] == []
    assert state["status"] == "unavailable"
    named = what if what == "model" else f"{what} images"
    assert state["reason"].startswith(f"the shipped scores are of other {named} (digest ")


def test_a_measure_with_other_rules_has_no_value(take: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = shipped.measure_digest
    monkeypatch.setattr(
        shipped, "measure_digest", lambda m: honest(m) + ("x" if m.startswith("ssim") else "")
    )
    scores, (state,) = take("imdn")
    assert {line.split(",")[5] for line in scores.splitlines()[1:]} == {"psnr"}
    assert state["status"] == "shipped"
    assert state["reason"].endswith("; none of ssim@y-bt601 under today's rules")


def test_which_cells_a_run_gets(run: Path, tmp_path: Path) -> None:
    shipped.add(run, tmp_path / "baselines")
    index = ShippedIndex.read(tmp_path / "baselines")
    sets = [SET, ("set14", "matlab-bicubic", 4)]
    assert shipped_cells(["all"], sets, {"imdn"}, index) == [Cell(*SET, "bicubic")]
    assert shipped_cells(["imdn", "imdn"], sets, set(), index) == [Cell(*SET, "imdn")]
    with pytest.raises(
        ConfigError, match=r"no scores of 'spam' come with the project on .*; known: bicubic, imdn"
    ):
        shipped_cells(["spam"], sets, set(), index)


@pytest.mark.parametrize("text", ["", "[]", '{"measures": {}, "models": {}, "sets": {"a": {}}}'])
def test_what_is_no_index_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(ConfigError, match="not an index of scores"):
        ShippedIndex.read(tmp_path)


def test_a_sample_is_anchors_of_single_images(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "baselines"
    shipped.add(run, folder)
    drawn = sample(9, Random(1), folder)
    assert sorted(drawn) == ["shipped set5/matlab-bicubic/x4 bicubic", "shipped set5/matlab-bicubic/x4 imdn"]
    anchor = drawn["shipped set5/matlab-bicubic/x4 imdn"]
    assert anchor["image"] in IMAGES
    assert [v["measure"] for v in anchor["values"]] == MEASURES
    assert {v["expected"] for v in anchor["values"]} == {30.142857}
    assert sample(0, Random(1), folder) == {}
