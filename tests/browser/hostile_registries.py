"""Registries and a configuration that say something hostile wherever their schemas let a person write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from sisr.base import registry
from sisr.base.errors import ConfigError

#: Ends a script, loads an image, brings in a file, makes a link, and is commands in LaTeX and a formula.
SAID = (
    "</script><script>window.hacked=1</script> <img src=x onerror=window.hacked=1>"
    "\n\n.. include:: /etc/passwd\n\n"
    "`x <javascript:window.hacked=1>`_ javascript:window.hacked=1 \\input{x}$&%#_^~$"
)
REGISTRIES = ("anchors", "assets", "datasets", "kernels", "metrics", "models", "protocols", "references")
#: These keys name entries, files, addresses of downloads and code. Every other free text may be shown.
NAMES = frozenset((
    "arch", "archive", "asset", "base", "engine", "file", "files", "folder", "function", "gold", "gray", "hr",
    "image", "kernel", "leads", "lr", "measure", "member", "metric", "model", "name", "net", "outputs",
    "path", "protocols", "scorer", "sr", "suffix", "upstream", "urls", "version",
))  # fmt: skip
_LIMITS = ("pattern", "enum", "const", "format")


def write(folder: Path) -> None:
    """Write the project's own registries and bibliography with :data:`SAID` in every free text."""
    for name in REGISTRIES:
        rules, entries = registry.schema(name), registry.read_yaml(registry.CONFIG / f"{name}.yaml")
        said = filled(entries, rules, rules, NAMES)
        if name != "references":  # whose sections are not entries
            said = {key: _completed(key, entry, name, rules) for key, entry in said.items()}
        registry.validate(said, name, name)
        text = yaml.dump(said, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), allow_unicode=True)
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    works = (registry.CONFIG / "citations.bib").read_text(encoding="utf-8")
    said = " ".join(SAID.split())
    (folder / "citations.bib").write_text(re.sub(r"(title\s*=\s*\{)", lambda m: m[1] + said, works), "utf-8")


def configuration(file: str) -> Any:
    """A configuration in which names are hostile, too, as that of a run whose registries are a user's."""
    rules = registry.schema("config")
    return filled(registry.read_yaml(registry.CONFIG / file), rules, rules, frozenset())


def filled(value: Any, rules: Mapping[str, Any], root: Mapping[str, Any], names: frozenset[str]) -> Any:
    """``value`` with :data:`SAID` behind each text that its schema leaves free, but for these keys."""
    parts = list(_parts(rules, root))
    if isinstance(value, str):
        return f"{value} {SAID}" if _free(parts) else value
    if isinstance(value, list):
        inner = {"allOf": [part["items"] for part in parts if isinstance(part.get("items"), dict)]}
        return [filled(one, inner, root, names) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: one if key in names else filled(one, {"allOf": list(_of_key(key, parts))}, root, names)
        for key, one in value.items()
    }


def _completed(key: str, entry: Any, name: str, rules: Mapping[str, Any]) -> Any:
    """An entry with the free texts that it could have and has not."""
    parts = [
        part
        for outer in _parts(rules, rules)
        for inner in _of_key(key, [outer])
        for part in _parts(inner, rules)
    ]
    for text in {text for part in parts for text in part.get("properties", {})} - NAMES - entry.keys():
        if _free([found for inner in _of_key(text, parts) for found in _parts(inner, rules)]):
            try:
                registry.validate({key: {**entry, text: SAID}}, name, name)
            except ConfigError:
                continue  # excluded by another key of the entry
            entry = {**entry, text: SAID}
    return entry


def _parts(rules: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A schema and all that it refers to or chooses from."""
    yield rules
    if "$ref" in rules:
        found: Any = root
        for step in rules["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        yield from _parts(found, root)
    for kind in ("allOf", "anyOf", "oneOf"):
        for inner in rules.get(kind, ()):
            yield from _parts(inner, root)


def _of_key(key: str, parts: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for part in parts:
        matching = [
            rules for form, rules in part.get("patternProperties", {}).items() if re.search(form, key)
        ]
        if key in part.get("properties", {}):
            matching.append(part["properties"][key])
        others = part.get("additionalProperties")
        yield from matching or ([others] if isinstance(others, dict) else [])


def _free(parts: list[Mapping[str, Any]]) -> bool:
    """Whether these rules let any text pass."""
    return any(part.get("type") == "string" for part in parts) and not any(
        limit in part for part in parts for limit in _LIMITS
    )
