"""Weights of metrics in files of torch, read without running anything that a file may hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from sisr.base.errors import ModelError


def read(path: Path) -> Any:
    """What a file holds, on the CPU; :class:`ModelError` for one that cannot be read or is not torch's."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelError(f"{path}: cannot read the weights: {error.strerror}") from None
    except Exception as error:  # torch raises many kinds for a file that is not its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(f"{path}: not a torch file: {reason}") from None
