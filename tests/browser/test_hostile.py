"""Every text of a person's is text on every page that stands alone, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from sample_site import HOSTILE, KERNEL, MEASURES
from sisr.analysis import summaries
from sisr.report import cost_table, listing, table_writers, tables
from sisr.report.bench_verdict import Verdict, make_verdict
from sisr.report.certification_page import write as certification_page
from sisr.report.comparison import make_comparison
from sisr.report.shown_run import Names, ShownRun
from sisr.trust.anchors import Certified

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:constrained_layout not applied"),
]

TEXTS = (
    *HOSTILE,
    ".. include:: /etc/passwd",
    "`click <javascript:document.title='broken'>`_",
    "javascript:document.title='broken'",
    r"\input{/etc/passwd} $x_1^2$ & 100 % # ~ {braces} {{ 7 * 7 }} {% raw %}",
)


def names() -> Names:
    models = {f"m{i}": f"{text} {i}" for i, text in enumerate(TEXTS)}
    label = f"{TEXTS[0]} {TEXTS[-1]}"
    return Names(
        MEASURES, models, {"d": f"Set {label}"}, {KERNEL: f"Kernel {label}"}, {f"Pool {label}": ["d"]}
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The pages of a run whose labels, images and reasons are hostile."""
    folder, shown = tmp_path_factory.mktemp("pages"), names()
    rows = [
        ("d", f"{text} {i}", KERNEL, 4, model, m.metric, m.protocol, 20.0 + k + i / 10)
        for k, model in enumerate(shown.models)
        for m in MEASURES
        for i, text in enumerate(TEXTS)
    ]
    scores = pd.DataFrame(rows, columns=list(summaries.SCORE_COLUMNS))
    scores.to_csv(folder / "scores.csv", index=False)
    status = [("d", KERNEL, 4, model, "ok", "", len(TEXTS)) for model in shown.models]
    status.append(("d", KERNEL, 4, "bad", "failed", " ".join(TEXTS), 0))
    frame = pd.DataFrame(status, columns=list(summaries.STATUS_COLUMNS))
    frame.to_csv(folder / "status.csv", index=False)
    caveats = {"m0": tables.Caveat("†", " ".join(TEXTS), TEXTS[0])}
    made = table_writers.render(summaries.summarise(scores, shown.pools), frame, shown, 4, folder, caveats)
    (folder / "hr.json").write_text('{"dataset": "d", "images": []}', encoding="utf-8")
    run = ShownRun(folder / "scores.csv", {}, shown)
    make_comparison(
        run, folder / "status.csv", 4, pairs=folder / "pairs.csv", ranks=folder / "ranks.csv",
        page=folder / "pairs.html", diagram=folder / "ranks.svg",
    )  # fmt: skip
    make_verdict(
        [Verdict(run, folder / "status.csv", None, "m1", 4)], folder / "v.txt", folder / "verdict.html"
    )
    row = Certified("a", TEXTS[0], "psnr@rgb", TEXTS[1], 1.0, TEXTS[2], 2.0, 0.1, "fail", " ".join(TEXTS))
    certification_page([row], folder / "certification.html")
    cells = [listing.Entry(text, "text", hint=text) for text in TEXTS]
    block = listing.Block(TEXTS[0], [(text, text) for text in TEXTS], [cells])
    listing.write_page(listing.Page(TEXTS[1], TEXTS, [block], TEXTS), folder / "listing.html")
    line = cost_table.CostLine(TEXTS[0], ("1",), (1.0,), "a")
    column = SimpleNamespace(heading=TEXTS[1], unit=TEXTS[2])
    cost = cost_table.CostTable(4, (column,), (line,), (("a", " ".join(TEXTS)),), TEXTS)
    (folder / "cost.html").write_text(cost_table.to_html(cost), encoding="utf-8")
    return [made["html"], *sorted(set(folder.glob("*.html")) - {made["html"]}), folder / "ranks.svg"]


def test_no_text_runs_leaves_its_element_or_brings_a_file_in(browser: Any, pages: list[Path]) -> None:
    assert len(pages) == 7
    for page in pages:
        browser.get("about:blank")
        browser.get_log("browser")
        browser.get(page.as_uri())
        assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"], page.name
        assert browser.execute_script("return document.title") != "broken", page.name
        assert browser.execute_script("return document.querySelectorAll('img, iframe, base').length") == 0
        links = browser.execute_script(
            "return [...document.querySelectorAll('a')].map(a => a.href).filter(h => !h.startsWith('file:'))"
        )
        assert links == [], page.name
        text = browser.execute_script("return document.documentElement.textContent")
        # Figures have their texts as outlines.
        assert TEXTS[0] in text or page.suffix == ".svg", f"{page.name}: shown as it is"
        assert "root:" not in text, page.name


def test_no_text_is_a_command_of_latex() -> None:
    shown = names()
    latex = [table_writers._tex(label) for label in (*shown.models.values(), *shown.groups.values())]
    for text in latex:
        assert r"\input" not in text
        assert not re.search(r"(?<!\\)[%#_&]", text)
