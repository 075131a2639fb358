"""Receipts: what a model took on a device, as a file that tables of other machines show, too.

``FOLDER/<device>/x<scale>/<model>.json``; ``docs/cost.md`` explains the keys, the schema ``receipt`` checks
them.  :mod:`sisr.analysis.cost.interleaving` makes them.  Planning a run reads this module, so that it needs
only what that may need.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sisr.base import registry
from sisr.base.atomic import write_text
from sisr.models import model_digests
from sisr.models.model_entries import Model, parse

#: Those that come with the project.
FOLDER = registry.CONFIG / "receipts"
#: Of the keys and of what they mean; a receipt of another version is refused by its schema.
VERSION = 1
#: Largest spread of the reference's block medians: (largest - smallest) / median.
ALLOWED = 0.03
#: The reference network: the baseline of NTIRE 2026 (efficient SR), with weights drawn from a seed, since its
#: time does not depend on them and nothing needs to be fetched.  In fp32 and as inference runs by default,
#: whatever the model's precision and options, so that all ratios are to one thing.
REFERENCE = parse(
    "reference",
    {
        "label": "SPAN (28 channels, drawn weights)",
        "engine": "torch",
        "params": {"arch": "span", "args": {"width": 28}, "format": "state-dict"},
    },
)


def place(receipt: Mapping[str, Any], folder: Path) -> Path:
    """Where a receipt lies: a folder for each device, CPU threads and way to run."""
    device = receipt["device"]
    changed = [f"{key} {value}" for key, value in receipt["changed"].items()]
    name = re.sub(r"[^a-z0-9]+", "-", " ".join([device["name"], *_threads(device), *changed]).lower())
    return folder / name.strip("-") / f"x{receipt['scale']}" / f"{receipt['model']}.json"


def _threads(device: Mapping[str, Any]) -> list[str]:
    count = device["threads"]
    return [f"{count} thread{'s' * (count != 1)}"] if device["kind"] == "cpu" else []


def write(receipt: Mapping[str, Any], folder: Path) -> Path:
    """Write a receipt, one line a key; returns its path."""
    path = place(receipt, folder)
    lines = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in receipt.items())
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")
    return path


def read(path: Path) -> dict[str, Any]:
    """A receipt; :class:`ConfigError` in one line for what is none."""
    found: dict[str, Any] = registry.read_json(path, "receipt")
    return found


def paths(models: Iterable[str], scale: int, folder: Path = FOLDER) -> list[Path]:
    """Receipts of some models at a scale, by model and then by device."""
    found = sorted(folder.glob(f"*/x{scale}/*.json"))
    return [path for model in models for path in found if path.stem == model]


def stale(receipt: Mapping[str, Any], model: Model) -> str:
    """What is not as it was when the receipt was taken: some of "weights", "code", "reference"; or ""."""
    scale = receipt["scale"]
    if model.own is not None or model.outputs:
        return "weights, code"
    then = {"weights": receipt["weights"], "code": receipt["code"], "reference": receipt["reference"]["code"]}
    now = {
        "weights": model_digests.weights_of(model, scale),
        "code": model_digests.code_of(model, scale),
        "reference": model_digests.code_of(REFERENCE, scale),
    }
    return ", ".join(key for key in now if now[key] != then[key])


def rows(receipt: Mapping[str, Any], changed: str) -> list[dict[str, str]]:
    """What tables show of a receipt, as text: one row a precision that was taken.

    Seconds are medians per megapixel of output.  Of a receipt that is stale (``changed``, see :func:`stale`)
    no number is current: one row without any.
    """
    options = [f"{key} {value}".lower() for key, value in receipt["changed"].items()]
    head = {
        "model": receipt["model"],
        "device": ", ".join([receipt["device"]["name"], *_threads(receipt["device"]), *options]),
        "timed_output": "x".join(map(str, receipt["output"])),
        "date": receipt["date"][:10],
    }
    if changed:
        return [head | {"note": f"stale: other {changed} than today's, so no number of it is shown"}]
    megapixels = receipt["output"][0] * receipt["output"][1] / 1e6
    found = []
    for precision, taken in receipt["precisions"].items():
        if taken["status"] != "ok":
            continue
        row = head | {"precision": precision, "ratio": f"{taken['ratio']['call']:.6g}"}
        for kind, series in taken["model"].items():
            row[f"{kind}_seconds"] = f"{series['p50'] / megapixels:.6g}"
        if taken["peak_memory"] is not None:
            row["peak_memory"] = str(taken["peak_memory"])
        if receipt["allowed_spread"] > ALLOWED:
            spread = f"the reference spread by {taken['spread']:.1%}"
            row["note"] = f"{spread}, of {receipt['allowed_spread']:.1%} allowed instead of {ALLOWED:.0%}"
        found.append(row)
    return found
