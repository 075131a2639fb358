"""What is in this file?  From a network of one's own to an engine, an architecture, a scale and a colour.

A file is recognised by its content where it has a mark (checkpoints of torch, safetensors, TorchScript, ncnn)
and by its name where it has none (``.onnx`` and ``.pb`` are bare protocol buffers).  A file of tensors is
compared with the architectures of this project, names and shapes, and then given to spandrel's detection.
Graphs and programs are run on a small image, which tells their channels and scale.  The range of the
input cannot be seen in a file: it is what the entry states, else that of the registered model of the same
architecture, else 0 to 1.
"""

from __future__ import annotations

import json
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sisr.base import registry
from sisr.base.errors import ConfigError, ModelError, ModelSkipped
from sisr.models import archs, libraries
from sisr.models.architecture import SCALES, Sizes
from sisr.models.differences import Shapes, TensorDifference, shapes_of
from sisr.models.model_entries import Colour, Model
from sisr.models.state_dicts import Part
from sisr.models.weights import content_of, read_checkpoint
from sisr.upscaling import loaders
from sisr.upscaling.engines import RawUpscaler, pytorch
from sisr.upscaling.foreign import process
from sisr.upscaling.inference.options import Options

#: From which part of its tensors on a file is said to be near an architecture.
_NEAR = 0.2


@dataclass(frozen=True)
class Found:
    """A network in a file.  ``scales`` has more than one where the tensors are the same for several.

    ``files`` is role -> path for the engine, ``range`` what the architecture is known to take, or None;
    ``part`` which of a checkpoint's state dicts it is, and ``note`` what was not plain about that.
    """

    architecture: str
    engine: str
    scales: tuple[int, ...]
    channels: int
    files: Mapping[str, Path]
    params: Mapping[str, Any] = field(default_factory=dict)
    range: str | None = None
    part: Part | None = field(default=None, compare=False)
    note: str = ""


def resolve(model: Model, scale: int) -> tuple[Model, int, Mapping[str, Path]]:
    """The network inside a model of the user's own: see :func:`sisr.upscaling.engines.resolve`.

    Raises
    ------
    ModelSkipped
        The file is for another scale, and the entry does not say that it is for this one.
    ModelError
        The file is not a network that is known, cannot be read safely, or contradicts the entry.
    """
    return _resolved(model, scale, look(model, model.link(scale)))


def _resolved(model: Model, scale: int, found: Found) -> tuple[Model, int, Mapping[str, Path]]:
    link = model.link(scale) or found.scales[0]
    if link not in found.scales:
        has = " or ".join(f"x{s}" for s in found.scales)
        assert model.own is not None
        if link in model.own.files:
            raise ModelError(f"{model.own.files[link]}: is {found.architecture} {has}, stated as x{link}")
        raise ModelSkipped(f"{model.label} is {found.architecture} {has}, not x{link}")
    return _concrete(model, found), link, found.files


def load(
    network: Model, scale: int, files: Mapping[str, Path], device: str, threads: int, options: Options
) -> RawUpscaler:
    """A network that :func:`resolve` found; see :func:`sisr.upscaling.engines.load`.

    What is code, a class or a program, runs in a process of its own; tensors run as those of the registry.
    """
    if network.engine != "torch" or network.params["arch"] in ("python", "torchscript"):
        return process.load(network, scale, files, device, threads, options)
    return pytorch.load(network, scale, files, device, threads, options)


def scale_of(model: Model) -> int:
    """The scale of a model of the user's own, as its file tells.

    Raises :class:`ModelError` where the file does not tell it: the message asks for it.
    """
    found = look(model, None)
    if len(found.scales) > 1:
        many = ", ".join(f"x{s}" for s in found.scales)
        raise ModelError(f"{model.label}: is {found.architecture}, which fits {many}: say which (--scale)")
    return found.scales[0]


def describe(model: Model, scale: int) -> str:
    """What a network of the user's own was taken for, in one line."""
    found = look(model, model.link(scale))
    network, link, _ = _resolved(model, scale, found)
    colour = "luma" if network.colour == "y" else "RGB"
    line = f"{model.label}: {found.architecture} x{link}, {colour}, white is {network.input_peak}"
    if found.part is not None and found.part.name:
        line += f"; weights '{found.part.name}'{' (averaged over training)' if found.part.averaged else ''}"
    return f"{line}; {found.note}" if found.note else line


def look(model: Model, scale: int | None) -> Found:
    """The network for a scale; None where the scale is not known yet."""
    assert model.own is not None
    path = model.own.file(scale)
    if model.own.python:
        return _python(model.own.python, model.params, scale, path)
    if path is None:
        have = ", ".join(f"x{s}" for s in model.own.files if s)
        raise ModelSkipped(f"{model.label} has files for {have}, not for x{scale}")
    return identify(path, scale, model.params)


def identify(path: Path, scale: int | None = None, params: Mapping[str, Any] | None = None) -> Found:
    """What is in a file; ``scale`` is tried beside the usual ones.

    Raises :class:`ModelError`, one line, where the file is damaged, refused or not known.
    """
    if not path.is_file():
        raise ModelError(f"{path}: {'is a folder' if path.is_dir() else 'no such file'}")
    suffix, kind = path.suffix.lower(), content_of(path)
    # A checkpoint may end in .bin as well (pytorch_model.bin).
    is_ncnn = suffix == ".param" or (suffix == ".bin" and kind == "unknown")
    arguments = {key: value for key, value in (params or {}).items() if key != "pre_upscale"}
    if arguments and (is_ncnn or suffix in (".onnx", ".pb") or kind == "torchscript"):
        raise ModelError(
            f"{path}: params '{next(iter(arguments))}': its network is in the file and takes none"
        )
    if suffix == ".onnx":
        return _graph("an ONNX graph", "onnx", path, {"graph": path})
    if suffix == ".pb":
        return _graph("OpenCV", "opencv", path, {"graph": path})
    if is_ncnn:
        param = path.with_suffix(".param")
        return _graph("an ncnn graph", "ncnn", param, {"param": param, "bin": param.with_suffix(".bin")})
    if kind == "torchscript":
        loaders.check_program(path)  # a process takes seconds to start
        seen = process.look_at_program(path, "torch")
        return _program("torchscript", {"state": path}, (seen.channels, seen.enlarges), scale, params or {})
    return _tensors(path, scale, arguments)


# --- programs --------------------------------------------------------------------------------------------


def _graph(architecture: str, engine: str, path: Path, files: Mapping[str, Path]) -> Found:
    """A network in the form of another engine than torch, as the process that it runs in saw it."""
    seen = process.look_at_program(path, engine)
    if "name" in seen.params:
        architecture = f"{architecture} {seen.params['name']}"
    scales = (_enlarges(seen.enlarges, path),)
    return Found(architecture, engine, scales, seen.channels, files, seen.params, seen.range)


def _python(name: str, params: Mapping[str, Any], scale: int | None, weights: Path | None) -> Found:
    """A class of somebody's own, as the process that it runs in saw it."""
    arguments = {key: value for key, value in params.items() if key != "pre_upscale"}
    files = {} if weights is None else {"state": weights}
    channels, enlarges, part, note = process.look_at_class(name, arguments, scale, weights)
    chosen = {"class": name, "args": arguments, "pre_upscale": params.get("pre_upscale"), "note": note}
    found = _program("python", files, (channels, enlarges), scale, chosen)
    return replace(found, part=part, note=note)


def _program(
    kind: str,
    files: Mapping[str, Path],
    seen: tuple[int, int],
    scale: int | None,
    params: Mapping[str, Any],
) -> Found:
    """A network of which nothing is known but its channels and how many times it enlarges."""
    source = str(files.get("state", params.get("class", kind)))
    channels, found = seen
    keep = {"arch": kind, **params}
    if params.get("pre_upscale") is None:
        return Found(f"a {kind} network", "torch", (_enlarges(found, source),), channels, files, keep)
    if found != 1:
        raise ModelError(f"{source}: pre_upscale is stated, but the network enlarges x{found} itself")
    scales = (scale,) if scale else SCALES
    return Found(f"a {kind} network", "torch", scales, channels, files, keep)


def _enlarges(scale: int, source: object) -> int:
    if scale < 2:
        raise ModelError(
            f"{source}: gives an image of the input's size; a network that refines bicubic is a torch one "
            "with params: {pre_upscale: matlab-bicubic}"
        )
    return scale


# --- tensors ---------------------------------------------------------------------------------------------


def _tensors(path: Path, scale: int | None, stated: Mapping[str, Any]) -> Found:
    """The network in a file of tensors: of all that it may mean, the first that is known.

    ``stated`` are arguments of its architecture that are not to be read from the file.
    """
    parts, form = read_checkpoint(path)
    nearest: tuple[float, str] | None = None
    for part in parts:
        found, near = _of_tensors(part.state, path, {"format": form}, scale, stated)
        if found is not None:
            chosen = {"part": part.name} if part is not parts[0] else {}
            return replace(found, params={**found.params, **chosen}, part=part)
        near = (near[0], f"{contents(part.state)}: no known architecture; {near[1]}")
        nearest = near if nearest is None or near[0] > nearest[0] else nearest
    assert nearest is not None
    by_class = f"sisr upscale --model {shlex.quote(str(path))} --class file.py:Class [--params NAME=VALUE]"
    raise ModelError(f"{path}: {nearest[1]}; it runs with the file of its class: {by_class}")


def _of_tensors(
    state: Mapping[str, Tensor],
    path: Path,
    params: Mapping[str, Any],
    scale: int | None,
    stated: Mapping[str, Any],
) -> tuple[Found | None, tuple[float, str]]:
    """The architecture whose tensors these are, or None and what is nearest: how near, and what differs."""
    shapes = shapes_of(state)
    nearest = (0.0, "")
    tried = dict.fromkeys((*SCALES, *([scale] if scale else [])))
    # BasicSR takes seconds to import: its architectures come last.
    for candidate in sorted(_candidates(shapes), key=lambda c: c.arch.startswith("basicsr:")):
        fitting = []
        any_of_untold = {key: values[0] for key, values in candidate.untold.items()}
        for at in tried:
            own = _shapes(candidate.arch, {**any_of_untold, **candidate.arguments}, at)
            if own is None:
                continue
            difference = TensorDifference.of(own, shapes)
            if not difference.wrong:
                fitting.append(at)
            elif difference.nearness > nearest[0]:
                nearest = (difference.nearness, f"nearest {candidate.arch} x{at}: {difference}")
            elif not difference.nearness:
                break  # not even a name in common: no other scale will have one
        if fitting:
            return _of_candidate(candidate, tuple(fitting), state, path, params, stated), nearest
    if libraries.spandrel_name(state) is not None:
        try:
            return _of_spandrel(state, path, params, stated), nearest
        except libraries.Misfit as error:
            nearest = max(nearest, (error.nearness, str(error).removeprefix(f"{path}: ")))
    if nearest[0] < _NEAR:
        known = f"{', '.join(archs.known())}, and of spandrel: {', '.join(libraries.spandrel_names())}"
        nearest = (nearest[0], f"nothing near among {known}")
    return None, nearest


def _of_candidate(
    candidate: _Candidate,
    scales: tuple[int, ...],
    state: Mapping[str, Tensor],
    path: Path,
    params: Mapping[str, Any],
    stated: Mapping[str, Any],
) -> Found:
    """An architecture whose tensors these are, with what is stated of it.

    Raises :class:`ModelError` where something has to be stated, or cannot be.
    """
    label = candidate.arch
    of = f"{path}: is {label} {' or '.join(f'x{scale}' for scale in scales)}"
    arguments = {**candidate.arguments, **stated}
    if stated:
        try:
            own = _shapes_of(label, scales[0], json.dumps(arguments))
        except ConfigError as error:
            raise ModelError(f"{of}, but params: {error}") from None
        if (difference := TensorDifference.of(own, shapes_of(state))).wrong:
            given = " ".join(f"{key}={value}" for key, value in stated.items())
            raise ModelError(f"{of}, but with params {given}: {difference}")
    notes = []
    for key, values in candidate.untold.items():
        if key not in arguments:
            ways = " or ".join(f"--params {key}={value}" for value in values)
            raise ModelError(f"{of}, but no tensor tells its {key}: say {ways} (params in an entry)")
        if key not in stated:
            notes.append(f"{key}={arguments[key]}, as published: no tensor tells it (--params {key}=VALUE)")
    chosen = {**candidate.params, **({"args": arguments} if arguments else {}), **params}
    channels = {"y": 1, "rgb": 3}.get(candidate.colour or "") or _first_channels(state)
    files = {"state": path}
    note = "; ".join(notes)
    return Found(label, "torch", scales, channels, files, chosen, candidate.range, note=note)


def _of_spandrel(
    state: Mapping[str, Tensor], path: Path, params: Mapping[str, Any], stated: Mapping[str, Any]
) -> Found:
    found = libraries.detect_spandrel(state, path)
    name = found.architecture.name
    if stated:
        raise ModelError(f"{path}: is {name}, of which spandrel reads all arguments from the file: no params")
    if found.input_channels != found.output_channels or found.input_channels not in (1, 3):
        raise ModelError(
            f"{path}: {name} takes {found.input_channels} channels and gives {found.output_channels}, "
            "expected 1 and 1 or 3 and 3"
        )
    if found.scale < 2:
        raise ModelError(f"{path}: {name} for {found.purpose.lower()} at x1, which does not enlarge")
    params = {"arch": "spandrel", **params}
    return Found(name, "torch", (found.scale,), found.input_channels, {"state": path}, params)


def _first_channels(state: Mapping[str, Tensor]) -> int:
    return next((tensor.shape[1] for tensor in state.values() if tensor.ndim == 4), 3)


@dataclass(frozen=True)
class _Candidate:
    """An architecture with its arguments, as a registered model uses it, or bare.

    ``params`` are further ones of the registered model; of ``untold`` arguments no tensor tells the value.
    """

    arch: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    colour: Colour | None = None
    range: str | None = None
    untold: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def _candidates(shapes: Mapping[str, tuple[int, ...]]) -> Iterator[_Candidate]:
    """Architectures as the registered models use them, then in the other forms and sizes that they state."""
    seen: list[tuple[str, Any]] = []
    for entry in registry.load("models").values():
        params = {key: value for key, value in entry.get("params", {}).items() if key != "format"}
        key = (params.get("arch", ""), params.get("args", {}))
        if entry.get("engine") == "torch" and key[0] != "spandrel" and key not in seen:
            seen.append(key)
            yield _Candidate(*key, params, entry.get("colour", "rgb"), entry.get("input_range"))
    for name in archs.known():
        made = archs.get(name)
        for form in (*made.forms, *_sizes(made.sizes, shapes)):
            if (name, form) not in seen:
                told = {
                    key: values for key, values in made.untold.items() if form.get(key) in (None, *values)
                }
                yield _Candidate(name, form, {"arch": name}, made.colour, made.input_range, told)
    for cls, (sizes, untold) in libraries.BASICSR_SIZES.items():
        for form in _sizes(sizes, shapes):
            yield _Candidate(f"basicsr:{cls}", form, {"arch": f"basicsr:{cls}"}, untold=untold)


def _sizes(sizes: Sizes | None, shapes: Mapping[str, tuple[int, ...]]) -> list[Mapping[str, Any]]:
    """The arguments that an architecture reads from the shapes, if it finds its own there."""
    try:
        return [sizes(shapes)] if sizes else []
    except (KeyError, ValueError, IndexError):
        return []


def _shapes(arch: str, arguments: Mapping[str, Any], scale: int) -> Shapes | None:
    """Names and shapes of an architecture's tensors; None where it has no form for the scale."""
    try:
        return _shapes_of(arch, scale, json.dumps(dict(arguments)))
    except (ConfigError, RuntimeError):  # the latter: it looks at values while it is built, as meta has none
        return None


@cache
def _shapes_of(arch: str, scale: int, arguments: str) -> Shapes:
    with torch.device("meta"), warnings.catch_warnings(action="ignore"):  # of no blocks at all, for one
        module = archs.build(arch, scale, **json.loads(arguments))
    return shapes_of(module.state_dict())


def contents(state: Mapping[str, Tensor]) -> str:
    """What a state dict holds, for a person: ``92 tensors, first conv 3->64 3x3, last conv 64->48 3x3``."""
    convolutions = [tensor.shape for tensor in state.values() if tensor.ndim == 4]
    if not convolutions:
        return f"{len(state)} tensors, no convolution"
    first, last = (f"{s[1]}->{s[0]} {s[2]}x{s[3]}" for s in (convolutions[0], convolutions[-1]))
    return f"{len(state)} tensors, first conv {first}, last conv {last}"


# --- from what was found to a model ----------------------------------------------------------------------


def _concrete(model: Model, found: Found) -> Model:
    """The model with the engine, colour and range of its network; the entry must not contradict."""
    assert model.own is not None
    colour: Colour = "y" if found.channels == 1 else "rgb"
    if model.own.colour not in (None, colour):
        takes = "1 channel" if found.channels == 1 else f"{found.channels} channels"
        raise ModelError(
            f"{model.label}: its network takes {takes}, which is colour {colour}; the entry states "
            f"{model.own.colour}"
        )
    peak = 255 if (model.own.input_range or found.range) == "0-255" else 1
    return replace(model, engine=found.engine, params=found.params, colour=colour, input_peak=peak)
