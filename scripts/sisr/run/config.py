"""The run's configuration: from YAML and ``--config`` to a list of cells.

A *cell* is (dataset, kernel, scale, model).  Suites name the products to run; a cell that two suites share
is run once.  The keys ``suite``, ``datasets``, ``kernels``, ``scales`` and ``models`` at the top level choose
a part without editing a file (``--config datasets=set5,set14 scales=4``), see :mod:`sisr.run.selection`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from sisr.base import registry
from sisr.base.cells import GIVEN, Cell
from sisr.base.errors import ConfigError, unknown
from sisr.data.brought import absent
from sisr.data.user_images import DATASET, SUITE, UserImages
from sisr.data.user_images import settings as settings_of_user_images
from sisr.lr.kernels import require_scale
from sisr.models.model_entries import get as get_model
from sisr.models.recipes import read_recipe
from sisr.run.selection import AXES, extras_of, is_selected, named_cells, restricted, summary, with_settings
from sisr.scoring.metrics.protocol import parse_measures
from sisr.scoring.shipped_index import shipped_cells
from sisr.upscaling.inference.options import Options


@dataclass(frozen=True)
class Cost:
    """What the cost tables hold: counts always, times if ``time``, taking ``seconds`` a model and scale.

    ``ledger`` is the dataset on whose images lower precisions are compared with fp32; None for no ledger.
    """

    time: bool
    seconds: float
    ledger: str | None


@dataclass(frozen=True)
class Run:
    """A checked configuration.

    ``cells`` are in config order without repetition; ``shipped`` are those whose scores come with the
    project; ``absent`` says of datasets that the user has to bring
    and has not why they are not run, and ``absent_cells`` are theirs; ``pools`` maps a label to the datasets
    whose images are averaged together; ``resolved`` is what is written beside the results.
    """

    name: str
    seed: int
    device: str
    inference: Options
    mirror: str | None
    cells: tuple[Cell, ...]
    shipped: tuple[Cell, ...]
    absent: Mapping[str, str]
    absent_cells: tuple[Cell, ...]
    measures: tuple[str, ...]
    pools: Mapping[str, Sequence[str]]
    certify: str
    same_pixels: Mapping[str, Any]
    crops_per_set: int
    crop_kernels: tuple[str, ...]
    crop_regions: Mapping[str, Mapping[str, Sequence[Sequence[int]]]]
    cost: Cost | None
    verdict: Mapping[str, Any]
    loss_study: Mapping[str, Any]
    site_images: bool
    site_quality: int | None
    studies: tuple[str, ...]
    user_images: UserImages | None
    summary: str
    resolved: Mapping[str, Any]

    def values(self, axis: str) -> list[Any]:
        """Distinct values of ``dataset``, ``kernel``, ``scale`` or ``model``, in config order."""
        return list(dict.fromkeys(getattr(cell, axis) for cell in self.cells))

    @property
    def shipped_models(self) -> list[str]:
        """Models whose scores come with the project, after those that the run computes itself."""
        return list(dict.fromkeys(cell.model for cell in self.shipped))

    def sets(self) -> list[tuple[str, str, int]]:
        """Distinct LR sets (dataset, kernel, scale)."""
        return list(dict.fromkeys(cell[:3] for cell in self.cells))

    def models_of(self, dataset: str, kernel: str, scale: int) -> list[str]:
        """Models that run on an LR set, in config order."""
        return [cell.model for cell in self.cells if cell[:3] == (dataset, kernel, scale)]


def read(document: Mapping[str, Any], source: str = "config", config: Path = registry.CONFIG) -> Run:
    """Check a configuration and expand its suites.

    Raises
    ------
    ConfigError
        A key is unknown or a value has the wrong type; a suite names a dataset, kernel, model or metric that
        no registry has; or the restrictions leave no cell.  The message names the key and the value.
    """
    document = checked(document, source)
    if config == registry.CONFIG:
        registry.use(document.get("registries", ()))
    suites = document["suites"]
    given = UserImages.of(document.get("user_images"))
    # LR images are no cells and so no suite: they are run with whatever is left.
    names = [*suites, *([SUITE] if given is not None and not given.lr else [])]
    if len(set(names)) < len(names):
        raise ConfigError(f"{source}: suites.{SUITE}: the key '{SUITE}' makes a suite of that name already")
    chosen = document.get("suite") or names
    for name in chosen:
        if name not in names:
            raise ConfigError(f"{source}: suite: {unknown('suite', name, names)}")
    for name, suite in suites.items():
        for axis in ("datasets", "kernels", "models"):
            _check_known(axis, suite[axis], f"{source}: suites.{name}.{axis}", config)

    try:
        parse_measures(document["metrics"], config)
    except ConfigError as error:
        raise ConfigError(f"{source}: metrics: {error}") from None

    if is_selected(document) and "suite" not in document:
        cells = _named_cells(document, suites, given, source, config)
    else:
        cells = _cells_of_suites(document, suites, chosen, given, source)
    wanted = _with_given_lr(cells, source, config)
    missing = absent({cell.dataset: None for cell in wanted}, config)
    cells = _without(missing, wanted, source)
    _check_links({cell.dataset for cell in cells}, {cell.model for cell in cells}, config)
    if given is not None and given.lr and any(cell.dataset == DATASET for cell in cells):
        raise ConfigError(
            f"{source}: user_images.as: a suite names '{DATASET}', so expected 'hr', found 'lr'"
        )
    _check_scales(cells, source, config)

    shipped = _shipped(document, cells, source)
    extras, settings = extras_of(document, source), with_settings(document, tuple(cells))
    crops, same_pixels = document.get("crops", {}), settings.get("same_pixels", {})
    with_protocols = "protocols" in extras and same_pixels.get("dataset") not in missing
    _check_names(document, source, config)
    return Run(
        name=document["name"],
        seed=document.get("seed", 0),
        device=document.get("device", "auto"),
        inference=_inference(document.get("inference", {}), source),
        mirror=document.get("mirror"),
        cells=tuple(cells),
        shipped=shipped,
        absent=missing,
        absent_cells=tuple(cell for cell in wanted if cell.dataset in missing),
        measures=tuple(document["metrics"]),
        pools=_pools(document.get("pools", {}), source, config),
        same_pixels=same_pixels if with_protocols else {},
        certify=settings.get("certify", "quick") if "certification" in extras else "none",
        crops_per_set=crops.get("per_set", 1),
        crop_kernels=_crop_kernels(crops, cells, source, config),
        crop_regions=crops.get("regions", {}),
        cost=_cost(settings, extras, source),
        verdict=_verdict(document, cells, source),
        loss_study=_loss_study(document, cells, source) if "loss-study" in extras else {},
        site_images=document.get("site", {}).get("images", True),
        site_quality=document.get("site", {}).get("quality"),
        studies=tuple(settings.get("studies", ())) if "studies" in extras else (),
        user_images=given,
        summary=summary(document["name"], tuple(cells), shipped, extras, document),
        resolved=document,
    )


Suites = Mapping[str, Mapping[str, Sequence[Any]]]


def _named_cells(
    document: Mapping[str, Any], suites: Suites, given: UserImages | None, source: str, config: Path
) -> dict[Cell, None]:
    """The product that the document names; user images are one more dataset of the suites."""
    if given is None or given.lr:
        return named_cells(document, suites, source, config)
    first = next(iter(suites.values()))
    return named_cells(document, {**suites, SUITE: {**first, "datasets": [DATASET]}}, source, config)


def _cells_of_suites(
    document: Mapping[str, Any], suites: Suites, chosen: Sequence[str], given: UserImages | None, source: str
) -> dict[Cell, None]:
    """Cells of the chosen suites that the document's other keys leave."""
    # User images alone are run with what all suites have.
    registered = [name for name in chosen if name != SUITE]
    cells = dict.fromkeys(
        Cell(*values)
        for name in registered or suites
        for values in product(*(suites[name][axis] for axis in AXES))
    )
    everything = tuple(cells)
    cells = restricted(cells, everything, document, ("kernels", "scales", "models"), source)
    if given is not None and SUITE in chosen:
        own = dict.fromkeys(Cell(DATASET, *setting) for setting in settings_of_user_images(cells))
        cells = {**cells, **own} if registered else own
        everything = (*everything, *own) if registered else tuple(own)
    cells = restricted(cells, everything, document, ("datasets",), source)
    if not cells:
        raise ConfigError(f"{source}: no cell is left: the restrictions exclude each other")
    return cells


def _with_given_lr(cells: Iterable[Cell], source: str, config: Path) -> dict[Cell, None]:
    """Cells whose datasets give LR images have these, at the scales that there are, in place of kernels.

    Raises :class:`ConfigError` for a dataset of which nothing is left.
    """
    datasets = registry.load("datasets", config)
    wanted = list(cells)
    left = {
        cell._replace(kernel=GIVEN) if "lr" in datasets[cell.dataset] else cell: None
        for cell in wanted
        if (str(cell.scale) in datasets[cell.dataset].get("lr", {}))
        or ("lr" not in datasets[cell.dataset] and cell.kernel != GIVEN)
    }
    have = {cell.dataset for cell in left}
    for cell in wanted:
        if cell.dataset not in have:
            given = ", ".join(f"x{scale}" for scale in datasets[cell.dataset].get("lr", ()))
            found = f"LR images at {given} only" if given else "no LR images of its own, so name a kernel"
            raise ConfigError(f"{source}: datasets: {cell.dataset} has {found}")
    return left


def _without(missing: Mapping[str, str], cells: Iterable[Cell], source: str) -> dict[Cell, None]:
    """Cells whose datasets are there; where nothing is left, the reason is the :class:`ConfigError`."""
    left = {cell: None for cell in cells if cell.dataset not in missing}
    if not left:
        dataset, reason = next(iter(missing.items()))
        raise ConfigError(f"{source}: datasets: {dataset}: {reason}")
    return left


def _shipped(document: Mapping[str, Any], cells: Iterable[Cell], source: str) -> tuple[Cell, ...]:
    """Cells that ``baselines`` asks for, on the LR sets of the run's own."""
    asked = document.get("baselines", ())
    if not asked:
        return ()
    sets = list(dict.fromkeys((cell.dataset, cell.kernel, cell.scale) for cell in cells))
    try:
        return tuple(shipped_cells(asked, sets, {cell.model for cell in cells}))
    except ConfigError as error:
        raise ConfigError(f"{source}: baselines: {error}") from None


def _inference(section: Mapping[str, Any], source: str) -> Options:
    try:
        return Options.of(section)
    except ConfigError as error:
        raise ConfigError(f"{source}: {error}") from None


def _check_scales(cells: Iterable[Cell], source: str, config: Path) -> None:
    """Raise :class:`ConfigError` where a kernel is not defined at a scale of its cells."""
    for kernel, scale in dict.fromkeys((cell.kernel, cell.scale) for cell in cells if cell.kernel != GIVEN):
        try:
            require_scale(kernel, registry.entry("kernels", kernel, config), scale)
        except ConfigError as error:
            raise ConfigError(f"{source}: suites: {error}") from None


def _check_links(datasets: Iterable[str], models: Iterable[str], config: Path) -> None:
    """Raise :class:`ConfigError` where an entry in use names an asset or recipe that is not there."""
    assets = registry.load("assets", config)
    for dataset in sorted(datasets):
        entry = registry.load("datasets", config)[dataset]
        if "lr_kernel" in entry:
            _check_known(
                "kernels", [entry["lr_kernel"]], f"config/datasets.yaml: {dataset}.lr_kernel", config
            )
        asset = entry.get("asset")
        if asset is not None and asset not in assets:
            raise ConfigError(f"config/datasets.yaml: {dataset}.asset: {unknown('asset', asset, assets)}")
    for model_id in sorted(models):
        for scale, weights in get_model(model_id, config).weights.items():
            where = f"config/models.yaml: {model_id}.weights.{scale}"
            if weights.recipe is not None:
                for asset in read_recipe(weights.recipe, config).assets:
                    if asset not in assets:
                        name = f"config/training/{weights.recipe}.yaml: data"
                        raise ConfigError(f"{name}: {unknown('asset', asset, assets)}")
            elif weights.asset not in assets:
                raise ConfigError(f"{where}.asset: {unknown('asset', str(weights.asset), assets)}")


def _check_known(axis: str, values: Iterable[str], where: str, config: Path) -> None:
    """Each value is an id of a registry, or stands for LR images that are given."""
    entries = registry.load(axis, config)
    for value in values:
        if value not in entries and (axis, value) != ("kernels", GIVEN):
            raise ConfigError(f"{where}: {unknown(AXES[axis], value, entries)}")


def _check_names(document: Mapping[str, Any], source: str, config: Path) -> None:
    """Of sections that may name what a selected run leaves out: each name is one of a registry."""
    _check_known("datasets", document.get("crops", {}).get("regions", {}), f"{source}: crops.regions", config)
    if "same_pixels" in document:
        section, where = document["same_pixels"], f"{source}: same_pixels"
        _check_known("datasets", [section["dataset"]], f"{where}.dataset", config)
        _check_known("models", section["models"], f"{where}.models", config)


def _crop_kernels(
    crops: Mapping[str, Any], cells: Iterable[Cell], source: str, config: Path
) -> tuple[str, ...]:
    """Kernels that crop sheets are drawn for: all of the run, or those that the config names."""
    _check_known("kernels", crops.get("kernels", ()), f"{source}: crops.kernels", config)
    return tuple(crops.get("kernels", dict.fromkeys(cell.kernel for cell in cells)))


def _pools(pools: Mapping[str, Sequence[str]], source: str, config: Path) -> Mapping[str, Sequence[str]]:
    for label, members in pools.items():
        _check_known("datasets", members, f"{source}: pools.{label}", config)
    return pools


def _cost(document: Mapping[str, Any], extras: frozenset[str], source: str) -> Cost | None:
    section = document.get("cost")
    if section is None or not extras & {"counts", "timing", "ledger"}:
        return None
    ledger = section.get("ledger")
    datasets = {name for suite in document["suites"].values() for name in suite["datasets"]}
    if ledger is not None and ledger not in datasets | set(document.get("datasets") or ()):
        message = unknown("dataset", ledger, datasets)
        raise ConfigError(f"{source}: cost.ledger: {message} (in the suites)")
    return Cost(
        time="timing" in extras and section.get("time", True),
        seconds=section.get("seconds", 10),
        ledger=ledger if "ledger" in extras else None,
    )


def _verdict(document: Mapping[str, Any], cells: Iterable[Cell], source: str) -> Mapping[str, Any]:
    """The section, whose model the run must have."""
    section = document.get("verdict", {})
    models = list(dict.fromkeys(cell.model for cell in cells))
    if section and section["model"] not in models:
        raise ConfigError(
            f"{source}: verdict.model: {unknown('model', section['model'], models)} (in this run)"
        )
    return section


def _loss_study(document: Mapping[str, Any], cells: Iterable[Cell], source: str) -> Mapping[str, Any]:
    """The section, of whose models and datasets each must be a cell of the run at all of its scales."""
    section = document.get("loss_study", {})
    have = {(cell.dataset, cell.model) for cell in cells}
    for dataset in section.get("regions", {}):
        for model in section["networks"]:
            if (dataset, model) not in have:
                raise ConfigError(f"{source}: loss_study: {model} on {dataset} is not in the suites")
    return section


#: Keys whose value on the command line may be several, with commas between.
_LISTS = (
    "suite", "registries", "datasets", "kernels", "scales", "models", "baselines", "metrics", "studies",
    "extras",
)  # fmt: skip


def checked(document: Any, source: str) -> dict[str, Any]:
    """A configuration of the right keys and types, as a file or the command line has it.

    Raises :class:`ConfigError` that names the key, also for what is no mapping at all.
    """
    coerced = _coerce(document) if isinstance(document, Mapping) else document
    registry.validate(coerced, "config", source)
    return coerced


def _coerce(document: Mapping[str, Any]) -> dict[str, Any]:
    """Undo what the command line does to types: ``--config scales=2,4`` gives one string."""
    out = dict(document)
    for key in _LISTS:
        if key in out:
            out[key] = _as_list(out[key])
    if "scales" in out:
        out["scales"] = [_as_int(value) for value in out["scales"]]
    for key in ("seed",):
        if key in out:
            out[key] = _as_int(out[key])
    if isinstance(out.get("name"), int):
        out["name"] = str(out["name"])
    if isinstance(out.get("user_images"), str | int):
        out["user_images"] = {"path": str(out["user_images"])}
    if isinstance(out.get("inference"), Mapping):
        out["inference"] = {key: _as_scalar(value) for key, value in out["inference"].items()}
    return out


def _as_scalar(value: Any) -> Any:
    """A number or a truth value where the text is one."""
    texts = {"true": True, "false": False}
    return texts.get(value.lower(), _as_int(value)) if isinstance(value, str) else value


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, str):
        return [part.strip() for part in value.strip("[] ").split(",") if part.strip()]
    if isinstance(value, Iterable):
        return list(value)
    return [value]


def _as_int(value: Any) -> Any:
    """An int where the text is one; else the value itself, for the schema to complain about."""
    if isinstance(value, str) and value.strip().lstrip("x").isdigit():
        return int(value.strip().lstrip("x"))
    return value
