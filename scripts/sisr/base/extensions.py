"""What installed packages add to the benchmark, by entry points.

==================  ======================================================================================
``sisr.kernels``    functions, for ``function`` of ``config/kernels.yaml``
``sisr.metrics``    functions and scorers, for those keys of ``config/metrics.yaml``
``sisr.archs``      architectures, for ``params: {arch}`` of ``config/models.yaml`` and for detection
``sisr.engines``    modules, for ``engine`` of ``config/models.yaml``
``sisr.registries`` packages whose folder has registries of their own (``metrics.yaml``, ``kernels.yaml``),
                    which are read as if they stood in those of ``config/``
==================  ======================================================================================

Nothing of a package is imported before a job uses it: planning reads its metadata and its registries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sisr.base.errors import ConfigError, unknown

#: Folder that holds this package.
_LIBRARY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Provider:
    """A name that an installed package gives to code: ``target`` is ``module:attribute`` or a module."""

    target: str
    package: str
    version: str

    def __str__(self) -> str:
        return f"{self.package} {self.version}"


@cache
def _points() -> Any:
    """Entry points of all packages, whose files are read once for all groups."""
    return entry_points()


@cache
def providers(group: str) -> dict[str, tuple[Provider, ...]]:
    """Name -> packages that provide it in the group ``sisr.<group>``."""
    found: dict[str, tuple[Provider, ...]] = {}
    for point in _points().select(group="sisr." + group):
        package, version = (point.dist.name, point.dist.version) if point.dist else ("?", "?")
        found[point.name] = (*found.get(point.name, ()), Provider(point.value, package, version))
    return found


def members(package: str, attribute: str) -> dict[str, str]:
    """Name -> ``module:attribute`` of every module in a folder of ours, as ``"sisr.models.archs.*"``.

    A module ``carn_m.py`` or a folder ``carn_m`` has the name ``carn-m``; those with a leading underscore
    have none.

    >>> members("sisr.models.archs.*", "ARCHITECTURE")["carn-m"]
    'sisr.models.archs.carn_m:ARCHITECTURE'
    """
    dotted = package.removesuffix(".*")
    folder = _LIBRARY.joinpath(*dotted.split("."))
    stems = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/*.py")}
    names = sorted(stem for stem in stems if not stem.startswith("_"))
    return {stem.replace("_", "-"): f"{dotted}.{stem}:{attribute}" for stem in names}


def known(group: str, own: Iterable[str] = ()) -> list[str]:
    """Every name of a group: the benchmark's own, then those of packages."""
    return list(dict.fromkeys([*own, *providers(group)]))


def target(
    kind: str, group: str, name: str, own: Mapping[str, str] | None = None, folder: str = "sisr."
) -> str:
    """Where the code of a name lies, as ``module:attribute``, which a name may itself be.

    ``own`` are the names of the benchmark itself, and ``folder`` (``"sisr.lr.kernels.*"``) is where code of
    its own lies that a registry names directly: what lies elsewhere, digests would not count.  Raises
    :class:`ConfigError`, beginning with ``kind``, for an unknown name and for one that has two providers.

    >>> target("metric", "metrics", "laboratory.metrics:mse")
    'laboratory.metrics:mse'
    """
    if ":" in name:
        if name.startswith("sisr.") and not name.startswith(folder.removesuffix("*")):
            raise ConfigError(f"{kind} '{name}': expected one in {folder}")
        return name
    own, found = own or {}, providers(group).get(name, ())
    if len(found) + (name in own) > 1:
        both = " and ".join([*(["the benchmark itself"] if name in own else []), *map(str, found)])
        raise ConfigError(f"{kind} '{name}' is provided by {both}: uninstall one of them")
    if name in own:
        return own[name]
    if not found:
        raise ConfigError(unknown(kind, name, known(group, own)))
    return found[0].target


def load(where: str) -> Any:
    """What lies at ``module:attribute``, or the module; :class:`ConfigError` if a package has not got it."""
    module, _, attribute = where.partition(":")
    try:
        found = import_module(module)
        return getattr(found, attribute) if attribute else found
    except (ImportError, AttributeError) as error:
        if module.startswith("sisr."):
            raise
        raise ConfigError(f"'{where}' cannot be imported: {error}") from None


def place(module: str) -> Path | None:
    """File of a module, its folder's ``__init__.py`` for a package; found without running any of it."""
    first, *rest = module.split(".")
    spec = find_spec(first)
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin)
    if rest:
        path = path.parent.joinpath(*rest)
        path = path / "__init__.py" if path.is_dir() else path.with_name(f"{path.name}.py")
    return path if path.is_file() else None


def _every() -> list[Provider]:
    groups = ("kernels", "metrics", "archs", "engines", "registries")
    return [one for group in groups for found in providers(group).values() for one in found]


def packages() -> list[str]:
    """Names of the packages that add anything."""
    return sorted({one.package for one in _every()})


def provider_of(where: str) -> Provider | None:
    """The package that provides this code by an entry point."""
    return next((one for one in _every() if one.target == where), None)


def registries(name: str) -> dict[str, Path]:
    """Package and version -> its registry ``<name>.yaml``, for the packages that have one."""
    found = {}
    for one in (one for several in providers("registries").values() for one in several):
        module = place(one.target)
        if module is None:
            raise ConfigError(f"{one}: entry point sisr.registries: no package '{one.target}'")
        if (path := module.with_name(f"{name}.yaml")).is_file():
            found[str(one)] = path
    return found
