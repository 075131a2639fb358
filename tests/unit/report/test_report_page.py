"""Snakemake's report: what people wrote is data in it."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docutils.core import publish_parts
from jinja2 import Environment
from sisr.base.registry import ROOT
from sisr.report.render import as_data
from sisr.studies import findings_text

TEXTS = ROOT / "workflow" / "report"
SCRIPT = "</script><script>document.title = 'hit'</script>"
#: What markup would make of a text: a file brought in, HTML as it is, an image, links, and roles.
DIRECTIVES = (
    ".. include:: /etc/passwd",
    ".. raw:: html\n\n   <script>document.title = 'hit'</script>",
    ".. image:: /etc/hostname",
    "\u2028.. include:: /etc/passwd",
    "`click <javascript:alert(1)>`_",
    "javascript:alert(1) and http://example.org",
    ":raw:`x` *a* **b** ``c`` |d| e_ `f`_ [1]_ \\",
    ".. _Workflow: javascript:alert(1)",
)


class Seen(HTMLParser):
    """Scripts, and addresses of links and images."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts = 0
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


def seen(page: str) -> Seen:
    found = Seen()
    found.feed(page)
    return found


def test_a_label_does_not_end_the_script_that_holds_it() -> None:
    data = {"label": f"Set {SCRIPT}", "breaks": ";\n    </script>", "params": ["a < b"]}
    lines = [
        "<html>",
        '    <script id="results">',
        f"    var results = {json.dumps(data)};",
        "    </script>",
        "",
    ]
    lines += [
        '    <script id="categories">',
        "    var categories = {};",
        "    </script>",
        "<p>end</p></html>",
    ]
    page = "\n".join(lines)
    assert seen(page).scripts != 2
    made = as_data(page)
    assert seen(made).scripts == 2
    assert "<p>end</p>" in made
    found = re.search(r"var results = (.*);$", made, re.M)
    assert found is not None
    assert json.loads(found[1]) == data


def test_snakemake_still_writes_its_data_where_they_are_found() -> None:
    snakemake = pytest.importorskip("snakemake.report.html_reporter")
    template = Path(snakemake.__file__).parent / "template" / "index.html.jinja2"
    page = re.sub(r"\{\{.*?\}\}", '"<"', template.read_text(encoding="utf-8"))
    holders = re.findall(r'<script id="([\w-]+)">', page)
    assert {"results", "categories", "workflow-desc", "rules"} <= set(holders)
    assert as_data(page).count("\\u003c") == len(holders)


@pytest.mark.parametrize("text", [SCRIPT, *DIRECTIVES], ids=range(1 + len(DIRECTIVES)))
def test_no_text_of_a_configuration_is_markup(text: str) -> None:
    hostile = f"before\n\n{text}\n\nafter"
    suite = {
        "description": hostile,
        "datasets": [hostile],
        "kernels": [hostile],
        "scales": [2],
        "models": [hostile],
    }
    config: dict[str, Any] = {
        "name": hostile, "suites": {hostile: suite}, "metrics": ["psnr@y-bt601"], "certification": hostile,
        "pools": {hostile: [hostile]}, "suite": [hostile], "models": hostile, "findings": {}, "compared": [2],
    }  # fmt: skip
    page = published(TEXTS / "workflow.rst", config)
    found = seen(page)
    assert found.scripts == 0
    assert set(found.addresses) == {"site/index.html", "scores.csv", "tables/comparison_x2.html"}
    assert "root:" not in page
    plain = " ".join(re.sub(r"<[^>]*>", "", page).split())
    for word in ("before", "after"):
        assert plain.count(word) == 10, "it is shown as often as it was given"


def test_findings_of_a_study_are_no_markup(tmp_path: Path) -> None:
    path = tmp_path / "misr.json"
    path.write_text(json.dumps({"findings": [f"Of {text}, one." for text in DIRECTIVES]}))
    page = published(TEXTS / "study_misr.rst", {"findings": {"misr": findings_text(path)}})
    assert seen(page).addresses == []
    assert "root:" not in page
    assert "http://example.org" in page


def published(path: Path, config: dict[str, Any]) -> str:
    """As Snakemake makes it, with the worst of settings: those of the report's call forbid files."""
    environment = Environment(trim_blocks=True, lstrip_blocks=True)
    text = environment.from_string(path.read_text(encoding="utf-8")).render(
        snakemake=SimpleNamespace(config=config, wildcards=SimpleNamespace()), categories={}, files=[]
    )
    settings = {"halt_level": 2, "report_level": 2}
    return str(publish_parts(text, writer="html", settings_overrides=settings)["body"])
