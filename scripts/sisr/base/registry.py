"""Registries: YAML tables under ``config/`` whose every entry is checked against a JSON schema.

Adding a dataset, kernel, model, metric or asset is one entry in one of these files.  A key that is
misspelt, given twice or of the wrong type is an error that names the file and the key.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Hashable, Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from sisr.base import extensions
from sisr.base.errors import ConfigError, unknown

if (
    TYPE_CHECKING
):  # takes longer to import than all else here, and a job whose registries are valid needs none
    import jsonschema

#: Root of the checkout: ``scripts/sisr/base/registry.py`` is three folders below it.
ROOT = Path(__file__).resolve().parents[3]
CONFIG = ROOT / "config"
SCHEMAS = ROOT / "workflow" / "schemas"
#: Environment variable with the folder ``config`` of a deployment: of a folder, not the checkout, in which
#: the workflow is started.
DEPLOYMENT = "SISR_CONFIG"
#: Environment variable with the user's own registries, folders and files, written as in ``PATH``.
OWN = "SISR_REGISTRIES"
#: Environment variable with digests of documents found valid, for the processes that this one starts.
VALID = "SISR_VALID"
#: Levels of nesting in a file, and values in it after its aliases were followed.
_DEEPEST, _MOST_NODES = 100, 1_000_000
#: Registries that a user's own may have entries of.
EXTENSIBLE = ("assets", "datasets", "kernels", "metrics", "models", "protocols")


# libyaml where it is built in: every job reads registries.
_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _JsonLoader(_BaseLoader):
    """SafeLoader whose mappings are JSON's: keys are strings (``2:`` is "2"), and none is given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=deep)
            name = str(key) if isinstance(key, int) else key
            if name in seen:
                mark = key_node.start_mark
                raise ConfigError(f"{self.name}:{mark.line + 1}: key '{key}' twice")
            seen.add(name)
        mapping = super().construct_mapping(node, deep=deep)
        return {str(key) if isinstance(key, int) else key: value for key, value in mapping.items()}


def read_yaml(path: Path) -> Any:
    """Parse a YAML file; what cannot be read raises :class:`ConfigError` naming file and line."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: expected UTF-8, found byte 0x{content[error.start]:02x}") from None
    _check_depth(text, path)
    try:
        loader = _JsonLoader(text)
        loader.name = str(path)
        try:
            node = loader.get_single_node()
            if node is not None and "*" in text:
                _check_aliases(node, path)
            return None if node is None else loader.construct_document(node)
        finally:
            loader.dispose()
    except RecursionError:
        raise ConfigError(f"{path}: nested too deep") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{where}: not valid YAML: {problem}") from None


def _check_depth(text: str, path: Path) -> None:
    """Raise :class:`ConfigError` for nesting that would end the process: libyaml's composer is recursive."""
    deepest = depth = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        depth += 1 if bracket[0] in "[{" else -1
        deepest = max(deepest, depth)
    # A level of blocks takes a column, and a list in a mapping may stand in that of its key.
    column = max((len(lead[0]) for lead in re.finditer(r"(?m)^[ ?:-]+", text)), default=0)
    if deepest + 2 * column <= _DEEPEST:
        return
    depth = 0  # of what the text means, since those may be brackets and blanks of a text in it
    with suppress(yaml.YAMLError):
        for event in yaml.parse(text, Loader=_BaseLoader):
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                line = f":{event.start_mark.line + 1}" if event.start_mark else ""
                raise ConfigError(f"{path}{line}: nested more than {_DEEPEST} deep")


def _check_aliases(root: yaml.Node, path: Path) -> None:
    """Raise :class:`ConfigError` where aliases say far more than is written, or an alias is within itself."""
    sizes: dict[int, int] = {}

    def refused(node: yaml.Node, what: str) -> ConfigError:
        line = f":{node.start_mark.line + 1}" if node.start_mark else ""
        return ConfigError(f"{path}{line}: {what}")

    open_nodes: set[int] = set()

    def size(node: yaml.Node) -> int:
        key = id(node)
        if key in open_nodes:
            raise refused(node, "an alias within what it stands for")
        if key not in sizes:
            open_nodes.add(key)
            inner = node.value if isinstance(node, yaml.CollectionNode) else ()
            pairs = isinstance(node, yaml.MappingNode)
            sizes[key] = 1 + sum(size(one) for item in inner for one in (item if pairs else (item,)))
            open_nodes.remove(key)
            if sizes[key] > _MOST_NODES:
                raise refused(node, f"more than {_MOST_NODES} values, by aliases of aliases")
        return sizes[key]

    size(root)


def read_json(path: Path, schema_name: str) -> Any:
    """Parse a JSON file and check it against a schema; what is wrong raises :class:`ConfigError`."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # bytes that are no UTF-8 are a ValueError
        raise ConfigError(f"{path}: not JSON: {error}") from None
    validate(document, schema_name, str(path))
    return document


@cache
def schema(name: str) -> dict[str, Any]:
    """JSON schema ``workflow/schemas/<name>.schema.yaml``."""
    result: dict[str, Any] = read_yaml(SCHEMAS / f"{name}.schema.yaml")
    return result


@cache
def _validator() -> Any:
    """JSON schema, whose patterns are of the whole text: Python's ``$`` also ends before a line feed."""
    import jsonschema

    def whole_text(
        validator: Any, pattern: str, instance: Any, _: Any
    ) -> Iterator[jsonschema.ValidationError]:
        if validator.is_type(instance, "string") and not re.fullmatch(pattern, instance):
            yield jsonschema.ValidationError(f"{instance!r} does not match {pattern!r}")

    return jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": whole_text})


def validate(document: Any, schema_name: str, source: str) -> None:
    """Check ``document`` against a schema; the :class:`ConfigError` is one line that names the key.

    ``source`` is what the message calls the document, normally its path.
    """
    validator = _validator()(schema(schema_name))
    # Of errors at one place the misspelt key comes first: the missing one is its other half.
    error = min(
        validator.iter_errors(document),
        key=lambda e: (str(e.absolute_path), e.validator != "additionalProperties"),
        default=None,
    )
    if error is not None:
        raise ConfigError(f"{source}: {explain(error)}")


def explain(error: jsonschema.ValidationError) -> str:
    """One line for a schema violation: the dotted key, what was found and what was expected."""
    key = ".".join(str(part) for part in error.absolute_path)
    where = f"{key}: " if key else ""
    rules: Any = error.schema
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        allowed = rules.get("properties", {})
        for name in error.instance:
            if name in rules.get("renamed", {}):
                return f"{where}'{name}' is called '{rules['renamed'][name]}' now"
            if name not in allowed and "patternProperties" not in rules:
                return where + unknown("key", str(name), allowed)
    if error.validator in ("oneOf", "anyOf"):
        deepest = max(error.context or [], key=lambda e: len(e.absolute_path), default=error)
        if len(deepest.absolute_path) > len(error.absolute_path):
            return explain(deepest)
        branches: Any = error.validator_value
        choices = [" and ".join(branch["required"]) for branch in branches if "required" in branch]
        if choices and isinstance(error.instance, dict):
            found = [name for name in error.instance if any(name in choice.split() for choice in choices)]
            return f"{where}expected either {' or '.join(choices)}, found {', '.join(found) or 'neither'}"
    message = error.message if len(error.message) < 300 else error.message[:297] + "..."
    return (where + message).replace("\n", " ")


def find(name: str, config: Path = CONFIG) -> Path:
    """The file ``name`` (``models.yaml``) of the configuration: the deployment's own where it has one.

    A deployment has copies of some or all files of ``config/`` to edit; others are read from the checkout.
    """
    own = os.environ.get(DEPLOYMENT)
    if config == CONFIG and own and Path(own, name).is_file():
        return Path(own, name)
    return config / name


def use(places: Iterable[str]) -> None:
    """Have :func:`load` read the user's own registries too, in this process and in those that it starts.

    A place is a folder with files as ``models.yaml``, or one file with a section for each registry.
    :class:`ConfigError` for one that is not there, or has what is no registry.
    """
    paths = [Path(place).expanduser().absolute() for place in places]
    for path in paths:
        if os.pathsep in str(path):
            raise ConfigError(f"registries: {path}: expected a path without '{os.pathsep}'")
        _sections(path)
    joined = os.pathsep.join(map(str, paths))
    if joined != os.environ.get(OWN, ""):
        os.environ[OWN] = joined
        load.cache_clear()
        _origins.clear()


def _sections(place: Path) -> dict[str, tuple[str, Any]]:
    """Registry -> what messages call it, and its entries, of one place of the user's."""
    if place.is_dir():
        found = {path.stem: (shown(path), read_yaml(path)) for path in sorted(place.glob("*.yaml"))}
        if not found:
            names = ", ".join(f"{name}.yaml" for name in EXTENSIBLE)
            raise ConfigError(f"registries: {place}: expected some of {names}, found none")
    else:
        document = read_yaml(place)
        if not isinstance(document, dict):
            raise ConfigError(f"registries: {place}: expected sections as 'models:', found no mapping")
        found = {name: (f"{shown(place)}: {name}", entries) for name, entries in document.items()}
    for name, (source, _) in found.items():
        if name not in EXTENSIBLE:
            raise ConfigError(f"registries: {source}: {unknown('registry', name, EXTENSIBLE)}")
    return found


def _documents(name: str, config: Path) -> Iterator[tuple[str, Any]]:
    """What may have entries of a registry: the folder's own file, installed packages, the user's own."""
    path = find(f"{name}.yaml", config)
    yield shown(path), read_yaml(path)
    if config == CONFIG:
        for package, path in extensions.registries(name).items():
            yield f"{package} ({path.name})", read_yaml(path)
        for place in filter(None, os.environ.get(OWN, "").split(os.pathsep)):
            if (section := _sections(Path(place)).get(name)) is not None:
                yield section


def _validate_once(document: Any, schema_name: str, source: str) -> None:
    """:func:`validate`, unless a process that started this one has found the same document valid.

    Each job of a run reads registries that the run has read, and checking takes longer than reading.
    """
    valid = os.environ.get(VALID, "").split()
    digest = hashlib.sha256(f"{schema_name} {document!r}".encode()).hexdigest()[:16]
    if digest not in valid:
        validate(document, schema_name, source)
        os.environ[VALID] = " ".join([*valid, digest])


#: Registry -> entry -> where it stands, of the registries as they were last loaded.
_origins: dict[tuple[str, Path], dict[str, str]] = {}


@cache
def load(name: str, config: Path = CONFIG) -> dict[str, dict[str, Any]]:
    """Entries of registry ``config/<name>.yaml`` by id, checked against ``<name>.schema.yaml``.

    Known registries: ``assets``, ``datasets``, ``kernels``, ``metrics``, ``protocols``, ``models``.
    Those of installed packages (:mod:`sisr.base.extensions`) and of the user (:func:`use`) come after the
    folder's own entries; an id that two of them have is a :class:`ConfigError`.  The result is shared
    between callers and must not be changed.
    """
    document: dict[str, dict[str, Any]] = {}
    sources: dict[str, str] = {}
    for source, entries in _documents(name, config):
        _validate_once(entries, name, source)
        if twice := document.keys() & entries.keys():
            key = min(twice)
            raise ConfigError(f"{name.rstrip('s')} '{key}' twice: in {sources[key]} and in {source}")
        document |= entries
        sources |= dict.fromkeys(entries, source)
    _origins[name, config] = sources
    return document


def origin(name: str, key: str) -> str:
    """Where an entry stands that is none of the benchmark's own, as a path or a package; else nothing."""
    if (name, CONFIG) not in _origins:
        load(name)
    found = _origins[name, CONFIG].get(key, "")
    return "" if found == shown(find(f"{name}.yaml")) else found


def entry(name: str, key: str, config: Path = CONFIG) -> dict[str, Any]:
    """One entry of a registry; an unknown id raises :class:`ConfigError` with the nearest known id."""
    entries = load(name, config)
    if key not in entries:
        raise ConfigError(unknown(name.rstrip("s"), key, entries))
    return entries[key]


def shown(path: Path) -> str:
    """A path as messages name it: below the folder in which the program runs, or below the checkout."""
    for root in (Path.cwd(), ROOT):
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    return str(path)
