"""The workflow's files: rules by room, helpers beside them, a script of each rule's name."""

from __future__ import annotations

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

import pytest
from sisr.base.registry import ROOT
from test_rooms import MAY_IMPORT

WORKFLOW = ROOT / "workflow"
# What is no stage: where the checkout is, and what all rules ask.
SHARED = {"checkout", "common"}
LONGEST = {"common": 250}


def stages(folder: str) -> dict[str, Path]:
    """Stage, with the subject where its room has a folder ("report/site") -> file."""
    files = sorted((WORKFLOW / folder).rglob("*.smk"))
    return {path.relative_to(WORKFLOW / folder).with_suffix("").as_posix(): path for path in files}


def room(stage: str) -> str:
    return stage.partition("/")[0]


RULE_FILES, HELPERS = stages("rules"), stages("helpers")
TEXTS = {stage: path.read_text(encoding="utf-8") for stage, path in RULE_FILES.items()}
RULES = {
    rule: (stage, body)
    for stage, text in TEXTS.items()
    for rule, body in re.findall(r"(?ms)^rule (\w+):\n(.*?)(?=^\S|\Z)", text)
}
# The others are targets, without work of their own.
WORKING = [rule for rule, (_, body) in RULES.items() if "    output:\n" in body]


def test_files_are_named_as_the_rooms() -> None:
    assert {room(stage) for stage in RULE_FILES} - SHARED <= set(MAY_IMPORT)
    # Of models there is much to ask and nothing to run.
    assert set(HELPERS) - set(RULE_FILES) == {"models"}
    assert not [
        path for path in WORKFLOW.rglob("*.smk") if path not in {*RULE_FILES.values(), *HELPERS.values()}
    ]


def test_every_file_is_included_in_the_order_of_the_rooms() -> None:
    included = re.findall(
        r'(?m)^include: (RULES|HELPERS) / "([\w/]+)\.smk"$', (WORKFLOW / "Snakefile").read_text()
    )
    folders = {"RULES": "rules", "HELPERS": "helpers"}
    assert sorted((folders[base], stage) for base, stage in included) == sorted(
        [("rules", stage) for stage in RULE_FILES if stage != "checkout"]
        + [("helpers", stage) for stage in HELPERS]
    )
    rooms = list(dict.fromkeys(room(stage) for _, stage in included if stage not in SHARED))
    for place, one in enumerate(rooms):
        # A stage may name what the stages before it have, as a room may import.
        assert not [later for later in rooms[place + 1 :] if later in MAY_IMPORT[one]]


@pytest.mark.parametrize("stage", [*RULE_FILES, *(f"helpers {stage}" for stage in HELPERS)])
def test_no_file_is_too_long(stage: str) -> None:
    path = HELPERS[stage.removeprefix("helpers ")] if stage.startswith("helpers ") else RULE_FILES[stage]
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST.get(stage, 300)


@pytest.mark.parametrize("rule", WORKING)
def test_a_rule_runs_the_script_of_its_name_counts_its_code_and_logs_under_its_name(rule: str) -> None:
    stage, body = RULES[rule]
    assert re.findall(r'(?m)^        "<logs>/(\w+)[./].*log"', body) == [rule]
    up = "../" * (2 + stage.count("/"))
    assert re.findall(r'(?m)^    script:\n        "(.*)"$', body) == [f"{up}scripts/{rule}.py"]
    # An asset is what its checksum says, however it was fetched.
    assert re.findall(r'code_of\("(\w+)"', body) == ([] if rule == "fetch_asset" else [rule])
    text = (ROOT / "scripts" / f"{rule}.py").read_text(encoding="utf-8")
    assert (ast.get_docstring(ast.parse(text)) or "").startswith(f"Rule {rule}: ")
    assert f"from sisr.{room(stage)}" in text, f"{rule} runs nothing of the room {room(stage)}"


def test_every_script_is_a_rule_s() -> None:
    assert {path.stem for path in (ROOT / "scripts").glob("*.py")} == set(WORKING)


def test_no_script_hides_a_module() -> None:
    """The folder of the scripts stands first where Python looks for modules."""
    installed = {*sys.stdlib_module_names, *metadata.packages_distributions()}
    assert installed & set(WORKING) == set()


def test_what_is_shown_stands_beside_its_rule() -> None:
    """No list of what the report shows anywhere else, so that a plot needs no edit there."""
    shown = {stage for stage, text in TEXTS.items() if re.search(r"\breport\(", text)}
    adding = {stage for stage, text in TEXTS.items() if "REPORT_ITEMS += " in text}
    assert shown == adding
    # A study's outputs add themselves, where the configuration names the study.
    helpers = {stage: path.read_text(encoding="utf-8") for stage, path in HELPERS.items()}
    assert {stage for stage, text in helpers.items() if re.search(r"REPORT_ITEMS(\.| \+=)", text)} == {
        "studies"
    }


def test_the_map_has_the_rules_of_every_room() -> None:
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| \[`([\w/]+)\.smk`\]\(([^)]+)\) \| (.*) \|$", text)
    assert {stage: set(re.findall(r"`(\w+)`", rules)) for stage, _, rules in rows} == {
        stage: {rule for rule, (of, _) in RULES.items() if of == stage} for stage in set(TEXTS) - SHARED
    }
    assert all((ROOT / "docs" / link).resolve() == RULE_FILES[stage] for stage, link, _ in rows)
