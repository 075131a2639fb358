"""The site of a run in a real browser, opened from disk."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sample_site import HOSTILE, make_run
from sisr.base.errors import ScoreError
from sisr.report.runs_page import write_comparison
from sisr.report.site.serve import serving

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

Open = Callable[..., Any]


@pytest.fixture
def opened(browser: Any, site: Path) -> Open:
    """Opens a page of the site afresh, waits until it is drawn; complaints of the console fail the test."""

    def go(page: str = "leaderboard", width: int | None = None) -> Any:
        if width:
            metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": True}
            browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get("about:blank")
        browser.get_log("browser")
        browser.get(f"{site.as_uri()}/index.html#{page}")
        settle(browser)
        return browser

    yield go
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    complaints = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert not complaints


def settle(browser: Any) -> None:
    """Wait until nothing is under way and nothing has changed for 0.3 s."""
    browser.set_script_timeout(60)
    browser.execute_async_script(
        """const done = arguments[0], busy = () => document.querySelector('main[aria-busy]');
        const later = () => setTimeout(() => { if (busy()) timer = later(); else done(); }, 300);
        let timer = later();
        new MutationObserver(() => { clearTimeout(timer); timer = later(); })
          .observe(document.body, { subtree: true, childList: true, attributes: true });"""
    )


def choose(browser: Any, option: str) -> None:
    """Choose an option of the viewer's controls by its value."""
    browser.execute_script(
        """const all = [...document.querySelectorAll('#viewer-controls select')];
        const one = all.find(s => [...s.options].some(o => o.value === arguments[0]));
        one.value = arguments[0]; one.dispatchEvent(new Event('change'));""",
        option,
    )
    settle(browser)


def css(browser: Any, selector: str) -> list[Any]:
    return browser.find_elements("css selector", selector)


def column(browser: Any, index: int) -> list[str]:
    return [
        cell.get_attribute("data-value") for cell in css(browser, f"#board tbody td:nth-of-type({index})")
    ]


def test_headings_sort_best_first_then_worst_first_then_as_before(opened: Open) -> None:
    browser = opened()
    before = column(browser, 2)
    second = "#board thead tr:last-child th:nth-child(2)"
    values = []
    for expected in ("descending", "ascending", "none"):
        css(browser, f"{second} button")[0].click()
        head = css(browser, second)[0]
        assert head.get_attribute("aria-sort") == expected
        values.append([float(v) for v in column(browser, 2) if v])
    numbers = sorted((float(v) for v in before if v), reverse=True)
    assert values[0] == numbers
    assert values[1] == numbers[::-1]
    assert column(browser, 2) == before


def test_a_mean_without_identical_images_is_ranked_by_the_mean_squared_error(opened: Open) -> None:
    """One image of model-2 is, so the column goes by that error, in which model-3 is before model-0."""
    browser = opened()
    (cell,) = (
        row.find_elements("css selector", "td")[0]
        for row in css(browser, "#board tbody tr")
        if row.get_attribute("data-model") == "model-2"
    )
    assert "without 1 identical" in cell.text
    assert "ranked by the PSNR of the mean squared error" in browser.page_source
    css(browser, "#board thead tr:last-child th:first-child button")[0].click()
    first = css(browser, "#board tbody tr")[0]
    assert first.get_attribute("data-model") == "model-3"


def test_costs_ties_and_certification_are_on_the_first_page(opened: Open) -> None:
    browser = opened()
    heads = [head.text.split(chr(10))[0] for head in css(browser, "#board thead tr:last-child th")]
    assert heads[-4:] == ["Parameters ↓", "Multiply-adds ↓", "Time / MP ↓", "Memory ↓"]
    cells = {
        row.get_attribute("data-model"): [cell.text for cell in row.find_elements("css selector", "td")][-4:]
        for row in css(browser, "#board tbody tr")
    }
    assert cells["model-0"] == ["—"] * 4
    assert cells["model-2"] == ["200.0 k", "2.0 G", "0.200 s", "2 MiB"]
    assert "1 of 2 reference values" in css(browser, "#certified")[0].text
    assert "1 FAILED: off" in css(browser, "#certified")[0].text
    dashes = {
        row.get_attribute("data-model"): row.find_elements("css selector", "td")[0].text
        for row in css(browser, "#board tbody tr")
    }
    assert dashes["failed"] == "—\nfailed"
    assert dashes["model-1"] == "—\nimages missing"
    assert "p < 0.05 after correction for all pairs" in css(browser, "#verdict")[0].text


def test_too_few_images_are_all_that_is_said_of_certainty(browser: Any, tmp_path: Path) -> None:
    site = make_run(tmp_path / "few", images=5, scales=(4,), viewer=False)
    browser.get(f"{site.as_uri()}/index.html")
    settle(browser)
    said = css(browser, "#verdict")[0].text
    assert "too few for a test" in said
    assert "p <" not in said
    assert "p =" not in said
    assert not css(browser, "#board .tie")
    ranks = pd.read_csv(tmp_path / "few" / "ranks_x4.csv")
    assert set(ranks["verdict"]) == {"best", "too few images"}
    assert ranks[["critical_difference", "friedman_p"]].isna().all(axis=None)


def test_filters_leave_what_was_asked_for(opened: Open) -> None:
    browser = opened()
    columns = len(css(browser, "#board thead tr:last-child th"))
    box = next(
        b for b in css(browser, "#filters fieldset input") if b.get_attribute("value") == "ssim@y-bt601"
    )
    box.click()
    assert len(css(browser, "#board thead tr:last-child th")) == columns - 1
    search = css(browser, "#filters input[type=search]")[0]
    search.send_keys("passwd")
    assert [row.get_attribute("data-model") for row in css(browser, "#board tbody tr")] == ["model-2"]


def test_a_number_opens_its_images_and_what_made_it(opened: Open, keep: Callable) -> None:
    browser = opened()
    button = css(browser, "#board tbody tr:last-of-type td button") or css(browser, "#board tbody td button")
    browser.execute_script("arguments[0].focus()", button[0])
    button[0].send_keys("\ue007")
    settle(browser)
    dialog = css(browser, "#details")[0]
    assert dialog.get_attribute("open") is not None
    assert css(browser, "#details svg")
    assert "psnr@y-bt601" in dialog.text
    assert "0" * 40 in dialog.text
    assert "ab" * 32 in dialog.text
    assert "cpu, 1 thread (a <processor>)" in dialog.text
    keep(browser, "details")
    css(browser, "#details form button")[0].click()
    assert dialog.get_attribute("open") is None


@pytest.mark.parametrize("form", ["markdown", "latex", "csv"])
def test_copies_hold_the_table(opened: Open, form: str) -> None:
    browser = opened()
    browser.execute_script(
        "window.said = []; SISR.copy = async text => { window.said.push(text); return true; };"
    )
    css(browser, f'[data-copy="{form}"]')[0].click()
    settle(browser)
    text = browser.execute_script("return window.said[0]")
    rows = len(css(browser, "#board tbody tr"))
    if form == "csv":
        assert text.count("\n") == rows + 1
        assert text.startswith("model,images psnr@y-bt601,images psnr@y-bt601_identical,")
        assert "inf" not in text
        assert re.search(r"(?m)^model-2,[\d.]+,1,", text)
        assert re.search(r"(?m)^model-3,[\d.]+,0,", text)
    if form == "markdown":
        assert "&lt;script&gt;" in text
        assert "<script>" not in text
        assert "**" in text
        assert "=1" in text
    if form == "latex":
        assert "\\toprule" in text
        assert "\\textbf{" in text
    assert css(browser, "#copied")[0].text.startswith("Copied")


def test_viewer_moves_all_panes_in_step(opened: Open, keep: Callable) -> None:
    browser = opened("viewer")
    panes = css(browser, "#panes")[0]
    browser.execute_script("arguments[0].focus()", panes)

    def transforms() -> list[tuple[float, ...]]:
        return browser.execute_script(
            """return [...document.querySelectorAll('#panes img')].map(i => {
              const m = new DOMMatrix(i.style.transform);
              return [m.e, m.f, m.a / Number(i.dataset.factor)]; })"""
        )

    def numbers() -> list[str]:
        return [span.text for span in css(browser, "#panes figcaption span")]

    start, whole = transforms(), numbers()
    assert len(start) == 5
    panes.send_keys("++++")
    zoomed = transforms()
    assert zoomed[0][2] == pytest.approx(start[0][2] * 1.25**4, rel=1e-4)
    panes.send_keys("\ue014\ue014")  # right
    moved = transforms()
    assert moved[0][0] < zoomed[0][0]
    for state in (start, zoomed, moved):
        assert all(pane == pytest.approx(state[0], rel=1e-4) for pane in state)
    assert "whole image" in whole[-1]
    assert "in view" in numbers()[-1]
    assert whole[-1].endswith("LPIPS 0.3750")
    assert numbers()[-1].endswith("LPIPS 0.3750")
    keep(browser, "viewer")


def test_wipe_cuts_the_upper_image_at_the_line(opened: Open, keep: Callable) -> None:
    browser = opened("viewer")
    choose(browser, "wipe")

    def at(percent: int) -> tuple[float, float]:
        return tuple(browser.execute_script(
            """const range = document.getElementById('wipe');
            range.value = arguments[0]; range.dispatchEvent(new Event('input'));
            const frame = document.querySelector('#panes .window').getBoundingClientRect();
            const upper = document.querySelectorAll('#panes img')[1];
            const matrix = new DOMMatrix(upper.style.transform);
            const cut = parseFloat(upper.style.clipPath.split(' ').pop());
            return [(matrix.e + cut * matrix.a) / frame.width * 100,
                    parseFloat(document.querySelector('.wipe-line').style.left)];""",
            percent,
        ))  # fmt: skip

    # It was shown whole before, and is so now.
    fits = browser.execute_script(
        """const frame = document.querySelector('#panes .window').getBoundingClientRect();
        const image = document.querySelector('#panes img').getBoundingClientRect();
        return Math.max(image.width / frame.width, image.height / frame.height);"""
    )
    assert fits == pytest.approx(1, abs=0.02)
    for percent in (10, 50, 90):
        assert at(percent) == pytest.approx((percent, percent), abs=0.2)
    keep(browser, "wipe")


def test_error_maps_come_with_a_histogram_and_a_scale(opened: Open, keep: Callable) -> None:
    browser = opened("viewer")
    choose(browser, "error")
    assert len(css(browser, "#panes svg.histogram")) == 3
    assert "64 levels" in css(browser, ".scale-bar")[0].text
    loaded = browser.execute_script(
        "return [...document.querySelectorAll('#panes img')].every(i => i.naturalWidth)"
    )
    assert loaded
    keep(browser, "errors")


def test_dark_and_light(opened: Open, keep: Callable) -> None:
    browser = opened()

    def page() -> str:
        return browser.execute_script("return getComputedStyle(document.body).backgroundColor")

    light = page()
    css(browser, "#theme")[0].click()
    assert page() != light
    keep(browser, "dark")
    css(browser, "#theme")[0].click()
    assert page() == light


@pytest.mark.parametrize("page", ["leaderboard", "viewer", "plots", "crops", "methods"])
def test_phone_width_has_no_sideways_scroll(opened: Open, keep: Callable, page: str) -> None:
    browser = opened(page, width=360)
    wide, window = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert (wide, window) == (360, 360)
    keep(browser, f"phone_{page}")


@pytest.mark.parametrize("page", ["leaderboard", "viewer", "plots", "crops", "methods"])
def test_nothing_leaves_the_folder_and_names_are_text(opened: Open, site: Path, page: str) -> None:
    browser = opened(page)
    asked = browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert all(name.startswith((site.as_uri(), "data:")) for name in asked)
    assert browser.title == "sample <run>: super-resolution benchmark"
    assert not browser.execute_script(
        "return document.querySelectorAll('main img[src=x], main script').length"
    )


def test_names_are_shown_as_they_are(opened: Open) -> None:
    browser = opened()
    shown = [cell.get_attribute("title") for cell in css(browser, "#board tbody th")]
    assert shown[:4] == list(HOSTILE[:4])


def violations(browser: Any, axe: str) -> list[tuple[str, list[str]]]:
    """What axe-core finds against levels A and AA: rule, and the first elements that break it."""
    browser.execute_script(axe)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    # Without preload: it would read style sheets by a request, which a page from disk may not make.
    rules = {"runOnly": {"type": "tag", "values": tags}, "preload": False}
    found = browser.execute_async_script(
        "axe.run(document, arguments[0]).then(r => arguments[1](JSON.stringify(r.violations)))",
        rules,
    )
    return [(v["id"], [n["html"][:200] for n in v["nodes"]][:3]) for v in json.loads(found)]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("page", ["leaderboard", "viewer", "plots", "crops", "methods"])
def test_no_accessibility_violation(opened: Open, axe: str, page: str, dark: bool) -> None:
    browser = opened(page)
    if dark:
        css(browser, "#theme")[0].click()
    found = violations(browser, axe)
    if dark:
        css(browser, "#theme")[0].click()
    assert found == []


def test_first_view_of_a_large_run_is_small(browser: Any, tmp_path: Path) -> None:
    """114 images and 20 models: at most 2 MB and 1 s of scripting before anything is asked for."""
    site = make_run(tmp_path / "large", images=114, models=20, viewer=False, hostile=False)
    browser.execute_cdp_cmd("Performance.enable", {})
    with serving(site.parent) as address:
        browser.get(f"{address}/site/index.html")
        settle(browser)
        sizes = browser.execute_script(
            """return ['resource', 'navigation'].flatMap(kind => performance.getEntriesByType(kind))
              .map(e => [e.name.split('/').pop(), e.transferSize])"""
        )
        metrics = {
            m["name"]: m["value"] for m in browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        }
    total = sum(size for _, size in sizes)
    print(f"first view: {total / 1e6:.2f} MB, script {metrics['ScriptDuration']:.2f} s, {sizes}")
    assert len(css(browser, "#board tbody tr")) == 21
    assert 10_000 < total <= 2_000_000
    assert 0 < metrics["ScriptDuration"] <= 1
    # Its last two models are equally good, and 113 images can tell the others from them.
    assert "Not shown to be worse" in css(browser, "#verdict")[0].text
    tied = {row.get_attribute("data-model") for row in css(browser, "#board tbody tr:has(.tie)")}
    assert tied <= {"model-18", "model-19"}
    assert tied


def test_plots_point_out_what_is_not_told_apart(opened: Open, keep: Callable) -> None:
    """By LPIPS the three complete models have ranks near 1, 2 and 3; the critical difference is 1.17."""
    from selenium.webdriver import ActionChains

    browser = opened("plots")
    assert css(browser, "#chart-training-loss svg")
    assert css(browser, "#chart-training-psnr_y svg")
    chart = "#chart-ranks-lpips-alex-v0-1-x4"
    points = css(browser, f"{chart} .mark-symbol path")

    def opacities() -> list[str]:
        return [point.get_attribute("opacity") for point in css(browser, f"{chart} .mark-symbol path")]

    assert opacities() == ["1", "1", "1"]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", points[0])
    ActionChains(browser).move_to_element(points[0]).perform()
    settle(browser)
    assert opacities() == ["1", "1", "0.2"]
    keep(browser, "ranks")
    css(browser, "#plot-controls select")[0].send_keys("×2")
    settle(browser)
    assert css(browser, "#chart-ranks-lpips-alex-v0-1-x2 svg")
    assert not css(browser, chart)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_two_runs_side_by_side(
    browser: Any, site: Path, axe: str, keep: Callable, tmp_path: Path, scheme: str
) -> None:
    """The page of `sisr compare`: hostile names, a phone's width, both schemes, no violation."""
    other = tmp_path / "other"
    other.mkdir()
    for name in ("status.csv", "provenance.json"):
        shutil.copyfile(site.parent / name, other / name)
    scores = pd.read_csv(site.parent / "scores.csv", keep_default_na=False)
    scores.loc[(scores["model"] == "model-0") & (scores["metric"] == "psnr"), "value"] += 1
    scores.loc[(scores["model"] == "model-3") & (scores["metric"] == "lpips"), "value"] += 0.1
    scores["image"] = HOSTILE[0] + scores["image"]
    scores.to_csv(other / "scores.csv", index=False)
    with pytest.raises(ScoreError, match="has 6 and 6 images"):
        write_comparison(site.parent, other, tmp_path / "page.html")
    scores["image"] = scores["image"].str.removeprefix(HOSTILE[0])
    scores.to_csv(other / "scores.csv", index=False)
    counts = write_comparison(site.parent, other, tmp_path / "page.html")
    assert (counts["better"], counts["worse"]) == (2, 2)
    metrics = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": media})
    try:
        browser.get((tmp_path / "page.html").as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth") == 360
        assert violations(browser, axe) == []
        assert not css(browser, "script")
        keep(browser, f"compare_{scheme}")
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
