"""What of a configuration runs: cells, and which of the extras beside them.

Without restriction a run has every cell of every suite and all extras that the configuration has sections
for.  ``datasets``, ``kernels``, ``scales`` and ``models`` name a run of their own, their product; with
``suite`` they restrict that suite.  Neither has extras but those that ``extras`` names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from sisr.base import registry
from sisr.base.cells import GIVEN, Cell
from sisr.base.errors import ConfigError, unknown
from sisr.models.model_entries import get as get_model
from sisr.models.model_entries import has_weights

#: Axes of a suite, in the order of a cell, and what a user calls one value of each.
AXES = {"datasets": "dataset", "kernels": "kernel", "scales": "scale", "models": "model"}

#: What a run has beside its cells: parameters and multiply-adds; time and memory; lower precisions against
#: fp32; how super-resolution works; networks trained with several losses; the same pixels under all
#: protocols; published values, computed again.
EXTRAS = ("counts", "timing", "ledger", "studies", "loss-study", "protocols", "certification")


def is_selected(document: Mapping[str, Any]) -> bool:
    """Whether the configuration asks for a part of itself."""
    return any(document.get(key) for key in ("suite", *AXES))


def extras_of(document: Mapping[str, Any], source: str) -> frozenset[str]:
    """Names of :data:`EXTRAS` that a run has; an unknown one raises :class:`ConfigError`."""
    if document.get("extras") is None:
        return frozenset() if is_selected(document) else frozenset(EXTRAS)
    for name in document["extras"]:
        if name not in (*EXTRAS, "all", "none"):
            raise ConfigError(f"{source}: extras: {unknown('extra', name, (*EXTRAS, 'all', 'none'))}")
    return _asked(document)


def _asked(document: Mapping[str, Any]) -> frozenset[str]:
    names = set(document.get("extras") or ())
    return frozenset(EXTRAS if "all" in names else names - {"none"})


def with_settings(document: Mapping[str, Any], cells: Sequence[Cell]) -> dict[str, Any]:
    """The document with the usual settings of extras that it asks for by name and has no section for."""
    out, asked = dict(document), _asked(document)
    datasets = list(dict.fromkeys(cell.dataset for cell in cells))
    cost = dict(document.get("cost") or {})
    if "timing" in asked:
        cost["time"] = True
    if "ledger" in asked and cost.get("ledger") not in datasets:
        cost["ledger"] = datasets[0]
    if asked & {"counts", "timing", "ledger"}:
        out["cost"] = cost
    if "studies" in asked and not document.get("studies"):
        out["studies"] = registry.schema("config")["properties"]["studies"]["items"]["enum"]
    if "protocols" in asked and document.get("same_pixels", {}).get("dataset") not in datasets:
        out["same_pixels"] = {
            "dataset": datasets[0],
            "models": list(dict.fromkeys(cell.model for cell in cells)),
        }
    return out


def named_cells(
    document: Mapping[str, Any],
    suites: Mapping[str, Mapping[str, Sequence[Any]]],
    source: str,
    config: Path = registry.CONFIG,
) -> dict[Cell, None]:
    """The product of the values that a document names.

    An axis that it does not name has all values of the suites; but for kernels, of which the first is taken,
    that of the papers.

    Raises :class:`ConfigError` where a value is in no registry, or gives nothing to run: a model without
    weights at any of the scales that are named.
    """
    values = {axis: list(dict.fromkeys(v for suite in suites.values() for v in suite[axis])) for axis in AXES}
    values["kernels"] = values["kernels"][:1]
    for axis, word in AXES.items():
        values[axis] = document.get(axis) or values[axis]
        entries = values[axis] if axis == "scales" else registry.load(axis, config)
        for value in values[axis]:
            if value not in entries and (axis, value) != ("kernels", GIVEN):
                raise ConfigError(f"{source}: {axis}: {unknown(word, str(value), entries)}")
    for name in document.get("models") or ():
        model = get_model(name, config)
        if not any(has_weights(model, scale) for scale in values["scales"]):
            wanted, have = (
                ", ".join(f"x{s}" for s in scales) for scales in (values["scales"], model.weights)
            )
            raise ConfigError(f"{source}: models: {name} has no weights at {wanted}, only at {have}")
    return dict.fromkeys(Cell(*cell) for cell in product(*(values[axis] for axis in AXES)))


def restricted(
    cells: Mapping[Cell, None],
    everything: Sequence[Cell],
    document: Mapping[str, Any],
    axes: Iterable[str],
    source: str,
) -> dict[Cell, None]:
    """Cells that the document's keys leave; a value that is nowhere in ``everything`` is an error."""
    left = dict(cells)
    for axis in axes:
        wanted = document.get(axis)
        if wanted:
            position = list(AXES).index(axis)
            have = {cell[position] for cell in everything}
            for value in wanted:
                if value not in have:
                    message = unknown(AXES[axis], str(value), map(str, have))
                    raise ConfigError(f"{source}: {axis}: {message} (in the chosen suites)")
            left = dict.fromkeys(cell for cell in left if cell[position] in wanted)
    return left


def summary(
    name: str,
    cells: Sequence[Cell],
    shipped: Sequence[Cell],
    extras: Iterable[str],
    document: Mapping[str, Any],
) -> str:
    """The run in a line: its cells, as a product where they are one, what is left out, how to ask for it."""
    values = [list(dict.fromkeys(cell[axis] for cell in cells)) for axis in range(len(AXES))]
    words = ("dataset", "LR kernel", "scale", "model")
    counts = [f"{len(v)} {word}{'s' * (len(v) != 1)}" for word, v in zip(words, values, strict=True)]
    size = len(values[0]) * len(values[1]) * len(values[2]) * len(values[3])
    if size == len(cells):
        line = f"{name}: {' x '.join(counts)} = {_count(len(cells))}"
    else:
        line = f"{name}: {_count(len(cells))} of {', '.join(counts)}"
    if is_selected(document) and len(values[0]) + len(values[3]) <= 12:
        sets, kernels, scales, models = (", ".join(map(str, v)) for v in values)
        line += f" ({sets}; {kernels}; x{scales.replace(', ', ', x')}; {models})"
    if shipped:
        count = len({cell.model for cell in shipped})
        line += f"; beside the shipped scores of {count} model{'s' * (count != 1)}"
    own: dict[str, list[str]] = {}
    for axis, ids in zip(AXES, values, strict=True):
        for value in map(str, ids):
            if axis != "scales" and (source := registry.origin(axis, value)):
                own.setdefault(source, []).append(value)
    line += "".join(f"; {', '.join(names)} of {source}" for source, names in own.items())
    left = [extra for extra in EXTRAS if extra not in set(extras)]
    if left:
        line += f"; without {', '.join(left)}: --config extras={left[0]} or extras=all runs them"
    return line


def _count(number: int) -> str:
    return f"{number} cell{'s' * (number != 1)}"
