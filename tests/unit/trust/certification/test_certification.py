"""Anchors: computed, judged, written and read again."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sisr.base import registry
from sisr.base.errors import ConfigError, ScoreError
from sisr.data.assets import fetch_or_unavailable
from sisr.data.assets.fetched_asset import FetchedAsset
from sisr.report import certification_page
from sisr.scoring.metrics import fidelity
from sisr.trust import anchors, certification
from sisr.trust.anchors import Certified, chosen, judge, read, summary, write
from sisr.trust.certification import certify

Get = Callable[[str], FetchedAsset]


@pytest.fixture(scope="module")
def get(resources: Path) -> Get:
    return lambda asset: fetch_or_unavailable(asset, resources, progress=False)


@pytest.fixture(scope="module")
def quick(get: Get) -> list[Certified]:
    return certify("quick", get)


def test_quick_anchors_pass(quick: list[Certified]) -> None:
    assert [row for row in quick if row.status != "pass"] == []
    assert len(quick) == 11
    assert summary(quick) == (
        "11 of 11 reference values (5 anchors) were computed again within their tolerance: "
        "9 of 9 computed by other programs, 2 of 2 of separate calculations."
    )
    judge(quick)


@pytest.mark.mirror
@pytest.mark.slow
@pytest.mark.parametrize(
    "anchor",
    [
        "gold-lr-set5-x4",
        "rcan-log-x2",
        "rcan-log-x4",
        "rcan-protocols-x4",
        "lpips-squeeze-p0",
    ],
)
def test_full_anchors_pass(anchor: str, mirror: Path, resources: Path) -> None:
    """One of each kind; the others are in tests/golden, and in every full run."""
    rows = certify("full", lambda asset: fetch_or_unavailable(asset, resources, mirror, False), [anchor])
    assert rows
    assert [row for row in rows if row.status != "pass"] == []


def test_a_wrong_number_fails_and_is_named(quick: list[Certified], tmp_path: Path) -> None:
    wrong = [replace(quick[0], found=48.2, status="fail"), *quick[1:]]
    with pytest.raises(ScoreError) as error:
        judge(wrong)
    assert str(error.value) == (
        "certification failed: definition-psnr (psnr@rgb: expected 48.130804 within 0.000001, found 48.2)"
    )
    assert "1 FAILED: definition-psnr" in summary(wrong)
    certification_page.write(wrong, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert text.index("Failed") < text.index("Definitions and other programs")


def test_a_metric_that_moves_is_caught(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure of certification itself: 0.001 dB more, and the anchors of PSNR fail."""
    honest = fidelity.psnr_of
    monkeypatch.setattr(fidelity, "psnr_of", lambda pair: honest(pair) + 0.001)
    rows = certify("quick", get)
    assert {row.measure.split("@")[0] for row in rows if row.status == "fail"} == {"psnr"}
    with pytest.raises(ScoreError, match=r"definition-psnr .*; peers-astronaut .*; peers-camera"):
        judge(rows)


def test_what_cannot_be_had_is_not_run_with_its_reason(resources: Path, tmp_path: Path) -> None:
    def get(asset: str) -> FetchedAsset:
        return FetchedAsset(asset, "unavailable", "no route to host", {}, tmp_path)

    rows = certify("quick", get)
    assert {row.status for row in rows} == {"not run"}
    assert {row.reason for row in rows} == {"asset skimage-photos is unavailable: no route to host"}
    assert all(math.isnan(row.found) for row in rows)
    assert summary(rows).startswith("0 of 11 reference values")
    judge(rows)


def test_model_that_is_not_registered_is_not_run(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {**registry.load("anchors")["span-set5-x4"], "model": "spam"}
    monkeypatch.setattr(certification, "chosen", lambda *_: {"span-set5-x4": entry})
    monkeypatch.setattr(certification, "assets_of", lambda _: [])
    [row] = certify("full", get)
    assert (row.status, row.reason) == ("not run", "no model 'spam' in config/models.yaml")


def test_table_is_read_as_it_was_written(quick: list[Certified], tmp_path: Path) -> None:
    rows = [*quick, replace(quick[0], found=math.nan, status="not run", reason='a, "b"\n')]
    write(rows, tmp_path / "a.csv")
    write(read(tmp_path / "a.csv"), tmp_path / "b.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert [row.status for row in read(tmp_path / "a.csv")] == [row.status for row in rows]
    with pytest.raises(ScoreError, match="cannot read"):
        read(tmp_path / "none.csv")


def test_tiers_hold_those_below() -> None:
    quick, full, heavy = (list(chosen(tier)) for tier in anchors.TIERS)
    assert set(quick) < set(full) < set(heavy)
    assert list(chosen("quick", ["imdn-urban100-x4"])) == ["imdn-urban100-x4"]
    with pytest.raises(ConfigError, match="unknown anchor 'imdn-set6-x4'; did you mean"):
        chosen("full", ["imdn-set6-x4"])


def test_quick_needs_pypi_alone() -> None:
    assets = registry.load("assets")
    names = {name for anchor in chosen("quick").values() for name in anchors.assets_of(anchor)}
    assert names
    assert all("pypi" in assets[name] for name in names)


def test_anchors_name_what_exists() -> None:
    for anchor in chosen("heavy").values():
        assert set(anchors.assets_of(anchor)) <= set(registry.load("assets"))
