"""The registry of published numbers, and how it refuses what is not right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sisr.base import registry
from sisr.base.errors import ConfigError
from sisr.trust import references
from sisr.trust.anchors import GIVEN_BY

ORDER = ["srcnn", "vdsr", "edsr", "rcan"]


def test_every_model_of_the_field_has_numbers() -> None:
    have = {(r.model, r.scale, r.dataset) for r in references.load() if r.metric == "psnr"}
    every = ("bicubic", "srcnn", "fsrcnn", "vdsr", "lapsrn", "edsr", "rcan", "carn")
    for model in (*every, "imdn", "swinir"):
        for scale in (2, 3, 4) if model in every else (2, 4):
            for dataset in ("set5", "set14", "bsd100", "urban100"):
                assert (model, scale, dataset) in have
    for model in ("srresnet", "srgan", "rrdb", "esrgan", "spsr", "edsr-baseline"):
        assert (model, 4, "set5") in have


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("dataset", ["set5", "set14", "bsd100", "urban100"])
def test_values_are_plausible(scale: int, dataset: str) -> None:
    """Newer networks are better in the papers' tables: a slip of digits would show here."""
    for metric in ("psnr", "ssim"):
        values = [
            next(
                r.value
                for r in references.load()
                if (r.model, r.scale, r.dataset, r.metric) == (model, scale, dataset, metric)
                and r.protocol.startswith("y-bt601")
            )
            for model in ORDER
        ]
        assert values == sorted(values)
    for r in references.load():
        low, high = {"psnr": (22, 41), "ssim": (0.6, 0.981), "lpips": (0.05, 0.6)}[r.metric]
        assert low < r.value < high, r


def test_gray_rule_is_part_of_the_protocol() -> None:
    found = {(r.model, r.protocol) for r in references.load() if r.dataset == "set14" and r.scale == 4}
    assert ("bicubic", "y-bt601-uint8") in found
    assert ("imdn", "y-bt601-replicate") in found
    assert ("imdn", "y-bt601") not in found
    assert all(r.gray for r in references.load() if r.dataset == "set14")
    assert not any(r.gray for r in references.load() if r.dataset != "set14")


def test_references_of_cells_need_no_registered_model() -> None:
    cells = [("set5", "matlab-bicubic", 4, "swinir-div2k"), ("set5", "opencv-cubic", 4, "imdn")]
    assert [r.value for r in references.of_cells(cells)] == [32.72, 0.9021]


def test_every_number_says_who_gives_it() -> None:
    given = {(r.source.id, r.model): r.given_by for r in references.load()}
    assert given["imdn", "imdn"] == given["rcan", "rcan"] == "authors"
    assert given["imdn", "vdsr"] == given["swinir", "imdn"] == given["rcan", "bicubic"] == "third-party"
    anchors = registry.load("anchors").values()
    givers = {value.get("given_by", anchor["given_by"]) for anchor in anchors for value in anchor["values"]}
    assert givers == set(GIVEN_BY)


def test_numbers_that_no_run_can_have_are_marked() -> None:
    registered = registry.load("models")
    marked = {r.model for r in references.load() if r.never_judged}
    assert marked == {r.model for r in references.load() if r.model not in registered}


def test_two_values_in_print_for_one_number_raise_no_alarm() -> None:
    """EDSR-baseline at x4 has two: what prints as either agrees with both."""
    judged: dict[tuple[object, ...], list[references.Reference]] = {}
    for r in references.load():
        if r.same_weights and not (r.never_judged or r.erratum or r.planes):
            judged.setdefault((r.model, r.dataset, r.kernel, r.scale, r.measure), []).append(r)
    twice = [of for of in judged.values() if len({r.value for r in of}) > 1]
    assert {of[0].model for of in twice} == {"edsr-baseline"}
    for of in twice:
        rounding = {"psnr": 0.005, "ssim": 0.00005}[of[0].metric]
        apart = max(r.value for r in of) - min(r.value for r in of)
        assert all(apart + rounding <= r.tolerance for r in of), of


def test_anchors_of_cells_are_numbers_in_print() -> None:
    """What certification computes again of authors' numbers is in the tables, digit for digit."""
    printed = {(r.model, r.dataset, r.scale, r.measure, r.value) for r in references.load() if not r.erratum}
    cells = [
        a for a in registry.load("anchors").values() if (a["kind"], a["given_by"]) == ("cell", "authors")
    ]
    assert len(cells) > 40
    for a in cells:
        for value in a["values"]:
            found = (a["model"], a["hr"], a["scale"], value["measure"], value["expected"])
            assert found in printed, found


def test_errata_are_not_in_the_tables() -> None:
    assert len(references.errata()) >= 6
    wrong = {(31.08, "lapsrn", "psnr"), (0.0726, "vdsr", "ssim"), (33.89, "edsr", "psnr")}
    assert not wrong & {(r.value, r.model, r.metric) for r in references.load()}


def _drop_tolerance(document: Any) -> None:
    document["tables"][0]["tolerance"].pop()


def _unknown_source(document: Any) -> None:
    document["tables"][0]["source"] = "rcam"


def _unknown_author(document: Any) -> None:
    document["sources"]["imdn"]["authors_of"] = ["imdm"]


def _unknown_model(document: Any) -> None:
    document["tables"][0]["values"]["bicubi"] = document["tables"][0]["values"].pop("bicubic")


def _unknown_protocol(document: Any) -> None:
    document["tables"][0]["measures"][0] = "psnr@y-bt60"


def _twice(document: Any) -> None:
    document["tables"].append(document["tables"][0])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_drop_tolerance, r"tables\.0\.tolerance: expected 2 numbers, found 1"),
        (_unknown_source, r"tables\.0\.source: unknown source 'rcam'; did you mean 'rcan'\?"),
        (_unknown_author, r"sources\.imdn\.authors_of: unknown model 'imdm'; did you mean 'imdn'\?"),
        (_unknown_model, r"tables\.0\.values: unknown model 'bicubi'; did you mean 'bicubic'\?"),
        (_unknown_protocol, r"tables\.0\.measures: measure 'psnr@y-bt60': unknown protocol"),
        (_twice, r"tables\.\d+: rcan bicubic bsd100 matlab-bicubic 2 psnr@y-bt601-uint8 twice"),
    ],
)
def test_errors_name_the_table(config_copy: Path, spoil: Callable[[Any], None], message: str) -> None:
    path = config_copy / "references.yaml"
    document = yaml.safe_load(path.read_text())
    spoil(document)
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigError, match=f"config/references.yaml: {message}"):
        references.load(config_copy)
