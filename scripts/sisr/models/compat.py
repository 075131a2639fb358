"""A stand-in that lets torchvision be imported where that would fail.

Call it before the first import of torchvision, or of what imports it: BasicSR, spandrel, lpips.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from pathlib import Path
from typing import Any

#: Operators whose absence stops ``torchvision/_meta_registrations.py``; schemas as torchvision 0.28 has them.
_DETECTION_OPERATORS = tuple(
    f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor" for name in ("nms", "qnms")
)

# A torch.library.Library takes its definitions back when it is collected.
_library: Any = None


def prepare_torchvision() -> bool:
    """Let a CUDA build of torchvision be imported beside a CPU-only torch; tell whether that was needed.

    Its compiled part needs ``libtorch_cuda.so``, so its operators are never registered, and the import ends
    with "operator torchvision::nms does not exist".  Declaring the operators is enough: nothing here calls
    them.  With a CUDA torch, a matching torchvision, or none, this changes nothing.
    """
    global _library  # noqa: PLW0603 - one declaration per process
    import torch

    if torch.version.cuda is not None or "torchvision" in sys.modules or _library is not None:
        return False
    spec = importlib.util.find_spec("torchvision")  # does not import it
    if spec is None or not spec.submodule_search_locations or _loads(spec.submodule_search_locations[0]):
        return False
    _library = torch.library.Library("torchvision", "DEF")
    for operator in _DETECTION_OPERATORS:
        _library.define(operator)
    return True


def _loads(package: str) -> bool:
    """Whether torchvision's compiled part loads, or there is none."""
    for library in Path(package).glob("_C*.so"):
        try:
            ctypes.CDLL(str(library))
        except OSError:
            return False
    return True
