"""TorchScript: networks that are programs of the user's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sisr.base.errors import ModelError, is_out_of_memory
from sisr.models.weights import check_members
from sisr.upscaling.engines.planes import Planes, Seen, probe

#: What reaches beyond tensors in the source of TorchScript: files, other machines, other compiled code.
#: Words, not calls: `ops.aten.save`, `torch . save` and a function under another name are the same operator.
_BEYOND_TENSORS = re.compile(
    r"\b(?:save|from_file|classes|rpc_\w+)\b|(?<![\w.])ops\b(?!\.(?:prim|aten)\.)(?:\s*\.\s*\w+)?"
)


def inspect(path: Path) -> Seen:
    """What a TorchScript program does."""
    return Seen(*probe(_planes_of(torchscript(path), str(path)), (3, 1), str(path)))


def _planes_of(module: nn.Module, source: str) -> Planes:
    """A module as a function of planes on the CPU, for looking at what it takes and gives."""

    def run(planes: np.ndarray) -> np.ndarray:
        try:
            with torch.inference_mode():
                output = module(torch.from_numpy(planes)[None])
        except Exception as error:  # what the program raises is torch.jit.Error, an heir of Exception alone
            if is_out_of_memory(error):
                raise
            raise ModelError(f"{source}: fails on {planes.shape}: {_last_line(error)}") from None
        if not isinstance(output, Tensor):
            raise ModelError(f"{source}: gives a {type(output).__name__}, expected one tensor")
        return output[0].float().numpy()

    return run


def torchscript(path: Path) -> torch.jit.ScriptModule:
    """A TorchScript program, in evaluation mode on the CPU.

    It runs in torch's own interpreter, which has no Python in it: there is nothing to unpickle but tensors.

    Raises :class:`ModelError` where it is refused (see :func:`check_program`) or damaged.
    """
    check_program(path)
    try:
        return torch.jit.load(str(path), map_location="cpu").eval()
    except (RuntimeError, OSError) as error:
        raise ModelError(f"{path}: not a readable TorchScript program: {_last_line(error)}") from None


def check_program(path: Path) -> None:
    """Raise :class:`ModelError` for a TorchScript program that is damaged or reaches beyond tensors.

    One that names an operator on files, on other machines or of another library is refused by name before it
    is loaded, since loading may run code of it.  What is looked at is what torch's own reader gives out:
    another reader of zips can see another directory in the same file.
    """
    try:
        archive = torch._C.PyTorchFileReader(str(path))
        names = archive.get_all_records()
        # torch finds a member by its name in any case, and one of two with the same name.
        if len({name.lower() for name in names}) != len(names):
            raise ModelError(f"{path}: refused: two members of the TorchScript archive have the same name")
        for name in names:
            beyond = _beyond_tensors(name.lower(), archive, name)
            if beyond:
                raise ModelError(f"{path}: refused: the TorchScript program uses {beyond}")
    except (RuntimeError, OSError) as error:
        raise ModelError(f"{path}: not a readable TorchScript program: {_last_line(error)}") from None
    check_members(path)


def _beyond_tensors(kind: str, archive: Any, name: str) -> str | None:
    """What a member of a TorchScript archive names beyond tensors, None for nothing."""
    if kind.startswith("code/"):
        found = _BEYOND_TENSORS.search(archive.get_record(name).decode("utf-8", "replace"))
        return None if found is None else found[0]
    # Values may be of a class of compiled code, which builds itself from what the file says.
    compiled = kind.endswith(".pkl") and b"classes" in archive.get_record(name)
    return "a class of compiled code" if compiled else None


def _last_line(error: BaseException) -> str:
    """What went wrong, in one line: torch puts it last."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1][:200]}" if lines else type(error).__name__
