"""Captions are rendered as Snakemake's report does: Jinja2, then docutils."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docutils.core import publish_parts
from jinja2 import Environment
from sisr.base.registry import ROOT
from sisr.studies import STUDIES

REPORT = ROOT / "workflow" / "report"
CONFIG: dict[str, Any] = {
    "name": "demo",
    "suites": {
        "small": {
            "description": "all models",
            "datasets": ["set5", "set14"],
            "kernels": ["matlab-bicubic"],
            "scales": [2, 4],
            "models": ["bicubic", "span"],
        },
        "small_2": {"datasets": ["urban100"], "kernels": ["opencv-area"], "scales": [4], "models": ["vdsr"]},
    },
    "metrics": ["psnr@y-bt601", "lpips@alex-v0.1"],
    "pools": {"Set14 + Urban100": ["set14", "urban100"]},
    # What the rules add.
    "findings": dict.fromkeys(STUDIES, "Of 16 frames, img\\_001 gains 4.78 dB."),
}
WILDCARDS = {"scale": "4", "kernel": "matlab-bicubic", "dataset": "set5", "image": "img_001"}


def html(path: Path, **snakemake: Any) -> str:
    environment = Environment(trim_blocks=True, lstrip_blocks=True)
    text = environment.from_string(path.read_text(encoding="utf-8")).render(
        snakemake=SimpleNamespace(**snakemake), categories={}, files=[]
    )
    # halt_level 2: a warning of docutils (a wrong indent, an unknown link) fails the test.
    settings = {"halt_level": 2, "report_level": 2}
    return publish_parts(text, writer="html", settings_overrides=settings)["body"]


CAPTIONS = sorted(path for path in REPORT.glob("*.rst") if path.name != "workflow.rst")


@pytest.mark.parametrize("path", CAPTIONS, ids=lambda path: path.stem)
def test_caption_renders_with_all_wildcards_and_with_those_it_needs(path: Path) -> None:
    full = html(path, wildcards=SimpleNamespace(**WILDCARDS), params=SimpleNamespace(), config=CONFIG)
    bare = html(path, wildcards=SimpleNamespace(scale="4"), params=SimpleNamespace(), config=CONFIG)
    for text in (full, bare):
        assert "{{" not in text
        assert "Undefined" not in text


@pytest.mark.parametrize("study", STUDIES)
def test_caption_of_a_study_has_its_findings(study: str) -> None:
    path = REPORT / f"study_{study}.rst"
    text = html(path, wildcards=SimpleNamespace(), params=SimpleNamespace(), config=CONFIG)
    assert "Of 16 frames, img_001 gains 4.78 dB." in text


def test_workflow_text_lists_what_was_run() -> None:
    text = html(REPORT / "workflow.rst", config=CONFIG)
    for part in ("demo", "set5, set14", "urban100", "Set14 + Urban100", "psnr&#64;y-bt601", "scales 2, 4"):
        assert part in text
    assert "only" not in text.split("How the numbers")[0]


@pytest.mark.parametrize("suite", ["small", ["small"], "[small]"])
def test_workflow_text_leaves_out_suites_that_were_not_chosen(suite: object) -> None:
    text = html(REPORT / "workflow.rst", config={**CONFIG, "suite": suite, "scales": "4"})
    assert "small_2" not in text
    assert "only scales 4 were asked for" in text


def test_workflow_text_needs_no_optional_key() -> None:
    config = {key: value for key, value in CONFIG.items() if key != "pools"}
    assert "Pooled" not in html(REPORT / "workflow.rst", config=config)
