"""Published numbers: what a paper or repository prints, where, and under which protocol it was made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from sisr.base import registry
from sisr.base.cells import Cell
from sisr.base.errors import ConfigError, unknown
from sisr.scoring.metrics.protocol import parse_measure

#: What the measures of a colour set become on Set14 where every image is read as RGB.
_REPLICATED = {"y-bt601": "y-bt601-replicate"}


@dataclass(frozen=True)
class Publication:
    """Where a number is printed: a paper or repository, and the place in it; ``authors_of``: their models."""

    id: str
    title: str
    url: str
    where: str
    authors_of: tuple[str, ...]


@dataclass(frozen=True)
class Reference:
    """One published mean over the images of a dataset.

    ``model`` need not be in the model registry.  ``same_weights``: whether the model of that id here has the
    very weights that the number was made with.  ``gray``: on what basis the gray rule was assigned,
    ``checked`` or ``assumed`` for Set14, empty for sets without gray images.  ``planes``: made on luma alone,
    from LR that was never rounded, which no run does.  ``never_judged``: why no run can have the model.
    ``erratum``: what its weights give instead, where that is known, and why.
    """

    source: Publication
    model: str
    label: str
    same_weights: bool
    dataset: str
    kernel: str
    scale: int
    metric: str
    protocol: str
    value: float
    tolerance: float
    gray: Literal["", "checked", "assumed"]
    note: str
    planes: bool = False
    never_judged: str = ""
    erratum: str = ""

    @property
    def given_by(self) -> Literal["authors", "third-party"]:
        """Who prints the number: the authors of the model, or somebody else."""
        return "authors" if self.model in self.source.authors_of else "third-party"

    @property
    def measure(self) -> str:
        """``metric@protocol``."""
        return f"{self.metric}@{self.protocol}"


@dataclass(frozen=True)
class Erratum:
    """A printed value that is known to be wrong: what is right, as far as known, and why."""

    source: Publication
    model: str
    dataset: str
    scale: int
    metric: str
    printed: str
    reason: str
    right: str = ""


@cache
def load(config: Path = registry.CONFIG) -> tuple[Reference, ...]:
    """All published numbers, in the order of ``config/references.yaml``.

    Raises :class:`ConfigError`, naming the table, for an unknown source, model label or measure, for rows of
    the wrong length, and for a number that is given twice.
    """
    document = registry.load("references", config)
    sources = _sources(document)
    wrong = {(e.source.id, e.model, e.dataset, e.scale, e.metric): e for e in errata(config)}
    found: dict[tuple[Any, ...], Reference] = {}
    for index, table in enumerate(_list(document, "tables")):
        where = f"config/references.yaml: tables.{index}"
        for reference in _of_table(table, where, document, sources, config):
            key = (
                reference.source.id, reference.model, reference.dataset, reference.kernel, reference.scale,
                reference.measure,
            )  # fmt: skip
            if key in found:
                raise ConfigError(f"{where}: {' '.join(map(str, key))} twice")
            r = reference
            number = (r.source.id, r.model, r.dataset, r.scale)
            about = wrong.get((*number, r.metric)) or wrong.get((*number, r.measure))
            found[key] = (
                replace(r, erratum=": ".join(filter(None, (about.right, about.reason)))) if about else r
            )
    return tuple(found.values())


def errata(config: Path = registry.CONFIG) -> tuple[Erratum, ...]:
    """Printed values that are known to be wrong."""
    document = registry.load("references", config)
    sources = _sources(document)
    found = []
    for index, entry in enumerate(_list(document, "errata")):
        source = _source(entry["source"], f"config/references.yaml: errata.{index}", sources)
        found.append(Erratum(**{**entry, "source": source}))
    return tuple(found)


def of_cells(cells: Iterable[tuple[str, str, int, str]], config: Path = registry.CONFIG) -> list[Reference]:
    """References of (dataset, kernel, scale, model) cells, in the order of the cells."""
    by_cell = _by_cell(config)
    return [reference for cell in cells for reference in by_cell.get(tuple(cell), [])]


@cache
def _by_cell(config: Path) -> dict[tuple[object, ...], list[Reference]]:
    by_cell: dict[tuple[object, ...], list[Reference]] = {}
    for reference in load(config):
        key = (reference.dataset, reference.kernel, reference.scale, reference.model)
        by_cell.setdefault(key, []).append(reference)
    return by_cell


def _of_table(
    table: dict[str, Any], where: str, document: dict[str, Any], sources: dict[str, Publication], config: Path
) -> Iterable[Reference]:
    source = _source(table["source"], where, sources)
    measures, tolerances = table["measures"], table["tolerance"]
    if len(tolerances) != len(measures):
        raise ConfigError(f"{where}.tolerance: expected {len(measures)} numbers, found {len(tolerances)}")
    for measure in measures:
        try:
            parse_measure(measure, config)
        except ConfigError as error:
            raise ConfigError(f"{where}.measures: {error}") from None
    for model, datasets in table["values"].items():
        if model not in document["models"]:
            raise ConfigError(f"{where}.values: {unknown('model', model, document['models'])}")
        entry = document["models"][model]
        for dataset, values in datasets.items():
            if len(values) != len(measures):
                raise ConfigError(
                    f"{where}.values.{model}.{dataset}: expected {len(measures)} numbers, found {len(values)}"
                )
            gray = table["set14_gray"] if dataset == "set14" else None
            for measure, value, tolerance in zip(measures, values, tolerances, strict=True):
                metric, _, protocol = measure.partition("@")
                if gray and gray["rule"] == "replicate":
                    protocol = _REPLICATED.get(protocol, protocol)
                yield Reference(
                    source=source,
                    model=model,
                    label=entry["label"],
                    same_weights=entry["same_weights"],
                    dataset=dataset,
                    kernel=table["kernel"],
                    scale=table["scale"],
                    metric=metric,
                    protocol=protocol,
                    value=value,
                    tolerance=tolerance,
                    gray=gray["basis"] if gray else "",
                    note=table.get("note", ""),
                    planes=table.get("planes", False),
                    never_judged=entry.get("never_judged", ""),
                )


def _sources(document: dict[str, Any]) -> dict[str, Publication]:
    found = {}
    for key, entry in document["sources"].items():
        for model in entry["authors_of"]:
            if model not in document["models"]:
                where = f"config/references.yaml: sources.{key}.authors_of"
                raise ConfigError(f"{where}: {unknown('model', model, document['models'])}")
        found[key] = Publication(key, **{**entry, "authors_of": tuple(entry["authors_of"])})
    return found


def _source(key: str, where: str, sources: dict[str, Publication]) -> Publication:
    if key not in sources:
        raise ConfigError(f"{where}.source: {unknown('source', key, sources)}")
    return sources[key]


def _list(document: Any, key: str) -> list[dict[str, Any]]:
    return document[key]


def missing_measures(cells: Iterable[Cell], measures: Iterable[str]) -> dict[Cell, list[str]]:
    """Fidelity measures of references that the run does not compute itself, by cell.

    They need no weights, so they are computed from the run's SR images: in practice Set14 with gray
    replicated, where the run has the other gray rule.
    """
    have, missing = set(measures), dict[Cell, list[str]]()
    for cell in cells:
        wanted = dict.fromkeys(r.measure for r in of_cells([cell]) if parse_measure(r.measure).on_planes)
        if lacking := [measure for measure in wanted if measure not in have]:
            missing[cell] = lacking
    return missing
