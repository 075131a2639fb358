"""The model registry: what a model is, which scales it has, and where its weights come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sisr.base import extensions, registry
from sisr.base.errors import ConfigError, ModelSkipped, unknown
from sisr.models import class_files, licences
from sisr.models.modifiers import Modifier, chain_of, parse_modifiers

Colour = Literal["rgb", "y"]

#: Name of an engine -> its module, for :mod:`sisr.upscaling.engines`.
ENGINES = {
    "interpolation": "sisr.upscaling.engines.classical",
    "opencv": "sisr.upscaling.engines.opencv",
    "torch": "sisr.upscaling.engines.pytorch",
    "ncnn": "sisr.upscaling.engines.ncnn_cpu",
    "onnx": "sisr.upscaling.engines.onnx_cpu",
}


def engine_module(name: str) -> str:
    """The module of an engine; :class:`ConfigError` for an unknown one.

    >>> engine_module("torch")
    'sisr.upscaling.engines.pytorch'
    """
    return extensions.target("engine", "engines", name, ENGINES)


#: Files of one's own that no GPU can help with: their engines know the CPU only.
_CPU_SUFFIXES = (".onnx", ".pb", ".param")


@dataclass(frozen=True)
class Weights:
    """Where the weights of one scale come from: files of an asset, or a training recipe of the DAG."""

    asset: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    recipe: str | None = None


@dataclass(frozen=True)
class Own:
    """A network of the user's own, whose kind is found out when its file is opened.

    ``files`` has the file of each scale, or one file under None whose scale is not known yet; it is empty for
    a Python class without weights.  ``python`` is that class, as ``file.py:Class`` or
    ``package.module:Class``.  ``colour`` and ``input_range`` are what the entry states, None where it states
    nothing.
    """

    files: Mapping[int | None, Path] = field(default_factory=dict)
    python: str | None = None
    colour: Colour | None = None
    input_range: str | None = None

    def file(self, scale: int | None) -> Path | None:
        """The file for a scale, None where there is none (a class without weights)."""
        return self.files.get(scale, self.files.get(None))


@dataclass(frozen=True)
class Model:
    """One entry of ``config/models.yaml``.

    ``colour`` is ``rgb`` for networks that take three channels (a gray image is replicated) and ``y`` for
    networks on luma, whose chroma is enlarged bicubically as in the papers.  ``input_peak`` is what white
    is for the network: 1 or 255.

    ``modifiers`` are applied around the network, the first one innermost (:mod:`sisr.models.modifiers`).
    With a chain among them, ``scales`` and ``weights`` are by the scale that is made, and ``links`` says
    which scale the network itself runs at.

    ``outputs`` are SR images of a program that is not run here: dataset -> scale -> folder.

    ``own`` is set for a network of the user's own; its ``engine`` is ``detect``, and ``colour`` and
    ``input_peak`` mean nothing before :func:`sisr.upscaling.detection.resolve` has looked at the file.
    """

    id: str
    label: str
    engine: str
    colour: Colour
    params: Mapping[str, Any]
    scales: tuple[int, ...]
    weights: Mapping[int, Weights]
    unavailable: str | None = None
    input_peak: int = 1
    modifiers: tuple[Modifier, ...] = ()
    links: Mapping[int, int] = field(default_factory=dict)
    own: Own | None = None
    outputs: Mapping[str, Mapping[int, Path]] = field(default_factory=dict)

    @property
    def uses_gpu(self) -> bool:
        """Whether a GPU can be of use."""
        if self.own is not None:
            return not any(path.suffix.lower() in _CPU_SUFFIXES for path in self.own.files.values())
        return self.engine == "torch"

    def weights_for(self, scale: int) -> Weights | None:
        """Weights of a scale, None for a model without weights.

        Raises
        ------
        ModelSkipped
            The model has no form for this scale; the message lists those it has.
        """
        if self.scales and scale not in self.scales:
            have = ", ".join(f"x{s}" for s in self.scales)
            raise ModelSkipped(f"{self.label} has weights for {have} only, not for x{scale}")
        return self.weights.get(scale)

    def link(self, scale: int) -> int | None:
        """The scale that the network itself runs at to make ``scale``; None if only its file can tell."""
        chain = chain_of(self.modifiers)
        if chain is None:
            return scale
        if self.own is not None and None in self.own.files:
            return chain.by
        return self.links.get(scale, chain.by or scale)

    def own_files(self, scale: int) -> list[Path]:
        """Files of one's own that a scale is made from: the network, values beside it, and of a Python class
        its file with what that imports of its own package.

        Raises :class:`ConfigError` for one that is not there.
        """
        if self.own is None:
            return []
        path = self.own.file(self.link(scale))
        files = [] if path is None else [path]
        if path is not None and path.suffix.lower() == ".param":
            files.append(path.with_suffix(".bin"))
        if path is not None and path.suffix.lower() == ".onnx":
            data = path.with_name(f"{path.name}.data")  # torch's exporter puts the values there
            files += [data] if data.is_file() else []
        if self.own.python:
            source = class_files.file_of(self.own.python)
            files += [] if source is None else _relative(class_files.read(source).files())
        missing = next((file for file in files if not file.is_file()), None)
        if missing is not None:
            raise ConfigError(f"config/models.yaml: {self.id}: {missing}: no such file")
        return files


def _relative(files: Sequence[Path]) -> list[Path]:
    """Files with those in the current folder named from there, as an entry names them."""
    here = Path.cwd()
    return [file.relative_to(here) if file.is_relative_to(here) else file for file in files]


def parse(model_id: str, entry: Mapping[str, Any]) -> Model:
    """Turn a registry entry, validated and complete (see :func:`complete`), into a :class:`Model`."""
    weights = {int(scale): Weights(**spec) for scale, spec in entry.get("weights", {}).items()}
    own = _own(entry) if "path" in entry or "python" in entry else None
    outputs = {
        dataset: {int(scale): Path(folder).expanduser() for scale, folder in folders.items()}
        for dataset, folders in entry.get("outputs", {}).items()
    }
    have = {
        *weights,
        *(scale for folders in outputs.values() for scale in folders),
        *(scale for scale in (own.files if own else ()) if scale is not None),
    }
    modifiers = parse_modifiers(entry.get("modifiers", ()), f"model '{model_id}'")
    chain = chain_of(modifiers)
    links = chain.scales(have) if chain is not None else {}
    if links:
        weights = {scale: weights[link] for scale, link in links.items() if link in weights}
        have = set(links)
    scales = tuple(int(s) for s in entry.get("scales", sorted(have)))
    if chain is None and (missing := [s for s in sorted(have) if s not in scales]):
        raise ConfigError(f"model '{model_id}': weights for x{missing[0]}, which is not in its scales")
    if links and (missing := [s for s in scales if s not in links]):
        raise ConfigError(f"model '{model_id}': no chain of its scales makes x{missing[0]}")
    return Model(
        id=model_id,
        label=entry["label"],
        engine="detect" if own else "given" if outputs else entry["engine"],
        colour=entry.get("colour", "rgb"),
        params=entry.get("params", {}),
        scales=scales,
        weights={scale: spec for scale, spec in weights.items() if scale in scales},
        unavailable=entry.get("unavailable"),
        input_peak=255 if entry.get("input_range") == "0-255" else 1,
        modifiers=modifiers,
        links=links,
        own=own,
        outputs=outputs,
    )


def _own(entry: Mapping[str, Any]) -> Own:
    paths = entry.get("path", {})
    by_scale: dict[int | None, Path] = (
        {None: Path(paths).expanduser()}
        if isinstance(paths, str)
        else {int(scale): Path(path).expanduser() for scale, path in paths.items()}
    )
    return Own(by_scale, entry.get("python"), entry.get("colour"), entry.get("input_range"))


def complete(model_id: str, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An entry with what it inherits: everything of its ``base``, whose modifiers come first.

    Raises :class:`ConfigError` for an unknown model or base, and for bases that go round in a circle.
    """
    chain: list[str] = []
    while True:
        if model_id in chain:
            raise ConfigError(f"model '{chain[0]}': its bases go round in a circle: {' -> '.join(chain)}")
        if model_id not in entries:
            where = f"model '{chain[-1]}': base: " if chain else ""
            raise ConfigError(where + unknown("model", model_id, entries))
        chain.append(model_id)
        if "base" not in entries[model_id]:
            break
        model_id = entries[model_id]["base"]
    done: dict[str, Any] = {"licence": licences.UNKNOWN}
    for name in reversed(chain):
        inherited = done.get("modifiers", [])
        if any("chain" in modifier for modifier in entries[name].get("modifiers", ())):
            done.pop("scales", None)  # those of the base are not what the chain makes
        done |= {key: value for key, value in entries[name].items() if key != "base"}
        if name != chain[-1]:
            done["modifiers"] = [*inherited, *entries[name].get("modifiers", [])]
    return done


def entry_of(model_id: str, config: Path = registry.CONFIG) -> dict[str, Any]:
    """The complete registry entry of a model; see :func:`complete`."""
    return complete(model_id, registry.load("models", config))


def get(model_id: str, config: Path = registry.CONFIG) -> Model:
    """The model of that id; an unknown id raises :class:`ConfigError` with the nearest known one."""
    return parse(model_id, entry_of(model_id, config))


def has_weights(model: Model, scale: int) -> bool:
    """Whether a model can run at a scale, as far as its entry tells."""
    try:
        model.weights_for(scale)
    except ModelSkipped:
        return False
    return True


@dataclass(frozen=True)
class Stated:
    """What the command line says of a network of one's own: its class, its arguments, its input range."""

    python: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    input_range: str | None = None


def named(
    name: str | None, modify: Sequence[str] = (), stated: Stated | None = None, config: Path = registry.CONFIG
) -> Model:
    """A model as the command line names it: an id, an id with ``+`` (self-ensemble), or a file's path.

    ``modify`` are names of further modifiers.  A registered id comes first, then what is a file or
    looks like one.  With a class, the name is that of its weights, None for none.
    """
    entries, stated = registry.load("models", config), stated or Stated()
    base, extra = name or "", list(modify)
    if stated.python is not None:
        where, class_name = class_files.split(stated.python)
        if not where or not class_name.isidentifier():
            raise ConfigError(f"class '{stated.python}': expected file.py:Class")
        if name is not None and not Path(name).expanduser().is_file():
            raise ConfigError(f"{name}: no such file; with a class, the model is the file of its weights")
        label = Path(name or stated.python).name
        entry: dict[str, Any] = {"label": label, "python": stated.python, "params": dict(stated.params)}
        entry |= {} if name is None else {"path": name}
        name = name or stated.python
    elif name is None:
        raise ConfigError("no model: name one, or a file of weights, or the class of a network")
    else:
        if name not in entries and name.endswith("+") and name.rstrip("+") in entries:
            base, extra = name.rstrip("+"), ["self-ensemble", *modify]
        entry = _named_entry(name, base, entries, stated.input_range is not None)
        if stated.params and "path" not in entry:
            raise ConfigError(
                "params: they are arguments of a class or of a network in a file, and none is given"
            )
        entry["params"] = {**entry.get("params", {}), **stated.params}
    if stated.input_range is not None:
        entry["input_range"] = stated.input_range
    entry["modifiers"] = [*entry.get("modifiers", []), *extra]
    return parse(name, entry)


def _named_entry(name: str, base: str, entries: Mapping[str, Any], ranged: bool) -> dict[str, Any]:
    """The entry of a registered model, or one for a file."""
    if base in entries:
        entry = complete(base, entries)
        if ranged and "path" not in entry:
            raise ConfigError(f"input range: '{name}' is in the registry, which states it")
        return entry
    if Path(name).suffix and (Path(name).expanduser().exists() or "/" in name or "\\" in name):
        return {"label": Path(name).name, "path": name}
    raise ConfigError(unknown("model", name, entries))
