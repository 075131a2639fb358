"""Anchors: computed, judged, written and read again."""

from __future__ import annotations

import math
from collections import Counter
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

ROOT = Path(__file__).resolve().parents[4]
Get = Callable[[str], FetchedAsset]
#: Assets that have an address and a checksum, and of which the mirror of the tests has no copy.
ELSEWHERE = {f"smfanet-plus-x{scale}" for scale in (2, 3, 4)}


@pytest.fixture(scope="module")
def get(resources: Path) -> Get:
    return lambda asset: fetch_or_unavailable(asset, resources, progress=False)


@pytest.fixture(scope="module")
def quick(get: Get) -> list[Certified]:
    return certify(chosen("quick"), get)


def test_quick_anchors_pass(quick: list[Certified]) -> None:
    assert [row for row in quick if row.status != "pass"] == []
    assert len(quick) == 18
    assert summary(quick) == (
        "18 of 18 reference values (7 anchors) were computed again within their tolerance: "
        "16 of 16 computed by other programs, 2 of 2 of separate calculations."
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
    rows = certify(
        chosen("full", [anchor]), lambda asset: fetch_or_unavailable(asset, resources, mirror, False)
    )
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
    rows = certify(chosen("quick"), get)
    assert {row.measure.split("@")[0] for row in rows if row.status == "fail"} == {"psnr"}
    with pytest.raises(ScoreError, match=r"definition-psnr .*; peers-astronaut .*; peers-camera"):
        judge(rows)


def test_what_cannot_be_had_is_not_run_with_its_reason(resources: Path, tmp_path: Path) -> None:
    def get(asset: str) -> FetchedAsset:
        return FetchedAsset(asset, "unavailable", "no route to host", {}, tmp_path)

    rows = certify(chosen("quick"), get)
    assert {row.status for row in rows} == {"not run"}
    assert {row.reason for row in rows} == {"asset skimage-photos is unavailable: no route to host"}
    assert all(math.isnan(row.found) for row in rows)
    assert summary(rows).startswith("0 of 18 reference values")
    judge(rows)


def test_model_that_is_not_registered_is_not_run(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {**registry.load("anchors")["span-set5-x4"], "model": "spam"}
    monkeypatch.setattr(certification, "assets_of", lambda _: [])
    [row] = certify({"span-set5-x4": entry}, get)
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


def test_as_many_numbers_as_the_pages_claim() -> None:
    """Of the full tier with the assets of the mirror, PyPI and the project; each kind apart."""
    numbers = [
        (value.get("given_by", anchor["given_by"]), anchor)
        for anchor in chosen("full").values()
        if not set(anchors.assets_of(anchor)) & ELSEWHERE
        for value in anchor["values"]
    ]
    givers = Counter(giver for giver, _ in numbers)
    assert len(numbers) >= 200
    assert set(givers) == set(anchors.GIVEN_BY)
    networks = [(giver, a) for giver, a in numbers if a.get("model", "bicubic") != "bicubic" or a.get("sr")]
    assert sum(giver == "authors" for giver, _ in networks) >= 60
    recent = [giver for giver, anchor in networks if 2023 <= year_of(anchor.get("model")) <= 2026]
    assert len(recent) >= 25
    assert recent.count("authors") >= 15
    assert sum(len(anchor["values"]) for anchor in chosen("quick").values()) >= 12


def test_page_has_the_counts_of_the_registry() -> None:
    lines = (ROOT / "docs/certification.md").read_text(encoding="utf-8").splitlines()
    for tier in anchors.TIERS:
        mine = [anchor for anchor in registry.load("anchors").values() if anchor["tier"] == tier]
        givers = Counter(v.get("given_by", a["given_by"]) for a in mine for v in a["values"])
        cells = [tier, *(str(givers[giver]) for giver in anchors.GIVEN_BY), str(givers.total())]
        assert f"| {' | '.join(cells)} |" in lines


def year_of(model: str | None) -> int:
    """Year of a model's paper."""
    return int(str(registry.load("models")[model]["paper"])[-4:]) if model else 0


def test_anchors_name_what_exists() -> None:
    for anchor in chosen("heavy").values():
        assert set(anchors.assets_of(anchor)) <= set(registry.load("assets"))
