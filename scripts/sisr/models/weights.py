"""Reading checkpoints without running what is inside them.

A ``.pth`` file is a pickle, and unpickling can run any code.  Nothing here unpickles anything but tensors
and the few containers around them; whatever else a file asks for is refused by name.

Torch's zip has a checksum (CRC-32) of every member, which torch itself does not look at and
:func:`check_members` does.  Safetensors and torch's older pickles have none: of those, only files whose
sha256 is known are known to be whole.
"""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from sisr.base.errors import ModelError
from sisr.models.state_dicts import Part, parts

#: ``safetensors``; ``state-dict`` (a pickled state dict, read by torch's own weights-only loader);
#: ``legacy-module`` (a whole pickled module in torch's pre-1.6 form).
Format = Literal["safetensors", "state-dict", "legacy-module"]

#: What a file is by its first bytes: ``zip`` and ``pickle`` are torch's two pickled forms, ``tar`` the one
#: before them; ``torchscript`` is a zip that holds a program.
Content = Literal["safetensors", "zip", "pickle", "torchscript", "tar", "unknown"]

#: How much larger than the file its members may be: only the source of TorchScript programs is compressed.
_LARGEST_RATIO, _SMALL = 2, 2**20

#: What checkpoints hold beside tensors and networks do not need: numbers of numpy, options, paths, times.
_BESIDE_TENSORS = re.compile(
    r"(?:numpy|_codecs|argparse|pathlib|datetime|collections|types|omegaconf|yacs|easydict|addict|mmengine|mmcv"
    r"|lightning|pytorch_lightning|lightning_fabric)(?:\.\w+)+"
)
_MANY = 50
_ZIP = b"PK\x03\x04"


class _Inert(nn.Module):
    """Stands in for a class of the checkpoint's own code: holds parameters, has no behaviour."""


#: Classes that a legacy module may name, beyond those of its own code (which become :class:`_Inert`).
_LEGACY_ALLOWED: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("__builtin__", "set"): set,
    ("builtins", "set"): set,
    ("torch._utils", "_rebuild_tensor"): torch._utils._rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,
    ("torch._utils", "_rebuild_parameter"): torch._utils._rebuild_parameter,
    ("torch.nn.parameter", "Parameter"): nn.Parameter,
    ("torch.nn.backends.thnn", "_get_thnn_function_backend"): lambda: None,
    **{("torch", f"{kind}Storage"): getattr(torch, f"{kind}Storage") for kind in ("Float", "Double", "Long")},
}
_LEGACY_LAYERS = ("torch.nn.modules.activation", "torch.nn.modules.container", "torch.nn.modules.conv")
#: Top-level modules of the two repositories that published whole modules.
_LEGACY_OWN = ("vdsr", "lapsrn")


class _LegacyUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _LEGACY_ALLOWED:
            return _LEGACY_ALLOWED[module, name]
        # A dotted name would reach attributes of an allowed module, so only plain names pass.
        if module in _LEGACY_LAYERS and name.isidentifier():
            return _Inert
        if module in _LEGACY_OWN and name.isidentifier():
            return _Inert
        raise ModelError(f"refused: the pickle asks for {module}.{name}, which is not part of a network")


def content_of(path: Path) -> Content:
    """What a file is, by its content and whatever its name.

    Raises :class:`ModelError` where it cannot be read, is empty, or is a zip that is damaged.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(512)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror.lower() if error.strerror else error}") from None
    if not head:
        raise ModelError(f"{path}: the file is empty")
    if head.startswith(_ZIP):
        return _zip_content(path)
    if head[257:262] == b"ustar":
        return "tar"
    if head[8:9] == b"{":
        return "safetensors"
    return "pickle" if head[:1] == b"\x80" else "unknown"


def _begins_as_zip(path: Path) -> bool:
    """What torch goes by as well."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(_ZIP)) == _ZIP
    except OSError:
        return False


def _zip_content(path: Path) -> Content:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError):
        raise ModelError(f"{path}: truncated or damaged: the zip that it is has no directory") from None
    unpacked = sum(member.file_size for member in members)
    if unpacked > _LARGEST_RATIO * path.stat().st_size + _SMALL:
        # Tensors are stored without compression; a small file that unpacks to a huge one is an attack.
        raise ModelError(f"{path}: refused: a zip of {path.stat().st_size} bytes that unpacks to {unpacked}")
    names = [member.filename.partition("/")[2] for member in members]
    if "constants.pkl" in names and any(name.startswith("code/") for name in names):
        return "torchscript"
    if "data.pkl" not in names:
        raise ModelError(f"{path}: a zip without data.pkl, so no checkpoint of torch")
    return "zip"


def check_members(path: Path) -> None:
    """Raise :class:`ModelError` where a member of a zip is not what its checksum says.

    Torch can be told to write zips without checksums, which are all zero then.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if not any(member.CRC for member in archive.infolist()):
                return
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError) as error:
        # RuntimeError: a flipped bit says that it is encrypted, or compressed in a way that there is not.
        raise ModelError(f"{path}: damaged: {error}") from None
    if damaged is not None:
        raise ModelError(f"{path}: damaged: '{damaged}' in it is not what its checksum says")


def read_checkpoint(path: Path) -> tuple[list[Part], Format]:
    """What a checkpoint in any form may mean, the most likely first, and the form; see :func:`read_parts`."""
    content = content_of(path)
    if content == "safetensors":
        return read_parts(path, "safetensors"), "safetensors"
    if content == "torchscript":
        raise ModelError(f"{path}: a TorchScript program, expected a file of tensors")
    if content == "tar":
        raise ModelError(
            f"{path}: in torch's tar form of before 2017, not safe to read; save it with a newer torch"
        )
    if content == "unknown":
        raise ModelError(f"{path}: not a checkpoint: neither torch's zip or pickle nor safetensors")
    try:
        return read_parts(path, "state-dict"), "state-dict"
    except ModelError as refusal:
        if content != "pickle":
            raise
        try:
            return read_parts(path, "legacy-module"), "legacy-module"
        except ModelError:
            raise refusal from None


def read_state_dict(path: Path, form: Format, part: str = "") -> dict[str, Tensor]:
    """Tensors of a checkpoint by name, on the CPU: of the part of that name, or else of the most likely one.

    Raises :class:`ModelError`, see :func:`read_parts`, and where there is no such part.
    """
    found = read_parts(path, form)
    chosen = next((one for one in found if not part or one.name == part), None)
    if chosen is None:
        raise ModelError(f"{path}: holds no '{part}'; it has {', '.join(repr(one.name) for one in found)}")
    return dict(chosen.state)


def read_parts(path: Path, form: Format) -> list[Part]:
    """State dicts that a checkpoint may mean, on the CPU, the most likely first.

    Raises
    ------
    ModelError
        The file is truncated, of another format, or its pickle asks for anything but tensors and what is
        usual beside them; one line that names the file and what was refused.
    """
    if form == "state-dict" and _begins_as_zip(path):
        check_members(path)
    try:
        if form == "safetensors":
            found = parts(load_file(path))
        elif form == "legacy-module":
            found = [Part((), "", _legacy_state_dict(path))]
        else:
            found = parts(_restricted_load(path))
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except MemoryError:
        raise MemoryError(f"{path}: no memory to read it") from None
    except Exception as error:  # a damaged pickle leads the unpickler to errors of any class
        raise ModelError(f"{path}: {_brief(error, form)}") from None
    size = path.stat().st_size
    for name, tensor in ((name, tensor) for one in found for name, tensor in one.state.items()):
        if odd := _odd(tensor):
            raise ModelError(f"{path}: tensor '{name}' is {odd}; expected plain real numbers")
        # Strides of zero make any size of a few bytes.
        if tensor.numel() * tensor.element_size() > size:
            raise ModelError(f"{path}: refused: tensor '{name}' is larger than the file")
    return found


def _odd(tensor: Tensor) -> str | None:
    """What a tensor is that no layer of a network is made of, None for a plain one."""
    if tensor.is_complex():
        return f"of complex numbers ({str(tensor.dtype).removeprefix('torch.')})"
    if tensor.is_nested or tensor.layout != torch.strided:
        return "nested" if tensor.is_nested else f"sparse ({str(tensor.layout).removeprefix('torch.')})"
    if tensor.is_quantized:
        return f"quantised ({str(tensor.dtype).removeprefix('torch.')})"
    return "without values" if tensor.is_meta else None


class _Beside:
    """Stands in for what lies beside the tensors of a checkpoint; none of the named code is imported."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def _restricted_load(path: Path) -> Any:
    """What torch's own reader of tensors gives; of what is usual beside them, stand-ins."""
    stand_ins: list[Any] = []
    while True:
        with warnings.catch_warnings(), torch.serialization.safe_globals(stand_ins):
            # A file of another kind is refused below; torch's advice how to open it is not wanted.
            warnings.simplefilter("ignore", UserWarning)
            try:
                return torch.load(path, map_location="cpu", weights_only=True)
            except pickle.UnpicklingError as error:
                asked = _ASKED.search(str(error))
                if asked is None or not _BESIDE_TENSORS.fullmatch(asked[1]) or len(stand_ins) == _MANY:
                    raise
                stand_ins.append((type("Beside", (_Beside,), {}), asked[1]))


#: What a refused pickle asks for, in torch's words.
_ASKED = re.compile(r"\bGLOBAL ([\w.]+)")


def _brief(error: Exception, form: Format) -> str:
    """One line for what torch or safetensors say in many."""
    text = str(error).strip()
    # The sentence about the name is the only part of torch's text that says what was found.
    asked = _ASKED.search(text)
    if asked:
        return f"refused: the pickle asks for {asked[1]}, which is no tensor"
    if "central directory" in text or isinstance(error, EOFError | IndexError):
        return f"truncated or damaged, not a readable {form} checkpoint"
    last = [line.strip() for line in text.splitlines() if line.strip() and "weights_only" not in line]
    return f"not a readable {form} checkpoint: {last[0] if last else type(error).__name__}"


def _legacy_state_dict(path: Path) -> dict[str, Tensor]:
    with path.open("rb") as stream:
        if stream.read(2) != b"\x80\x02":  # torch.load would hand other forms to other readers
            raise ModelError("not a readable legacy-module checkpoint: not torch's pre-1.6 pickle")
    pickle_module = SimpleNamespace(
        Unpickler=_LegacyUnpickler,
        load=lambda stream, **options: _LegacyUnpickler(stream, **options).load(),
        __name__="restricted pickle",
    )
    with warnings.catch_warnings():
        # torch compares the source of classes with the one in the file; ours are stand-ins on purpose.
        warnings.simplefilter("ignore", torch.serialization.SourceChangeWarning)
        content = torch.load(path, map_location="cpu", pickle_module=pickle_module, weights_only=False)
    module = content.get("model") if isinstance(content, Mapping) else content
    if not isinstance(module, nn.Module):
        raise ModelError(f"holds a {type(module).__name__}, expected a module")
    return {name: tensor.detach() for name, tensor in _walk(module, "")}


def _walk(module: nn.Module, prefix: str) -> list[tuple[str, Tensor]]:
    """Parameters and buffers by dotted name; the pickled modules predate what ``state_dict()`` needs."""
    own = [
        (prefix + name, value)
        for table in ("_parameters", "_buffers")
        for name, value in module.__dict__.get(table, {}).items()
        if isinstance(value, Tensor)
    ]
    for name, child in module.__dict__.get("_modules", {}).items():
        if child is not None:
            own += _walk(child, f"{prefix}{name}.")
    return own


def is_counter(name: str) -> bool:
    """Whether a tensor counts training steps; weights from before torch 0.4.1 do not have it."""
    return name.endswith(".num_batches_tracked")


def load_into(network: nn.Module, state: Mapping[str, Tensor], source: Path) -> None:
    """Copy a state dict into a network of the same names and shapes.

    Raises :class:`ModelError` that names the first key that is missing, unexpected or of another shape.
    """
    own = network.state_dict()
    for name, tensor in own.items():
        if name not in state and is_counter(name):
            continue
        if name not in state:
            raise ModelError(f"{source}: no tensor '{name}' for {type(network).__name__}")
        if state[name].shape != tensor.shape:
            raise ModelError(
                f"{source}: tensor '{name}' is {tuple(state[name].shape)}, "
                f"expected {tuple(tensor.shape)} for {type(network).__name__}"
            )
        if tensor.is_floating_point() and not state[name].is_floating_point():
            kind = str(state[name].dtype).removeprefix("torch.")
            raise ModelError(
                f"{source}: tensor '{name}' is {kind}, expected real numbers for {type(network).__name__}"
            )
    extra = next((name for name in state if name not in own), None)
    if extra is not None:
        raise ModelError(f"{source}: unexpected tensor '{extra}' for {type(network).__name__}")
    network.load_state_dict(dict(state))
