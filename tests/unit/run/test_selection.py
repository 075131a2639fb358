"""A run is what was asked for: cells and extras of selections from the full configuration."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from sisr.base import registry
from sisr.base.cells import Cell
from sisr.run.config import Run, read
from sisr.run.selection import EXTRAS, summary

FULL = yaml.safe_load((registry.CONFIG / "config.yaml").read_text())
MODELS = len({model for suite in FULL["suites"].values() for model in suite["models"]})
PAPERS = ["matlab-bicubic"]
SCALES = [2, 4]
SETS = ["set5", "set14", "urban100"]

#: What is asked for, and the values of the four axes whose product the run is.
SELECTIONS: list[tuple[dict[str, Any], tuple[list[str], list[str], list[int], int]]] = [
    ({"datasets": "set5,set14", "scales": "4", "models": "bicubic,vdsr"}, (SETS[:2], PAPERS, [4], 2)),
    ({"datasets": "set5", "scales": "4"}, (["set5"], PAPERS, [4], MODELS)),
    ({"scales": "4", "models": "imdn"}, (SETS, PAPERS, [4], 1)),
    ({"models": "imdn"}, (SETS, PAPERS, SCALES, 1)),
    ({"kernels": "opencv-area,bd", "models": "span", "scales": 4}, (SETS, ["opencv-area", "bd"], [4], 1)),
    ({"kernels": "pillow-box", "datasets": "set5"}, (["set5"], ["pillow-box"], SCALES, MODELS)),
    ({"datasets": "photos", "models": "bicubic"}, (["photos"], PAPERS, SCALES, 1)),
    ({"datasets": "bsd100", "models": "bicubic", "scales": "3"}, (["bsd100"], PAPERS, [3], 1)),
    ({"scales": "3", "datasets": "set5", "models": "bilinear,bicubic"}, (["set5"], PAPERS, [3], 2)),
    ({"suite": "robustness", "models": "span"}, (["set5"], FULL["suites"]["robustness"]["kernels"], [4], 1)),
]


@pytest.mark.parametrize(("asked", "wanted"), SELECTIONS, ids=[str(asked) for asked, _ in SELECTIONS])
def test_a_selection_is_a_product_and_no_more(asked: dict[str, Any], wanted: tuple[Any, ...]) -> None:
    run = read({**FULL, **asked})
    datasets, kernels, scales, models = wanted
    assert [run.values(axis) for axis in ("dataset", "kernel", "scale")] == [datasets, kernels, scales]
    assert len(run.values("model")) == models
    assert len(run.cells) == len(datasets) * len(kernels) * len(scales) * models
    assert beside(run) == set()
    assert f"= {len(run.cells)} cell" in run.summary
    assert "--config extras=" in run.summary


def beside(run: Run) -> set[str]:
    """Extras that a run has."""
    has = {
        "counts": run.cost,
        "timing": run.cost and run.cost.time,
        "ledger": run.cost and run.cost.ledger,
        "studies": run.studies,
        "loss-study": run.loss_study,
        "protocols": run.same_pixels,
        "certification": run.certify != "none",
    }
    return {name for name, there in has.items() if there}


def test_the_full_configuration_has_what_it_has_sections_for() -> None:
    assert beside(read(FULL)) == set(EXTRAS) - {"loss-study"}
    assert "without" not in read(FULL).summary
    assert beside(read({**FULL, "extras": "none"})) == set()


@pytest.mark.parametrize("extra", sorted(set(EXTRAS) - {"loss-study"}))
def test_each_extra_is_asked_for_by_one_key(extra: str) -> None:
    found = beside(read({**FULL, "datasets": "set5", "models": "vdsr", "extras": extra}))
    # Times and lower precisions stand in the table of counts.
    assert found == {extra, *({"counts"} if extra in ("timing", "ledger") else ())}


def test_an_extra_without_a_section_has_the_usual_settings() -> None:
    document = {key: value for key, value in FULL.items() if key not in ("cost", "same_pixels", "studies")}
    run = read({**document, "datasets": "set14", "models": "vdsr,imdn", "extras": "all"})
    assert beside(run) == set(EXTRAS) - {"loss-study"}
    assert run.cost is not None
    assert run.cost.ledger == "set14"
    assert run.same_pixels == {"dataset": "set14", "models": ["vdsr", "imdn"]}
    asked = read({**document, "datasets": "set14", "models": "vdsr", "extras": "timing"})
    assert asked.cost is not None
    assert asked.cost.time


def test_an_extra_leaves_the_settings_of_its_section() -> None:
    asked = {**FULL, "datasets": "set5,set14", "models": "vdsr", "scales": 4}
    document = {key: value for key, value in asked.items() if key != "cost"}
    # Of another set than the first, and without times.
    ledger = read({**document, "cost": {"time": False, "ledger": "set14"}, "extras": "ledger"})
    assert ledger.cost is not None
    assert (ledger.cost.ledger, ledger.cost.time) == ("set14", False)
    counts = read({**document, "cost": {"time": False}, "extras": "counts"})
    assert counts.cost is not None
    assert (counts.cost.ledger, counts.cost.time) == (None, False)
    assert read({**document, "extras": "protocols"}).cost is None
    pixels = {"dataset": "set14", "models": ["vdsr"]}
    assert read({**document, "same_pixels": pixels, "extras": "protocols"}).same_pixels == pixels
    assert read({**document, "studies": ["tiling"], "extras": "studies"}).studies == ("tiling",)


def test_a_summary_of_cells_that_are_no_product_and_of_shipped_scores() -> None:
    cells = [Cell("set5", "bd", 2, "a"), Cell("set5", "bd", 4, "a"), Cell("set14", "bd", 4, "b")]
    every = list(EXTRAS)
    line = "run: 3 cells of 2 datasets, 1 LR kernel, 2 scales, 2 models"
    assert summary("run", cells, [], every, {}) == line
    beside = f"{line}; beside the shipped scores of"
    assert summary("run", cells, cells[:2], every, {}) == f"{beside} 1 model"
    assert summary("run", cells, cells, every, {}) == f"{beside} 2 models"


def test_a_summary_names_what_few_values_there_are() -> None:
    run = read({**FULL, "datasets": "set5,set14", "scales": 4, "models": "bicubic,vdsr"})
    assert run.summary.startswith(
        "benchmark: 2 datasets x 1 LR kernel x 1 scale x 2 models = 4 cells "
        "(set5, set14; matlab-bicubic; x4; bicubic, vdsr); without counts, "
    )
    run = read({**FULL, "datasets": "set5", "scales": "2,4", "models": "bicubic"})
    assert "(set5; matlab-bicubic; x2, x4; bicubic); " in run.summary


def test_a_summary_names_the_entries_of_others_and_where_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    places = {("models", "vdsr"): "lab/models.yaml", ("models", "imdn"): "lab/models.yaml"}
    places |= {("datasets", "set5"): "package lab"}
    monkeypatch.setattr(registry, "origin", lambda axis, key: places.get((axis, key), ""))
    run = read({**FULL, "datasets": "set5", "scales": 4, "models": "vdsr,bicubic,imdn"})
    assert "; set5 of package lab; vdsr, imdn of lab/models.yaml; without counts, " in run.summary
