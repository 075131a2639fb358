"""Every study has what a reader looks for: a rule, a caption, a page with figures, a key of the config."""

from __future__ import annotations

import re

import pytest
import yaml
from sisr.base.registry import ROOT
from sisr.studies import STUDIES

PAGES = ROOT / "docs/studies"


@pytest.mark.parametrize("name", STUDIES)
def test_study_has_rule_caption_page_and_figures(name: str) -> None:
    rules = (ROOT / "workflow/rules/studies.smk").read_text()
    assert f"\nrule study_{name}:\n" in rules
    assert (ROOT / f"workflow/report/study_{name}.rst").is_file()
    assert (ROOT / f"scripts/study_{name}.py").is_file()
    page = (PAGES / f"{name}.md").read_text()
    links = re.findall(r"\]\(([^)#]+)", page)
    figures = [link for link in links if f"images/study_{name}_" in link]
    assert len(figures) >= 2
    for link in links:
        assert link.startswith("https://") or (PAGES / link).exists(), link
    assert f"-- study_{name}" in page
    assert f"]({name}.md)" in (PAGES / "README.md").read_text()


def test_config_knows_all_studies() -> None:
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    assert set(schema["properties"]["studies"]["items"]["enum"]) == set(STUDIES)
    benchmark = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert set(benchmark["studies"]) == set(STUDIES)
    assert "studies" not in yaml.safe_load((ROOT / "config/demo.yaml").read_text())


def test_no_figure_of_a_page_is_left_over() -> None:
    linked = {
        name for page in PAGES.glob("*.md") for name in re.findall(r"images/(study_[\w.]+)", page.read_text())
    }
    assert {path.name for path in (ROOT / "docs/images").glob("study_*")} == linked
