"""Taking scores that come with the project into a run, and adding those of a finished run to them.

A score is of this run only where everything that it depends on is as it was: HR and LR images, by their
pixels; the model's entry and the checksums of its weights; the rules of the measure.  Where one differs the
cell is ``unavailable`` and says what.  Of the code the commit is kept; ``sisr certify`` and the tests compute
a sample again.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sisr.base import registry
from sisr.base.atomic import write_json
from sisr.base.cells import SCORE_COLUMNS, SHIPPED, Cell
from sisr.base.csv_files import write_rows
from sisr.base.errors import ScoreError
from sisr.base.manifest import HrManifest, LrManifest
from sisr.data.assets.catalog import asset as asset_of
from sisr.models.model_entries import entry_of, get
from sisr.scoring.gather import STATUS_COLUMNS
from sisr.scoring.metrics.files import files_of
from sisr.scoring.metrics.protocol import parse_measure, protocol
from sisr.scoring.shipped_index import FOLDER, ShippedIndex, ShippedSet, set_name, table_of

#: What of a model's entry can change its output, beside its weights.
_OUTPUT_KEYS = ("engine", "colour", "params", "modifiers", "input_range", "path", "python")


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def images_digest(images: Iterable[Any]) -> str:
    """Digest of the images of a set: of their names and pixels, as its manifest lists them."""
    return _digest([[image.name, image.sha256] for image in images])


def measure_digest(measure_id: str) -> str:
    """Digest of what the registries say of a measure and can change its value."""
    measure = parse_measure(measure_id)
    checks = [asset_of(name.partition("/")[0]).files for name in files_of(measure).values()]
    files = [[file.name, file.check.value] for found in checks for file in found]
    return _digest([measure.code, measure.decimals, asdict(protocol(measure.protocol)), files])


def model_digest(model_id: str, scale: int) -> str:
    """Digest of a model at a scale: its entry and the checksums of its weights.

    :class:`ScoreError` for one that trains in the run or is the user's own: its weights are nobody else's.
    """
    entry, spec = entry_of(model_id), get(model_id).weights.get(scale)
    if "path" in entry or "python" in entry or (spec is not None and spec.recipe):
        raise ScoreError(f"{model_id}: its weights are not fetched, so no scores of it can be shipped")
    checks = {} if spec is None else {f.name: f.check.value for f in asset_of(str(spec.asset)).files}
    used = {} if spec is None else {role: [name, checks.get(name)] for role, name in spec.files.items()}
    return _digest([{key: entry[key] for key in _OUTPUT_KEYS if key in entry}, used])


# --- taking ----------------------------------------------------------------------------------------------


def take(
    cells: Sequence[Cell],
    measures: Sequence[str],
    hr: Mapping[str, Path],
    lr: Mapping[tuple[str, str, int], Path],
    scores: Path,
    status: Path,
    folder: Path = FOLDER,
) -> None:
    """Write the shipped scores of cells as a tidy table, and their status as ``status.csv`` has it.

    ``hr`` and ``lr`` are the manifests of the run's own images, which must be those of the scores.
    """
    index = ShippedIndex.read(folder)
    same = [m for m in measures if index.measures.get(m) == measure_digest(m)]
    rows: list[list[object]] = []
    states: list[list[object]] = []
    for cell in cells:
        images = [image.name for image in HrManifest.read(hr[cell.dataset]).images]
        reason = _differs(cell, index, hr[cell.dataset], lr[cell[:3]])
        if reason:
            states.append([*cell, "unavailable", reason, 0, "", ""])
            continue
        name = set_name(*cell[:3])
        made = index.sets[name].models[cell.model]
        values = read_table(table_of(name, folder))
        for image in images:
            for measure in same:
                value = values.get((cell.model, measure), {}).get(image)
                if value is not None:
                    row = [cell.dataset, image, *cell[1:], *measure.split("@"), value]
                    rows.append(row)
        missing = [m for m in measures if m not in same or (cell.model, m) not in values]
        said = f"scores of {made['recorded'][:10]}, commit {made['commit'][:12]}, not computed in this run"
        said += f"; none of {', '.join(missing)} under today's rules" if missing else ""
        states.append([*cell, SHIPPED, said, len(images), "", ""])
    write_rows(scores, SCORE_COLUMNS, rows)
    write_rows(status, STATUS_COLUMNS, states)


def _differs(cell: Cell, index: ShippedIndex, hr: Path, lr: Path) -> str:
    """What of a cell is not as it was when its shipped scores were made; empty if all is."""
    found = index.sets[set_name(*cell[:3])]
    was = index.models.get(cell.model, {}).get(f"x{cell.scale}", "")
    for what, then, now in (
        ("HR images", found.hr, images_digest(HrManifest.read(hr).images)),
        ("LR images", found.lr, images_digest(LrManifest.read(lr).images)),
        ("model", was, model_digest(cell.model, cell.scale)),
    ):
        if then != now:
            return f"the shipped scores are of other {what} (digest {then}, here {now}): run the model"
    return ""


def read_table(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    """(model, measure) -> image -> value as text."""
    with path.open(encoding="utf-8", newline="") as stream:
        return {(row.pop("model"), row.pop("measure")): row for row in csv.DictReader(stream)}


# --- adding ----------------------------------------------------------------------------------------------


def add(run: Path, folder: Path = FOLDER) -> list[Cell]:
    """Add the complete cells of a finished run to the shipped scores, in place of older ones; returns them.

    :class:`ScoreError` if the run was made with changes that no commit has, or lacks what would tell what
    its scores were made from.
    """
    made = registry.read_json(run / "provenance.json", "provenance")
    if not made.get("commit") or made.get("uncommitted_changes"):
        raise ScoreError(f"{run}: made with changes that are not committed: commit them, and run again")
    stamp = {"commit": made["commit"], "recorded": made["recorded"]}
    index = ShippedIndex.read(folder)
    measures, models, sets = dict(index.measures), dict(index.models), dict(index.sets)
    added = []
    for (dataset, kernel, scale), found in _complete(run).items():
        name = set_name(dataset, kernel, scale)
        hr = images_digest(HrManifest.read(run / f"hr/{dataset}.json").images)
        lr = images_digest(LrManifest.read(run / f"lr/{name}.json").images)
        old = sets.get(name)
        # Scores of other images of that name are worth nothing beside these.
        kept = old is not None and (old.hr, old.lr) == (hr, lr)
        table = read_table(table_of(name, folder)) if kept else {}
        beside = dict(old.models) if old is not None and kept else {}
        for model, values in found.items():
            models[model] = {**models.get(model, {}), f"x{scale}": model_digest(model, scale)}
            table = {key: row for key, row in table.items() if key[0] != model}
            table |= {(model, measure): row for measure, row in values.items()}
            measures |= {measure: measure_digest(measure) for measure in values}
            beside[model] = stamp
            added.append(Cell(dataset, kernel, scale, model))
        sets[name] = ShippedSet(hr, lr, dict(sorted(beside.items())))
        images = list(next(iter(table.values())))
        rows = [[*key, *(row[image] for image in images)] for key, row in sorted(table.items())]
        write_rows(table_of(name, folder), ("model", "measure", *images), rows)
    document = {
        "measures": dict(sorted(measures.items())),
        "models": {model: dict(sorted(of.items())) for model, of in sorted(models.items())},
        "sets": {name: asdict(one) for name, one in sorted(sets.items())},
    }
    write_json(folder / "index.json", document)
    return added


Found = dict[tuple[str, str, int], dict[str, dict[str, dict[str, str]]]]


def _complete(run: Path) -> Found:
    """LR set -> model -> measure -> image -> value, of the cells that ran whole and can be shipped."""
    with (run / "status.csv").open(encoding="utf-8", newline="") as stream:
        done = {
            Cell(row["dataset"], row["kernel"], int(row["scale"]), row["model"])
            for row in csv.DictReader(stream)
            if row["status"] == "ok"
        }
    shippable = {cell for cell in done if _has_digest(cell)}
    found: Found = {}
    with (run / "scores.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            cell = Cell(row["dataset"], row["kernel"], int(row["scale"]), row["model"])
            if cell in shippable:
                values = found.setdefault(cell[:3], {}).setdefault(cell.model, {})
                values.setdefault(f"{row['metric']}@{row['protocol']}", {})[row["image"]] = row["value"]
    return found


def _has_digest(cell: Cell) -> bool:
    try:
        model_digest(cell.model, cell.scale)
    except ScoreError:
        return False
    return True
