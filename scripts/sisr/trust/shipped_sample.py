"""A random sample of the scores that come with the project, as anchors that certification computes again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

from sisr.base import registry
from sisr.scoring.metrics.protocol import parse_measure
from sisr.scoring.shipped import read_table
from sisr.scoring.shipped_index import FOLDER, ShippedIndex, table_of

#: How many scores of each tier are computed again.
NUMBER = {"quick": 2, "full": 6, "heavy": 24}
#: On another processor a few values of an SR image may differ by one 8-bit level.
_TOLERANCE = {"dB": 0.001}
_TOLERANCE_WITHOUT_UNIT = 0.0001


def sample(number: int, draw: Random, folder: Path = FOLDER) -> dict[str, Mapping[str, Any]]:
    """Anchors by name, each a model on one image, drawn from all that are shipped; fewer where there are."""
    index = ShippedIndex.read(folder)
    cells = [(name, model) for name, of in sorted(index.sets.items()) for model in sorted(of.models)]
    return {
        f"shipped {name} {model}": _anchor(name, model, index, draw, folder)
        for name, model in draw.sample(cells, min(number, len(cells)))
    }


def _anchor(name: str, model: str, index: ShippedIndex, draw: Random, folder: Path) -> Mapping[str, Any]:
    dataset, kernel, scale = name.split("/")
    table = {measure: row for (of, measure), row in read_table(table_of(name, folder)).items() if of == model}
    image = draw.choice(sorted(next(iter(table.values()))))
    units = {measure: parse_measure(measure).unit for measure in table}
    made = index.sets[name].models[model]
    return {
        "kind": "cell",
        "label": f"{registry.entry('models', model)['label']} on {image} of {dataset} {scale}, shipped",
        "source": f"config/baselines, commit {made['commit'][:12]}",
        "given_by": "shipped",
        "model": model,
        "hr": registry.entry("datasets", dataset)["asset"],
        "kernel": kernel,
        "scale": int(scale.removeprefix("x")),
        "image": image,
        "values": [
            {
                "measure": measure,
                "image": image,
                "expected": float(row[image]),
                "tolerance": _TOLERANCE.get(units[measure], _TOLERANCE_WITHOUT_UNIT),
            }
            for measure, row in table.items()
        ],
    }
