"""Every text of a person's is text on every page, in a real browser; standalone pages fit everyone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import hostile_registries
import pandas as pd
import pytest
from driving import settle, violations
from hostile_registries import SAID
from sample_site import HOSTILE, KERNEL
from sisr.analysis import summaries
from sisr.analysis.audit import KernelPhase, ModelShift, Shift
from sisr.analysis.phase import RampShift
from sisr.base import registry
from sisr.base.atomic import write_json
from sisr.models.licences import licences_of
from sisr.models.model_entries import entry_of
from sisr.report import cost_table, ledger_page, listing, protocol_page, reproduced_page
from sisr.report.bench_verdict import Verdict, make_verdict
from sisr.report.certification_page import write as certification_page
from sisr.report.comparison import make_comparison
from sisr.report.phase_pages import write_kernels, write_models
from sisr.report.render import render_report
from sisr.report.result_tables import make_tables
from sisr.report.robustness_page import Outputs, make_robustness
from sisr.report.runs_page import write_comparison
from sisr.report.shown_run import Names, ShownRun, names
from sisr.report.site.build import Extras, build_site
from sisr.report.site.origins import Origins, WeightsOrigin
from sisr.trust import anchors, references
from sisr.trust.protocol_table import Pixels
from sisr.trust.reproduced import Reproduced

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("ignore:constrained_layout not applied"),
]

MODELS, KERNELS = ("bicubic", "span", "realesrgan"), (KERNEL, "opencv-linear")
MEASURES = ("psnr@y-bt601", "lpips@alex-v0.1")
#: What begins each text, as it must be read.
START = SAID.split("\n")[0]
WIDTHS = (390, 768, 1024, 1400)


def forget() -> None:
    """Let the library read its registries anew."""
    for name, module in list(sys.modules.items()):
        for one in vars(module).values() if name.startswith("sisr.") else ():
            if hasattr(one, "cache_clear"):
                one.cache_clear()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What a run shows whose registries, configuration, images and reasons are hostile, from given scores."""
    folder, config = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("config")
    hostile_registries.write(config)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(registry.DEPLOYMENT, str(config))
        forget()
        render(folder)
        yield folder
    forget()


def render(folder: Path) -> None:
    images = [f"{text} {i}" for i, text in enumerate((*HOSTILE, SAID))]
    write_json(
        folder / "hr.json", {"dataset": "set5", "images": [{"name": n, "file": "x.png"} for n in images]}
    )
    rows = [
        ("set5", name, kernel, 4, model, *measure.split("@"), 20.0 + k + i / 10)
        for kernel in KERNELS
        for k, model in enumerate(MODELS)
        for measure in MEASURES
        for i, name in enumerate(images)
    ]
    pd.DataFrame(rows, columns=list(summaries.SCORE_COLUMNS)).to_csv(folder / "scores.csv", index=False)
    status = [("set5", k, 4, m, "ok", "", len(images)) for k in KERNELS for m in MODELS]
    status.append(("set5", KERNEL, 4, "vdsr", "failed", SAID, 0))
    pd.DataFrame(status, columns=list(summaries.STATUS_COLUMNS)).to_csv(folder / "status.csv", index=False)
    shown = names(MEASURES, [*MODELS, "vdsr"], ["set5"], KERNELS, {f"Pool {SAID}": ["set5"]}, ["vdsr"])
    run = ShownRun(folder / "scores.csv", {"set5": folder / "hr.json"}, shown)
    out = folder / "pages"
    make_tables(run, folder / "status.csv", 4, out)
    make_comparison(
        run, folder / "status.csv", 4, pairs=out / "pairs.csv", ranks=out / "ranks.csv",
        page=out / "comparison.html", diagram=out / "ranks.svg",
    )  # fmt: skip
    make_verdict([Verdict(run, folder / "status.csv", None, "span", 4)], out / "v.txt", out / "verdict.html")
    drawn = Outputs(out / "r.csv", out / "heat.svg", out / "order.svg", out, out / "robustness.html")
    make_robustness(run, {}, 4, drawn)
    certified = of_anchors()
    certification_page(certified, out / "certification.html")
    anchors.write(certified, folder / "certification.csv")
    found = [Reproduced(one, one.value + 1, SAID) for one in references.load()[:9]]
    reproduced_page.page(found, out / "published.html")
    protocol_page.page(
        {Pixels(f"A {SAID}", "set5", 4, ()): {"psnr@rgb": 30.0}}, [SAID], out / "protocols.html"
    )
    phase_pages(shown, out)
    ledger = {"model": "span", "scale": 4, "dataset": SAID, "kernel": SAID, "device": SAID, "rows": [
        {"precision": "fp16", "status": "failed", "reason": SAID}]}  # fmt: skip
    (out / "ledger.html").write_text(ledger_page.to_html([ledger], shown.models), encoding="utf-8")
    cells = [listing.Entry(text, "text", hint=text) for text in (*HOSTILE, SAID)]
    block = listing.Block(SAID, [(text, text) for text in (*HOSTILE, SAID)], [cells])
    listing.write_page(listing.Page(SAID, [SAID], [block], [SAID]), out / "listing.html")
    line = cost_table.CostLine(SAID, ("1",), (1.0,), "a")
    column = SimpleNamespace(heading=SAID, unit=SAID)
    cost = cost_table.CostTable(4, (column,), (line,), (("a", SAID),), (SAID,))
    (out / "cost.html").write_text(cost_table.to_html(cost), encoding="utf-8")
    provenance = {
        "config": hostile_registries.configuration("demo.yaml"), "commit": SAID, "python": SAID, "assets": {},
        "uncommitted_changes": True,
        "packages": {"numpy": SAID, "torch": SAID},
        "machine": {"processor": SAID, "gpus": [SAID], "system": SAID},
    }  # fmt: skip
    write_json(folder / "provenance.json", provenance)
    site(folder, run)
    other = folder / "other"
    other.mkdir()
    for name in ("scores.csv", "status.csv"):
        shutil.copyfile(folder / name, other / name)
    (folder / "provenance.json").rename(folder / "made.json")
    write_comparison(folder, other, out / "runs.html")


def of_anchors() -> list[anchors.Certified]:
    """A failure of each anchor."""
    return [
        anchors.Certified(
            key, entry["label"], value["measure"], value.get("image", ""), 28.12345, entry.get("source", ""),
            27.9, 1e-6, "fail", SAID, "peer",
        )
        for key, entry in registry.load("anchors").items()
        for value in entry.get("values", ())[:1]
    ]  # fmt: skip


def phase_pages(shown: Names, out: Path) -> None:
    moved = Shift(0.5, 0.5, 0.1, 9)
    ramp = RampShift(0.5, 0.5, 0.0, 0.0)
    rows = [KernelPhase(k, shown.kernels[k], 4, (0.0, 0.0), ramp, "set5", moved) for k in KERNELS]
    write_kernels(rows, shown.datasets, out / "k.csv", out / "phase_kernels.html")
    shifts = [ModelShift("set5", KERNEL, model, moved, moved) for model in MODELS]
    labels = {"models": shown.models, "kernels": shown.kernels, "datasets": shown.datasets}
    write_models(shifts, 4, labels, out / "m.csv", out / "phase_models.html")


def site(folder: Path, run: ShownRun) -> None:
    facts = {}
    for model in run.names.models:
        entry = entry_of(model)
        stated = licences_of(entry)
        facts[model] = {**entry, "weights_licence": stated.weights, "licence_also_stated": stated.also_stated}
    extras = Extras(
        ranks=[folder / "pages" / "ranks.csv"],
        pairs=[folder / "pages" / "pairs.csv"],
        certification=folder / "certification.csv",
    )
    origins = Origins(
        {(model, 4): WeightsOrigin(SAID, {SAID: "ab" * 32}) for model in MODELS},
        {f"set5/{kernel}/x4/{model}": SAID for kernel in KERNELS for model in MODELS},
        facts,
    )
    build_site(folder / "site", run, folder / "status.csv", folder / "provenance.json", extras, origins)


def unharmed(browser: Any, page: str) -> str:
    """The page's text, after nothing of what was said has run, loaded anything or become a link."""
    complaints = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not complaints, page
    hacked, title, elements, links, text = browser.execute_script(
        """return [window.hacked, document.title,
             document.querySelectorAll('img[src=x], iframe, base').length,
             [...document.querySelectorAll('a, form, [src]')].map(a => a.href || a.action || a.src || '')
               .filter(address => !/^(file:|https:|data:image)/.test(address)),
             document.documentElement.textContent]"""
    )
    assert hacked is None, page
    assert title != "broken", page
    assert elements == 0, page
    assert links == [], page
    assert "root:" not in text, page
    return str(text)


def opened(browser: Any, address: str) -> None:
    browser.get("about:blank")
    browser.get_log("browser")
    browser.get(address)


def test_every_registry_says_it() -> None:
    """The schemas leave no registry without free text, and identifiers are left alone."""
    rules = registry.schema("models")
    entry = {"m": {"label": "M", "engine": "torch", "licence": "MIT", "tags": ["gan"], "year": 2020}}
    said = hostile_registries.filled(entry, rules, rules, hostile_registries.NAMES)["m"]
    assert said == {**entry["m"], "label": f"M {SAID}", "licence": f"MIT {SAID}"}


def test_no_text_on_the_site_runs_or_brings_a_file_in(browser: Any, run: Path) -> None:
    for page in (
        "leaderboard",
        "viewer",
        "plots",
        "crops",
        "methods",
        "learn",
        *(f"model?id={m}" for m in MODELS),
    ):
        opened(browser, f"{(run / 'site' / 'index.html').as_uri()}#{page}")
        settle(browser)
        assert START in unharmed(browser, page), page
    for button in browser.find_elements("css selector", "#board tbody button")[:3]:
        browser.execute_script("arguments[0].click()", button)
        settle(browser)
        unharmed(browser, "a number")


def test_no_text_on_a_standalone_page_runs_or_brings_a_file_in(browser: Any, run: Path) -> None:
    pages = sorted((run / "pages").glob("*.html"))
    assert len(pages) == 13
    for page in [*pages, *(run / "pages").glob("*.svg")]:
        opened(browser, page.as_uri())
        # Figures have their texts as outlines.
        assert START in unharmed(browser, page.name) or page.suffix == ".svg", page.name


def test_standalone_pages_have_landmarks_and_fit_every_window(browser: Any, axe: str, run: Path) -> None:
    """One language, header, main part and first heading; only a table's own frame may move sideways."""
    try:
        for page in sorted((run / "pages").glob("*.html")):
            browser.get(page.as_uri())
            counts = browser.execute_script(
                "return ['html[lang=en]', 'body > header', 'body > main', 'header h1', 'h1']"
                ".map(one => document.querySelectorAll(one).length)"
            )
            assert counts == [1] * 5, page.name
            for width in WIDTHS:
                metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
                browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
                wide, frames = browser.execute_script(
                    """const frames = [...document.querySelectorAll('.scroll')];
                    return [document.documentElement.scrollWidth,
                      frames.filter(frame => frame.scrollWidth > frame.clientWidth).length];"""
                )
                assert wide == width, page.name
                assert page.name != "certification.html" or frames == 0, f"{page.name}: wraps or stacks"
            # Themes share their rules: the dark one is looked at where most kinds of cells are.
            schemes = ("light", "dark") if page.name in ("listing.html", "x4.html") else ("light",)
            for scheme in schemes:
                media = [{"name": "prefers-color-scheme", "value": scheme}]
                browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
                assert violations(browser, axe) == [], (page.name, scheme)
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_no_text_is_a_command_of_latex(run: Path) -> None:
    lines = (run / "pages" / "x4.tex").read_text(encoding="utf-8").splitlines()
    typeset = [line for line in lines if "window.hacked" in line and not line.startswith("%")]
    assert typeset
    for line in typeset:
        assert r"\input" not in line
        assert r"\textbackslash{}input\{x\}\$\&\%\#\_\textasciicircum{}\textasciitilde{}\$" in line


def test_no_text_of_a_configuration_is_markup_in_the_report(browser: Any, tmp_path: Path) -> None:
    from docutils.core import publish_file
    from jinja2 import Environment

    texts = registry.ROOT / "workflow" / "report"
    config = {
        **hostile_registries.configuration("demo.yaml"),
        "certification": SAID,
        "findings": {},
        "compared": [2],
    }
    environment = Environment(trim_blocks=True, lstrip_blocks=True)
    text = environment.from_string((texts / "workflow.rst").read_text(encoding="utf-8")).render(
        snakemake=SimpleNamespace(config=config, wildcards=SimpleNamespace()), categories={}, files=[]
    )
    (tmp_path / "page.rst").write_text(text, encoding="utf-8")
    page = tmp_path / "page.html"
    publish_file(
        source_path=str(tmp_path / "page.rst"), destination_path=str(page), writer="html",
        settings_overrides={"halt_level": 2, "report_level": 2, "_disable_config": True},
    )  # fmt: skip
    opened(browser, page.as_uri())
    assert START in unharmed(browser, page.name)


@pytest.mark.release
def test_no_text_runs_in_the_report_of_snakemake(browser: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """Snakemake's own report of a rule whose labels, parameters and configuration are hostile.

    Categories are not: the workflow's are its own words and ids.
    """
    monkeypatch.chdir(tmp_path)
    shutil.copytree(registry.ROOT / "workflow" / "report", tmp_path / "report")
    config = tmp_path / "config.json"  # which is YAML, too
    said = hostile_registries.configuration("demo.yaml")
    # Braces are wildcards to Snakemake.
    label = SAID.replace("{x}", "(x)")
    write_json(config, {**said, "certification": SAID, "compared": [2], "said": label})
    snakefile = tmp_path / "Snakefile"
    snakefile.write_text(
        'report: "report/workflow.rst"\n'
        "rule page:\n"
        '    output: report("page.html", caption="report/table.rst", category="Tables",'
        ' labels={"table": config["said"]})\n'
        '    params: said=config["said"]\n'
        '    shell: "echo page > {output}"\n',
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "snakemake", "--snakefile", "Snakefile", "--configfile", "config.json",
               "--profile", "none", "--cores", "1", "page.html"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True)
    render_report(snakefile, config, ["page.html"], tmp_path / "report.html")
    opened(browser, (tmp_path / "report.html").as_uri())
    settle(browser)
    text = browser.execute_script("return document.getElementById('app').innerText")
    hacked, title = browser.execute_script("return [window.hacked, document.title]")
    assert (hacked, title != "broken") == (None, True)
    # What was said of the run is read on the first page, and the page is whole down to its last part.
    assert START in text
    assert "How the numbers are made" in text
    assert not browser.execute_script("return document.querySelectorAll('a[href^=javascript]').length")
    assert "root:" not in text
