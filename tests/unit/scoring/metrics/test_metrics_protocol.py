from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from sisr.base import extensions, registry
from sisr.base.errors import ConfigError
from sisr.scoring.metrics import (
    FidelityProtocol,
    Measure,
    NetworkProtocol,
    parse_measure,
    parse_measures,
    protocol,
)
from sisr.scoring.metrics.code import target
from sisr.scoring.metrics.protocol import fidelity_measures, fidelity_protocol


def test_every_metric_has_its_protocols_and_a_function() -> None:
    protocols = registry.load("protocols")
    for name, entry in registry.load("metrics").items():
        if "unavailable" in entry:
            continue
        for key in entry["protocols"]:
            measure = parse_measure(f"{name}@{key}")
            assert protocols[key]["family"] == "fidelity" or not measure.on_planes
            assert callable(extensions.load(target(measure)))
            assert (measure.id, measure.metric, measure.protocol) == (f"{name}@{key}", name, key)


def test_every_protocol_is_used() -> None:
    used = {key for entry in registry.load("metrics").values() for key in entry["protocols"]}
    assert used == set(registry.load("protocols")) - {"whole-rgb"}  # for metrics that are still to come


def test_a_measure_of_another_folder(tmp_path: Path) -> None:
    metric, rules = registry.load("metrics")["psnr"], registry.load("protocols")["rgb"]
    (tmp_path / "metrics.yaml").write_text(yaml.safe_dump({"mine": {**metric, "protocols": ["plain"]}}))
    (tmp_path / "protocols.yaml").write_text(yaml.safe_dump({"plain": rules}))
    assert parse_measure("mine@plain", tmp_path).id == "mine@plain"
    with pytest.raises(ConfigError, match="unknown metric 'mine'"):
        parse_measure("mine@plain")


def test_labels_are_distinct() -> None:
    labels = [
        parse_measure(f"{name}@{key}").label
        for name, entry in registry.load("metrics").items()
        if "unavailable" not in entry
        for key in entry["protocols"]
    ]
    assert len(set(labels)) == len(labels)
    assert {"PSNR-Y", "SSIM-Y", "PSNR-RGB", "LPIPS"} <= set(labels)


def test_measure_carries_what_tables_show() -> None:
    PSNR = "sisr.scoring.metrics.fidelity:psnr_of"
    expected = Measure("psnr", "y-bt601", "PSNR-Y", "dB", "higher", 2, 6, PSNR, True)
    assert parse_measure("psnr@y-bt601") == expected
    assert parse_measure("lpips@alex-v0.1").direction == "lower"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("psnr", "measure 'psnr': expected METRIC@PROTOCOL"),
        ("pnsr@y-bt601", "unknown metric 'pnsr'; did you mean 'psnr'?"),
        ("psnr@y-bt61", "unknown protocol 'y-bt61'; did you mean 'y-bt601'?"),
        ("lpips@y-bt601", "lpips is not defined under y-bt601; its protocols: alex-v0.1"),
        ("psnr@alex-v0.1", "psnr is not defined under alex-v0.1"),
    ],
)
def test_wrong_measure_is_one_line_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        parse_measure(text)
    assert "\n" not in str(caught.value)


def test_list_of_measures() -> None:
    texts = ["ssim@y-bt601", "psnr@rgb"]
    assert [measure.id for measure in parse_measures(texts)] == texts
    assert parse_measures(parse_measures(texts)) == parse_measures(texts)
    with pytest.raises(ConfigError, match="'psnr@rgb' twice"):
        parse_measures(["psnr@rgb", "psnr@rgb"])
    with pytest.raises(ConfigError, match="no measure"):
        parse_measures([])


def test_protocol_objects() -> None:
    found = protocol("y-bt601")
    assert isinstance(found, FidelityProtocol)
    assert (found.border(2), found.border(4)) == (2, 4)
    assert fidelity_protocol("y-bt601-crop6").border(4) == 10
    assert fidelity_protocol("y-bt601-nocrop").border(4) == 0
    assert protocol("vgg-v0.1") == NetworkProtocol("vgg-v0.1", "vgg", "0.1")
    with pytest.raises(ConfigError, match="family network"):
        fidelity_protocol("vgg-v0.1")
    with pytest.raises(ConfigError, match="did you mean 'y-bt601'"):
        protocol("y-bt602")


@pytest.mark.parametrize(
    "change", [{"net": "alex"}, {"crop": "six"}, {"colour": "y"}, {"luma": None}, {"family": "network"}]
)
def test_schema_refuses(change: dict[str, object]) -> None:
    entry = {**registry.load("protocols")["y-bt601"], **change}
    with pytest.raises(ConfigError):
        registry.validate({"mine": entry}, "protocols", "protocols.yaml")


@pytest.mark.parametrize(
    ("value", "text"), [(float("inf"), "inf"), (38.27416794, "38.274168"), (0.0, "0.000000")]
)
def test_value_as_text(value: float, text: str) -> None:
    assert parse_measure("psnr@y-bt601").format(value) == text


def test_fidelity_measures_are_those_that_the_registry_allows() -> None:
    """By protocols in their order, and of each PSNR before SSIM."""
    found = fidelity_measures()
    assert found[:2] == ["psnr@y-bt601", "ssim@y-bt601"]
    places = [list(registry.load("protocols")).index(measure.partition("@")[2]) for measure in found]
    assert places == sorted(places)
    for metric in ("psnr", "ssim"):
        allowed = registry.entry("metrics", metric)["protocols"]
        assert {m for m in found if m.startswith(f"{metric}@")} == {f"{metric}@{one}" for one in allowed}
    assert {measure.partition("@")[0] for measure in found} == {"psnr", "ssim"}


def test_a_network_s_protocol_has_what_its_entry_says() -> None:
    found = protocol("koniq-20x224-seed123")
    assert isinstance(found, NetworkProtocol)
    assert (found.net, found.version, found.crops, found.seed) == ("maniqa", "pyiqa 0.1.16", 20, 123)
